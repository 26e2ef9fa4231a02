"""Values in the address, so that a copied link restores the page.

Streamlit can bind a widget to the address itself, but it writes what the learner sees: a link made in Chinese would not open
in English. Here the value is written, whatever its label; what the address holds is checked before a widget sees it.
`pages.kit.controls` has the widgets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import streamlit as st

MAX_CHARACTERS = 1000
"""Characters that one parameter may have; a longer text stays on the page but is not part of a copied link."""

_DEFAULTS, _STARTS = "_address_defaults", "_address_starts"


class Allowed(Protocol):
    """The values that one control takes."""

    def parse(self, text: str) -> Any:
        """The value written as `text`, or None if the control does not take it."""

    def holds(self, value: Any) -> bool:
        """Return True if the control can show `value`."""


def begin(key: str, default: Any, allowed: Allowed) -> Any:
    """The value of a control before it is drawn: the session's, at first the address's if it is allowed, else `default`.

    A control that was never moved follows its default, and one whose limits have moved past its value goes back to it: both
    may depend on the text, or on another control.
    """
    defaults = st.session_state.setdefault(_DEFAULTS, {})
    before, defaults[key] = defaults.get(key, default), default
    if key not in st.session_state:
        text = st.query_params.get(key)
        asked = None if text is None or len(text) > MAX_CHARACTERS else allowed.parse(text)
        _set(key, default if asked is None else asked)
    elif (before != default and st.session_state[key] == before) or not allowed.holds(st.session_state[key]):
        put(key, default)
    return st.session_state[key]


def start(key: str, allowed: Allowed) -> Any:
    """The value that the widget itself names as its first.

    A page drawn twice in a row reaches the browser as the second drawing alone, in which the session's value is no news:
    the widget then starts from its own default, so that has to be the value last set from here. It does not follow the
    learner's moves: a widget whose default changes is drawn anew.
    """
    first = st.session_state.get(_STARTS, {}).get(key, st.session_state[key])
    return first if allowed.holds(first) else st.session_state[key]


def writer(key: str, then: Callable[[], None] | None = None) -> Callable[[], None]:
    """The callback of a control that the learner moves: writes its value into the address, and goes on with `then`."""

    def changed() -> None:
        write(key, st.session_state[key])
        if then:
            then()

    return changed


def put(key: str, value: Any) -> None:
    """Set a control from a callback, or before it is drawn."""
    _set(key, value)
    write(key, value)


def write(key: str, value: Any) -> None:
    """Put a value into the address; a default, or what is too long for it, leaves the address."""
    text = written(value)
    if value == st.session_state.get(_DEFAULTS, {}).get(key) or not 0 < len(text) <= MAX_CHARACTERS:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != text:
        # Streamlit sends even what has not changed, and the browser gives it to whatever page it shows when that arrives: a
        # reader who has gone back meanwhile would find this page's parameters there.
        st.query_params[key] = text


def defaults(prefix: str) -> dict[str, Any]:
    """The defaults of the controls that the session holds and whose key begins with `prefix`, by key."""
    known = st.session_state.get(_DEFAULTS, {}).items()
    return {key: default for key, default in known if key.startswith(prefix) and key in st.session_state}


def reset(prefix: str) -> None:
    """Put every control whose key begins with `prefix` back, and clear all such parameters."""
    for key, default in defaults(prefix).items():
        _set(key, default)
    for key in [key for key in st.query_params if key.startswith(prefix)]:
        del st.query_params[key]


def written(value: Any) -> str:
    """A value as the address has it."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list | tuple):
        return "~".join(map(written, value))
    return "" if value is None else str(value)


def _set(key: str, value: Any) -> None:
    """Set a control in the session, as the value that a browser which draws it first starts from too."""
    st.session_state[key] = value
    st.session_state.setdefault(_STARTS, {})[key] = value
