"""An editor for a few lines of Python, with coloured words, line numbers and the usual keys; it works unplugged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from pages.kit.components.component import Component

MAX_CHARACTERS = 40_000
"""Characters that are taken from the browser; a page may allow fewer."""

_EDITOR = Component("code_editor")


def typed(key: str, revision: int, code: str) -> str:
    """Text of the editor, also before it is drawn: the text typed since this revision, or `code`."""
    state = st.session_state.get(key)
    answer = state.get("code") if isinstance(state, Mapping) else None
    if isinstance(answer, Mapping) and answer.get("revision") == revision and isinstance(answer.get("text"), str):
        return answer["text"][:MAX_CHARACTERS]
    return code


def code_editor(
    code: str,
    *,
    key: str,
    revision: int,
    label: str,
    hint: str,
    on_run: Callable[[], None],
    checked: str = "",
    line: int | None = None,
) -> None:
    """Draw the editor.

    Args:
        code: what it begins with.
        key: the component's key in the session state.
        revision: a new number puts `code` into the editor, whatever was typed there; the same one leaves it alone.
        label: names it for a screen reader.
        hint: a line under it.
        on_run: called when the keys to run the code are pressed.
        checked, line: the code in which this line was found wrong, and its number; marked until something is typed.
    """
    data = {"code": code, "revision": revision, "label": label, "hint": hint, "checked": checked, "line": line}
    _EDITOR.draw(key, data, events={"code": None, "run": on_run})
