"""Controls whose values live in the address, so that a copied link restores the page.

Streamlit can bind a widget to the address itself, but it writes what the learner sees: a link made in Chinese would not open
in English. Here the value is written, whatever its label; what the address holds is checked before a widget sees it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

LONGEST = 1000
"""Characters that one parameter may have; a longer text stays on the page but is not part of a copied link."""

_STARTS = "_address_starts"

_CHOICES = ("selectbox", "radio", "segmented_control", "pills", "select_slider", "multiselect")


def control(make: Callable[..., Any], key: str, default: Any, *args: Any, **options: Any) -> Any:
    """A Streamlit widget that starts with the address's value (if it fits, else `default`) and writes its own there.

    Args:
        make: the widget's function, like `st.slider`.
        key: its name in the session and in the address.
        args: the label and what follows it, without the value.
        options: keyword arguments of the widget; an `on_change` of the caller runs after the address is written.
    """
    st.session_state.setdefault("_address_defaults", {})[key] = default
    _prepare(key, make.__name__, default, args, options)
    then = options.pop("on_change", None)

    def changed() -> None:
        write(key, st.session_state[key])
        if then:
            then()

    # A page drawn twice in a row reaches the browser as the second drawing alone, in which the session's value is no news:
    # the widget then starts from its own default, so that has to be the value last set from here. It does not follow the
    # learner's moves: a widget whose default changes is drawn anew.
    start = st.session_state.get(_STARTS, {}).get(key, st.session_state[key])
    if not _fits(make.__name__, start, args, options):
        start = st.session_state[key]
    return make(*args, key=key, on_change=changed, **_default(make.__name__, start, args, options), **options)


def _prepare(key: str, kind: str, default: Any, args: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Gives a control its first value, the address's or `default`, and puts back one whose limits have moved past its value."""
    if key not in st.session_state:
        asked = _parse(st.query_params.get(key), kind, default, args, options)
        _set(key, default if asked is None else asked)
    elif not _fits(kind, st.session_state[key], args, options):
        put(key, default)  # another text, or another choice beside it, has moved the limits


def _set(key: str, value: Any) -> None:
    """Sets a control in the session, as the value that a browser which draws it first starts from too."""
    st.session_state[key] = value
    st.session_state.setdefault(_STARTS, {})[key] = value


def _default(kind: str, value: Any, args: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The argument that lets a widget of this kind start from `value`."""
    if kind in ("selectbox", "radio"):
        choices = _choices(args, options)
        return {"index": choices.index(value) if value in choices else None}
    return {"default" if kind in ("segmented_control", "pills", "multiselect") else "value": value}


def _fits(kind: str, value: Any, args: Sequence[Any], options: Mapping[str, Any]) -> bool:
    """Whether a widget of this kind can show `value`."""
    if kind in _CHOICES:
        choices = _choices(args, options)
        return value is None or all(one in choices for one in (value if isinstance(value, list | tuple) else [value]))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    lowest, highest = _limits(args, options)
    return (lowest is None or value >= lowest) and (highest is None or value <= highest)


def _limits(args: Sequence[Any], options: Mapping[str, Any]) -> tuple[float | None, float | None]:
    lowest = options.get("min_value", args[1] if len(args) > 1 else None)
    return lowest, options.get("max_value", args[2] if len(args) > 2 else None)


def _choices(args: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    return list(options.get("options", args[1] if len(args) > 1 else ()))


def adapt(key: str, default: Any, choices: Sequence[Any]) -> Any:
    """The value of a control whose default or choices depend on another one's; call it before the control is drawn.

    One that nobody moved follows its default, and one whose value is no longer among the choices goes back to it.
    """
    defaults = st.session_state.setdefault("_address_defaults", {})
    before, defaults[key] = defaults.get(key, default), default
    if key in st.session_state and st.session_state[key] == before:
        put(key, default)
    _prepare(key, "selectbox", default, (), {"options": choices})
    return st.session_state[key]


def put(key: str, value: Any) -> None:
    """Sets a control from a callback, or before it is drawn."""
    _set(key, value)
    write(key, value)


def write(key: str, value: Any) -> None:
    """Puts a value into the address; a default, or what is too long for it, leaves the address."""
    text = _format(value)
    if value == st.session_state.get("_address_defaults", {}).get(key) or not 0 < len(text) <= LONGEST:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != text:
        # Streamlit sends even what has not changed, and the browser gives it to whatever page it shows when that arrives: a
        # reader who has gone back meanwhile would find this page's parameters there.
        st.query_params[key] = text


def reset(prefix: str) -> None:
    """Puts every control whose key begins with `prefix` back, and clears all such parameters."""
    for key, default in st.session_state.get("_address_defaults", {}).items():
        if key.startswith(prefix) and key in st.session_state:
            _set(key, default)
    for key in [key for key in st.query_params if key.startswith(prefix)]:
        del st.query_params[key]


def _format(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list | tuple):
        return "~".join(map(_format, value))
    return "" if value is None else str(value)


def _parse(text: str | None, kind: str, default: Any, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The value that `text` stands for, or None if it fits neither the widget's choices nor its limits."""
    if text is None or len(text) > LONGEST:
        return None
    if kind in _CHOICES:
        return _chosen(text, default, _choices(args, options))
    if isinstance(default, bool):
        return {"0": False, "1": True}.get(text)
    if isinstance(default, int | float):
        return _number(text, type(default), *_limits(args, options))
    return text


def _chosen(text: str, default: Any, choices: list[Any]) -> Any:
    named = {f"{choice:g}": choice for choice in choices if isinstance(choice, float)}  # "4" for 4.0
    named |= {_format(choice): choice for choice in choices}
    if isinstance(default, list | tuple):
        parts = text.split("~") if text else []
        return type(default)(named[part] for part in parts) if all(part in named for part in parts) else None
    return named.get(text)


def _number(text: str, kind: type, lowest: float | None, highest: float | None) -> int | float | None:
    try:
        number = kind(text)
        finite = math.isfinite(number)
    except (ValueError, OverflowError):  # no number, or a whole one beyond all floats
        return None
    fits = finite and (lowest is None or number >= lowest) and (highest is None or number <= highest)
    return number if fits else None
