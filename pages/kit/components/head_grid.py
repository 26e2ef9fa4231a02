"""Every head of a model as a small picture or a number, of which the reader picks one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from core.charts.cells import limits_of, quantised, shrunk
from core.charts.colors import NEGATIVE
from pages.kit.components.component import CHOSEN, Component, cell_in, encoded, file_name, read

GRID_LABELS = ("layer", "head", "tooltip", "hint", "scale")

_GRID = Component("head_grid", labels=GRID_LABELS, saved=True)


def head_grid(
    thumbnails: ArrayLike | None,
    *,
    key: str,
    labels: Mapping[str, str],
    alt: str,
    color: str,
    selected: tuple[int, int] | None = None,
    values: ArrayLike | None = None,
    negative_color: str = NEGATIVE,
    digits: int = 2,
    shared_scale: bool = False,
    save_as: str | None = None,
) -> tuple[int, int] | None:
    """Every head of a model as a small picture, and the (layer, head) that the reader picked, both from 0.

    Args:
        thumbnails: attention weights, `[layer, head, query, key]`; may be None where `values` is given. They travel as
            one byte per cell.
        key: the component's key in the session state.
        labels: texts in the page's language, see `GRID_LABELS`. `layer` and `head` are headings with {number}, such as
            "L{number}"; `tooltip` may use {layer}, {head} (both from 1) and {value}; `hint` takes the tooltip's
            place; `scale` names the numbers of `values`.
        alt: what the picture is, for a screen reader.
        color: the colour of the largest value.
        selected: the (layer, head) chosen at first.
        values: one number per head, `[layer, head]`, shown and coloured in place of the pictures; NaN where there is
            none. With a negative number among them the scale is centred on zero.
        negative_color: the colour of the smallest value below zero.
        digits: decimals of `values`; the line below has four.
        shared_scale: colour all pictures on one scale; by default each runs to its own largest weight, which shows the
            pattern of a diffuse head too.
        save_as: the name, without an ending, of the file that the reader can save; by default the key.
    """
    data: dict[str, Any] = {
        "alt": alt,
        "file": file_name(save_as or key),
        "color": color,
        "digits": digits,
        "negative_color": None,
    }
    if values is not None:
        numbers = np.asarray(values, dtype=np.float32)
        signed = bool((numbers < 0).any())
        low, high = limits_of(numbers, signed)
        data |= {"values": encoded(numbers), "low": low, "high": high, "rows": 1, "columns": 1}
        data["negative_color"] = negative_color if signed else None
        shape = numbers.shape
    elif thumbnails is not None:
        weights = np.asarray(thumbnails, dtype=np.float32)
        if weights.ndim != 4:
            raise ValueError(f"head_grid needs thumbnails [layer, head, query, key], not {weights.shape}.")
        pixels = quantised(shrunk(weights), shared_scale)
        data |= {"pixels": encoded(pixels), "rows": pixels.shape[2], "columns": pixels.shape[3]}
        shape = weights.shape[:2]
    else:
        raise ValueError("head_grid needs thumbnails or values.")
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"head_grid needs at least one layer and one head, not {shape}.")
    choice, revision = read(key, selected)
    cell = cell_in(choice, shape)
    data |= {"layers": shape[0], "heads": shape[1], "selected": cell, "revision": revision}
    _GRID.draw(key, data, labels=labels, events=CHOSEN)
    return cell
