"""Interactive pieces that Streamlit does not have: an attention map, a grid of heads, a line of tokens to hide.

Each is a Streamlit custom component (version 2): its JavaScript and CSS lie in `assets/components`, without a framework
and without the network. All three remember one choice of the reader, under the component's key. The argument `selected`
(or `marked`) is only where the choice starts; to change it later, as a Reset button does, call `assign(key, value)`
before drawing. A plain write to `st.session_state[key]` would hold for one run only: the browser sends its own copy
again with the next one. `assign` numbers what it sets, and an answer from before that number is ignored.

The map and the grid can be saved as PNG and SVG. The browser writes both files from the data it already has.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from core.charts.cells import limits_of, quantised, shrunk
from core.charts.colors import NEGATIVE

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "components"

MAP_LABELS = ("cell", "row", "hint", "hint_sentence", "sentence", "scale", "query_axis", "key_axis")
GRID_LABELS = ("layer", "head", "tooltip", "hint", "scale")
PICKER_LABELS = ("masked", "count", "hint")


def source(*parts: str) -> str:
    """Component files joined to one text: Streamlit loads a component as one module that cannot import its neighbours."""
    return "\n".join((ASSETS / part).read_text("utf-8") for part in parts)


def register(name: str, saved: bool = False, parts: Sequence[str] = ()) -> Any:
    """The mounting command of one component, from its files and the ones all components share.

    Args:
        saved: whether its picture can be saved as a file.
        parts: further files that its own script builds on.
    """
    return st.components.v2.component(
        f"distillery.{name}",
        html=f'<div class="root {name.replace("_", "-")}"></div>',
        js=source("common.js", *(["saving.js"] if saved else []), *parts, f"{name}.js"),
        css=source("common.css", f"{name}.css"),
    )


_ATTENTION_MAP = register("attention_map", saved=True)
_HEAD_GRID = register("head_grid", saved=True)
_TOKEN_PICKER = register("token_picker")


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
            (`row` is read with the row's strongest key), `sentence` {query}; `hint` and `hint_sentence` stand where
            those would, before anything is pointed at; `scale` names the numbers, `query_axis` and `key_axis` the axes.
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
    _check_labels(labels, MAP_LABELS)
    low, high = limits or limits_of(values, signed)
    choice, revision = _read(key, selected)
    cell = _cell(choice, shape)
    data = {
        "values": _base64(values),
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
        "labels": dict(labels),
        "alt": alt,
        "file": _file_name(save_as or key),
    }
    _ATTENTION_MAP(key=key, data=data, on_selected_change=_rerun_only)
    return cell


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
            one byte a cell.
        key: the component's key in the session state.
        labels: texts in the page's language, see `GRID_LABELS`. `layer` and `head` are headings with {number}, such as
            "L{number}"; `tooltip` may use {layer}, {head} (both from 1) and {value}; `hint` stands where the tooltip
            would; `scale` names the numbers of `values`.
        alt: what the picture is, for a screen reader.
        color: the colour of the largest value.
        selected: the (layer, head) chosen at first.
        values: one number a head, `[layer, head]`, shown and coloured in place of the pictures; NaN where there is
            none. With a negative number among them the scale is centred on zero.
        negative_color: the colour of the smallest value below zero.
        digits: decimals of `values`; the line below has four.
        shared_scale: colour all pictures on one scale; by default each runs to its own largest weight, which shows the
            pattern of a diffuse head too.
        save_as: the name, without an ending, of the file that the reader can save; by default the key.
    """
    _check_labels(labels, GRID_LABELS)
    data: dict[str, Any] = {
        "labels": dict(labels),
        "alt": alt,
        "file": _file_name(save_as or key),
        "color": color,
        "digits": digits,
        "negative_color": None,
    }
    if values is not None:
        numbers = np.asarray(values, dtype=np.float32)
        signed = bool((numbers < 0).any())
        low, high = limits_of(numbers, signed)
        data |= {"values": _base64(numbers), "low": low, "high": high, "rows": 1, "columns": 1}
        data["negative_color"] = negative_color if signed else None
        shape = numbers.shape
    elif thumbnails is not None:
        weights = np.asarray(thumbnails, dtype=np.float32)
        if weights.ndim != 4:
            raise ValueError(f"head_grid needs thumbnails [layer, head, query, key], not {weights.shape}.")
        pixels = quantised(shrunk(weights), shared_scale)
        data |= {"pixels": _base64(pixels), "rows": pixels.shape[2], "columns": pixels.shape[3]}
        shape = weights.shape[:2]
    else:
        raise ValueError("head_grid needs thumbnails or values.")
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"head_grid needs at least one layer and one head, not {shape}.")
    choice, revision = _read(key, selected)
    cell = _cell(choice, shape)
    data |= {"layers": shape[0], "heads": shape[1], "selected": cell, "revision": revision}
    _HEAD_GRID(key=key, data=data, on_selected_change=_rerun_only)
    return cell


