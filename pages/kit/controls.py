"""Controls whose values live in the address. Each checks its limits, and the values that a link may set.

All take the name of the control, its default, its label, and then what the widget needs. A value in the address that does
not fit counts for nothing; a control that was never moved follows its default; `on_change` runs when the learner has moved
it, after the address is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import streamlit as st

from pages.kit import address
from pages.kit.values import Flag, Number, OneOf, SomeOf, Text

T = TypeVar("T")
N = TypeVar("N", int, float)
Width = int | Literal["stretch"]


class Controls:
    """The controls of a page, or those of the frame.

    Attributes:
        prefix: begins the name of each in the session and in the address; with an empty one they are called as they are.
    """

    prefix: str

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def key(self, name: str) -> str:
        """The name of a control in the session and in the address."""
        return f"{self.prefix}_{name}" if self.prefix else name

    def put(self, name: str, value: Any) -> None:
        """Set a control, from a callback or before the control is drawn."""
        address.put(self.key(name), value)

    def chosen(self, name: str, default: T, choices: Sequence[T]) -> T:
        """The value of a `choice`, `select` or `stops` before it is drawn."""
        return address.begin(self.key(name), default, OneOf(choices))

    def slider(
        self,
        name: str,
        default: N,
        label: str,
        low: N,
        high: N,
        *,
        step: N | None = None,
        help: str | None = None,
        width: Width = "stretch",
        on_change: Callable[[], None] | None = None,
    ) -> N:
        """A slider from `low` to `high`; whole numbers have whole steps."""
        key, first, changed = self._begun(name, default, Number(type(default), low, high), on_change)
        return st.slider(label, low, high, first, step, key=key, on_change=changed, help=help, width=width)

    def number(
        self,
        name: str,
        default: N,
        label: str,
        low: N,
        high: N,
        *,
        step: N | None = None,
        help: str | None = None,
        width: Width = "stretch",
        on_change: Callable[[], None] | None = None,
    ) -> N:
        """A box for a number from `low` to `high`."""
        key, first, changed = self._begun(name, default, Number(type(default), low, high), on_change)
        return st.number_input(label, low, high, first, step, key=key, on_change=changed, help=help, width=width)

    def toggle(
        self,
        name: str,
        default: bool,
        label: str,
        *,
        help: str | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> bool:
        """A switch."""
        key, first, changed = self._begun(name, default, Flag(), on_change)
        return st.toggle(label, first, key=key, on_change=changed, help=help)

    def choice(
        self,
        name: str,
        default: T,
        label: str,
        choices: Sequence[T],
        *,
        format_func: Callable[[T], str] | None = None,
        required: bool = True,
        help: str | None = None,
        label_visibility: Literal["visible", "hidden", "collapsed"] = "visible",
        on_change: Callable[[], None] | None = None,
    ) -> T:
        """A row of buttons, one of which is down.

        Args:
            format_func: the text of a choice; without it the value itself.
            required: False where none may be down.
        """
        key, first, changed = self._begun(name, default, OneOf(choices), on_change)
        return st.segmented_control(
            label,
            choices,
            default=first,
            required=required,
            format_func=format_func,
            key=key,
            on_change=changed,
            help=help,
            label_visibility=label_visibility,
        )

    def select(
        self,
        name: str,
        default: T,
        label: str,
        choices: Sequence[T],
        *,
        format_func: Callable[[T], str] = str,
        filter_mode: Literal["fuzzy"] | None = "fuzzy",
        help: str | None = None,
        width: Width = "stretch",
        on_change: Callable[[], None] | None = None,
    ) -> T:
        """A box that opens a list.

        Args:
            format_func: the text of a choice.
            filter_mode: None for a list that needs no search by typing, for which a phone would open its keyboard.
        """
        key, first, changed = self._begun(name, default, OneOf(choices), on_change)
        return st.selectbox(
            label,
            choices,
            _place(first, choices),
            format_func=format_func,
            key=key,
            on_change=changed,
            help=help,
            filter_mode=filter_mode,
            width=width,
        )

    def radio(
        self,
        name: str,
        default: T,
        label: str,
        choices: Sequence[T],
        *,
        format_func: Callable[[T], str] = str,
        captions: Sequence[str] | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> T:
        """A list of which one is marked; none where `default` is None."""
        key, first, changed = self._begun(name, default, OneOf(choices), on_change)
        return st.radio(
            label,
            choices,
            _place(first, choices),
            format_func=format_func,
            key=key,
            on_change=changed,
            captions=captions,
        )

    def stops(
        self,
        name: str,
        default: T,
        label: str,
        choices: Sequence[T],
        *,
        format_func: Callable[[T], str] = str,
        disabled: bool = False,
        help: str | None = None,
        width: Width = "stretch",
        on_change: Callable[[], None] | None = None,
    ) -> T:
        """A slider that stops at the given values only."""
        key, first, changed = self._begun(name, default, OneOf(choices), on_change)
        return st.select_slider(
            label,
            choices,
            first,
            format_func=format_func,
            key=key,
            on_change=changed,
            disabled=disabled,
            help=help,
            width=width,
        )

    def pills(
        self,
        name: str,
        default: list[T],
        label: str,
        choices: Sequence[T],
        *,
        format_func: Callable[[T], str] | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> list[T]:
        """Buttons of which any number are down."""
        key, first, changed = self._begun(name, default, SomeOf(choices), on_change)
        return st.pills(
            label, choices, selection_mode="multi", default=first, format_func=format_func, key=key, on_change=changed
        )

    def text(
        self,
        name: str,
        default: str,
        label: str,
        *,
        max_chars: int | None = None,
        placeholder: str | None = None,
        icon: str | None = None,
        help: str | None = None,
        width: Width = "stretch",
        on_change: Callable[[], None] | None = None,
    ) -> str:
        """A line to write in, for at most `max_chars` characters."""
        key, first, changed = self._begun(name, default, Text(), on_change)
        return st.text_input(
            label,
            first,
            max_chars,
            key=key,
            on_change=changed,
            placeholder=placeholder,
            icon=icon,
            help=help,
            width=width,
        )

    def text_area(
        self,
        name: str,
        default: str,
        label: str,
        *,
        height: int | None = None,
        placeholder: str | None = None,
        help: str | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> str:
        """A box to write in, `height` pixels high."""
        key, first, changed = self._begun(name, default, Text(), on_change)
        return st.text_area(label, first, height, key=key, on_change=changed, placeholder=placeholder, help=help)

    def _begun(
        self, name: str, default: T, allowed: address.Allowed, on_change: Callable[[], None] | None
    ) -> tuple[str, T, Callable[[], None]]:
        """The key, the first value and the callback of a control that is about to be drawn."""
        key = self.key(name)
        address.begin(key, default, allowed)
        return key, address.start(key, allowed), address.writer(key, on_change)


def _place(value: T, choices: Sequence[T]) -> int | None:
    return list(choices).index(value) if value in choices else None
