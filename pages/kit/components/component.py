"""Base of all components: their files, their drawing, and the one choice of the reader that some remember.

Each is a Streamlit custom component (version 2): its JavaScript and CSS are in `assets/components`, without a framework
and without the network.

A choice is kept under the component's key. The argument of a component that sets its first choice holds for the
first drawing only; to change it later, as a Reset button does, call `assign(key, value)` before drawing. A plain write to
`st.session_state[key]` would hold for one run only: the browser sends its own copy again with the next one. `assign`
numbers what it sets, and an answer from before that number is ignored.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

ASSETS = Path(__file__).resolve().parents[3] / "assets" / "components"


class Component:
    """One component: its files and the ones all components share, and how it is drawn.

    Attributes:
        labels: the texts that it needs in the page's language.
    """

    def __init__(
        self,
        name: str,
        *,
        labels: Sequence[str] = (),
        saved: bool = False,
        parts: Sequence[str] = (),
        isolated: bool = True,
        attributes: str = "",
    ) -> None:
        """Register the component `distillery.<name>`.

        Args:
            saved: whether its picture can be saved as a file.
            parts: further files that its own script builds on.
            isolated: whether it has a style sheet and a shadow tree to itself; otherwise it is part of the page.
            attributes: further ones of its outermost element.
        """
        self.labels = tuple(labels)
        own, kind = f"{name}.css", name.replace("_", "-")
        styles = [*(["common.css"] if isolated else []), *([own] if (ASSETS / own).exists() else [])]
        place = f'class="{f"root {kind}" if isolated else f"distillery-{kind}"}" data-root {attributes}'.strip()
        self._mount = st.components.v2.component(
            f"distillery.{name}",
            html=f"<div {place}></div>",
            js=_source("common.js", *(["saving.js"] if saved else []), *parts, f"{name}.js"),
            css=_source(*styles) if styles else None,
            isolate_styles=isolated,
        )

    def draw(
        self,
        key: str,
        data: Mapping[str, Any] | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        events: Mapping[str, Callable[[], None] | None] | None = None,
        **options: Any,
    ) -> None:
        """Draw the component.

        Args:
            key: the component's key in the session state.
            data: what its script receives, and `labels` with it.
            events: what the browser may send, by name, each with what it calls first; None where the rerun is enough.
            options: of Streamlit's own command, such as `height`.

        Raises:
            ValueError: a label is missing.
        """
        missing = [name for name in self.labels if name not in (labels or {})]
        if missing:
            raise ValueError(f"labels lacks {', '.join(missing)}.")
        sent = None if data is None else {**data, **({} if labels is None else {"labels": dict(labels)})}
        calls = {f"on_{name}_change": call or _rerun_only for name, call in (events or {}).items()}
        self._mount(key=key, data=sent, **calls, **options)


def _source(*parts: str) -> str:
    """Component files joined to one text: Streamlit loads a component as one module that cannot import its neighbours."""
    return "\n".join((ASSETS / part).read_text("utf-8") for part in parts)


def _rerun_only() -> None:
    """Streamlit keeps a component's state only for events that have a callback; the rerun itself is all we need."""


# The reader's choice

CHOSEN: Mapping[str, None] = {"selected": None}
"""The event of a component that remembers a choice."""


def read(key: str, initial: Any) -> tuple[Any, int]:
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


def assign(key: str, value: tuple[int, int] | Collection[int] | None) -> None:
    """Set what the component with this key shows: a cell, the marked positions, or None. Call it before drawing."""
    _, revision = read(key, None)
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
            choice, _ = read(key, before)
            choice = cell_in(choice, shape)
            shared = choice if choice != before else shared
    if shared != before:
        for key in keys:
            assign(key, shared)
    st.session_state[slot] = shared
    return shared


def _slot(key: str) -> str:
    return f"{key}:assigned"


# What a browser may send


def is_position(value: Any, size: int) -> bool:
    """Return True if a value from the browser is a position below `size`; True and 2.0 are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value < size


def cell_in(value: Any, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """(row, column) if the value is such a pair inside the shape, else None; a browser can send anything."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    row, column = value
    return (int(row), int(column)) if is_position(row, shape[0]) and is_position(column, shape[1]) else None


def positions_in(value: Any, size: int) -> list[int]:
    """The valid positions in the value, each once, in order."""
    items = value if isinstance(value, list | tuple) else []
    return sorted({int(item) for item in items if is_position(item, size)})


# What it is sent


def encoded(array: np.ndarray) -> str:
    """The array's bytes as text, in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def file_name(text: str) -> str:
    """The text as a file's name that every system takes: letters and digits of any script, the rest as hyphens."""
    letters = unicodedata.normalize("NFC", text)
    kept = "".join(sign if unicodedata.category(sign)[0] in "LNM" or sign in "_." else " " for sign in letters)
    return "-".join(kept.split())[:60].strip("-_.") or "figure"