def token_picker(
    tokens: Sequence[str],
    *,
    key: str,
    labels: Mapping[str, str],
    alt: str,
    marked: Collection[int] = (),
    disabled: Collection[int] = (),
    groups: Sequence[int] | None = None,
    strike: bool = True,
) -> list[int]:
    """A sentence as chips that the reader can hide, and the hidden positions in order.

    Args:
        tokens: the sentence, `[position]`; a token that begins with ## is drawn joined to its word.
        key: the component's key in the session state.
        labels: texts in the page's language, see `PICKER_LABELS`. `masked` stands on a hidden chip, such as "[MASK]";
            `count` may use {count} and {total}; `hint` stands in its place while nothing is hidden.
        alt: what the line is, for a screen reader.
        marked: the positions hidden at first.
        disabled: the positions that cannot be hidden, such as [CLS]; never returned.
        groups: a number for each position; those with the same one are hidden and shown together, `[position]`.
        strike: cross marked tokens out; False where a mark means something else than hidden.
    """
    _check_labels(labels, PICKER_LABELS)
    choice, revision = _read(key, list(marked))
    barred = set(disabled)
    positions = [position for position in _positions(choice, len(tokens)) if position not in barred]
    data = {
        "tokens": [str(token) for token in tokens],
        "disabled": sorted(int(position) for position in barred),
        "groups": None if groups is None else [int(group) for group in groups],
        "strike": strike,
        "selected": positions,
        "revision": revision,
        "labels": dict(labels),
        "alt": alt,
    }
    _TOKEN_PICKER(key=key, data=data, on_selected_change=_rerun_only)
    return positions


def assign(key: str, value: tuple[int, int] | Collection[int] | None) -> None:
    """Sets what the component with this key shows: a cell, the marked positions, or None. Call it before drawing."""
    _, revision = _read(key, None)
    st.session_state[_slot(key)] = {"revision": revision + 1, "value": value if value is None else list(value)}


def shared_choice(
    keys: Sequence[str], current: tuple[int, int] | None, shape: tuple[int, int]
) -> tuple[int, int] | None:
    """One cell that several maps show together: what the reader picked in any of them, else `current`.

    Call it before drawing the maps with these keys, pass what it returns to each as `selected`, and keep it as the next
    `current`. If `current` changes without a pick, as after Reset, all maps follow it. `shape` is (rows, columns).
    """
    slot = "+".join(keys) + ":shared"
    before = st.session_state.setdefault(slot, current)
    shared = current
    if before == current:
        for key in keys:
            choice, _ = _read(key, before)
            choice = _cell(choice, shape)
            shared = choice if choice != before else shared
    if shared != before:
        for key in keys:
            assign(key, shared)
    st.session_state[slot] = shared
    return shared


def _slot(key: str) -> str:
    return f"{key}:assigned"


def _read(key: str, initial: Any) -> tuple[Any, int]:
    """The unchecked choice, and the number of the latest `assign`.

    The browser answers {"value": ..., "revision": ...}. A bare value is taken as it is, which is what a test writes.
    """
    assigned = st.session_state.get(_slot(key), {"revision": 0})
    revision = assigned["revision"]
    state = st.session_state.get(key)
    answer = state.get("selected") if isinstance(state, Mapping) else None
    if isinstance(answer, Mapping):
        if answer.get("revision") == revision:
            # The reader has gone on since: when the page opens again, it starts from its own argument.
            assigned.pop("value", None)
            return answer.get("value"), revision
    elif answer is not None:
        return answer, revision
    return assigned.get("value", initial), revision


def _rerun_only() -> None:
    """Streamlit keeps a component's state only for events that have a callback; the rerun itself is all we need."""


def _whole(value: Any, size: int) -> bool:
    """Whether a value from the browser is a position below `size`; True and 2.0 are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value < size


def _cell(value: Any, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """(row, column) if that is what the value is and it lies inside the shape; a browser can send anything."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    row, column = value
    return (int(row), int(column)) if _whole(row, shape[0]) and _whole(column, shape[1]) else None


def _positions(value: Any, size: int) -> list[int]:
    """The valid positions in the value, each once, in order."""
    items = value if isinstance(value, list | tuple) else []
    return sorted({int(item) for item in items if _whole(item, size)})


def _check_labels(labels: Mapping[str, str], names: Sequence[str]) -> None:
    missing = [name for name in names if name not in labels]
    if missing:
        raise ValueError(f"labels lacks {', '.join(missing)}.")


def _file_name(text: str) -> str:
    """The text as a file's name that every system takes: letters and digits of any script, the rest as hyphens."""
    letters = unicodedata.normalize("NFC", text)
    kept = "".join(sign if unicodedata.category(sign)[0] in "LNM" or sign in "_." else " " for sign in letters)
    return "-".join(kept.split())[:60].strip("-_.") or "figure"


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
