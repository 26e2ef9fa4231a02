"""One head's attention map, of which the reader picks a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from core.charts.cells import limits_of
from core.charts.colors import NEGATIVE
from pages.kit.components.component import CHOSEN, Component, cell_in, encoded, file_name, read

MAP_LABELS = ("cell", "row", "hint", "hint_sentence", "sentence", "scale", "query_axis", "key_axis")

_MAP = Component("attention_map", labels=MAP_LABELS, saved=True)


def attention_map(
    probabilities: ArrayLike,
    query_tokens: Sequence[str],
    key_tokens: Sequence[str],
    *,
    key: str,
    labels: Mapping[str, str],
    alt: str,
    color: str,
    selected: tuple[int, int] | None = None,
    signed: bool = False,
    negative_color: str = NEGATIVE,
    limits: tuple[float, float] | None = None,
    digits: int = 2,
    show_numbers: bool = True,
    save_as: str | None = None,
) -> tuple[int, int] | None:
    """One head's map with its tokens, and the cell (query, key) that the reader picked.

    Args:
        probabilities: weights, scores or differences, `[query, key]`; minus infinity marks a masked cell.
        query_tokens: the rows' tokens, `[query]`.
        key_tokens: the columns' tokens, `[key]`.
        key: the component's key in the session state.
        labels: texts in the page's language, see `MAP_LABELS`. `cell` and `row` may use {query}, {key} and {value}
            (`row` is read with the row's strongest key), `sentence` {query}; `hint` and `hint_sentence` take
            their places, before anything is pointed at; `scale` names the numbers, `query_axis` and `key_axis` the axes.
        alt: what the picture is, for a screen reader.
        color: the colour of the largest value.
        selected: the cell chosen at first.
        signed: centre the scale on zero, with `negative_color` below it.
        negative_color: the colour of the smallest value of a signed map.
        limits: the scale's ends, to compare several maps; by default they come from the data, from zero where
            nothing is negative.
        digits: decimals in the cells and on the scale; the line below always has four.
        show_numbers: write the numbers into the cells where they fit.
        save_as: the name, without an ending, of the file that the reader can save; by default the key.

    Returns:
        (query, key) as positions in the two token lists, or None.
    """
    values = np.asarray(probabilities, dtype=np.float32)
    shape = (len(query_tokens), len(key_tokens))
    if values.shape != shape or 0 in shape:
        raise ValueError(f"attention_map needs a map of shape {shape} with at least one cell, not {values.shape}.")
    low, high = limits or limits_of(values, signed)
    choice, revision = read(key, selected)
    cell = cell_in(choice, shape)
    data = {
        "values": encoded(values),
        "query_tokens": [str(token) for token in query_tokens],
        "key_tokens": [str(token) for token in key_tokens],
        "low": float(low),
        "high": float(high),
        "color": color,
        "negative_color": negative_color if signed else None,
        "digits": digits,
        "show_numbers": show_numbers,
        "selected": cell,
        "revision": revision,
        "alt": alt,
        "file": file_name(save_as or key),
    }
    _MAP.draw(key, data, labels=labels, events=CHOSEN)
    return cell
