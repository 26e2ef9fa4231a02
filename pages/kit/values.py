"""Values that a control takes: how an address writes them, and what it may ask for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pages.kit import address

T = TypeVar("T")


@dataclass(frozen=True)
class Flag:
    """On or off."""

    def parse(self, text: str) -> bool | None:
        """True for "1", False for "0"."""
        return {"0": False, "1": True}.get(text)

    def holds(self, value: Any) -> bool:
        """Any value: a toggle has two sides only."""
        return True


@dataclass(frozen=True)
class Number:
    """A number of one type, from `low` to `high`."""

    type: type
    low: float
    high: float

    def parse(self, text: str) -> int | float | None:
        """The number, if it is one, in plain digits, within the limits."""
        if not text.isascii():
            return None
        try:
            number = self.type(text)
            finite = math.isfinite(number)
        except (ValueError, OverflowError):  # no number, or a whole one beyond all floats
            return None
        return number if finite and self.holds(number) else None

    def holds(self, value: Any) -> bool:
        """Return True if the value is within the limits."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class OneOf(Generic[T]):
    """One of some values, or none yet."""

    choices: Sequence[T]

    def parse(self, text: str) -> T | None:
        """The choice that is written so; "4" means 4.0 too."""
        return _named(self.choices).get(text)

    def holds(self, value: Any) -> bool:
        """Return True if it is one of the choices, or none."""
        return value is None or value in self.choices


@dataclass(frozen=True)
class SomeOf(Generic[T]):
    """Any number of some values."""

    choices: Sequence[T]

    def parse(self, text: str) -> list[T] | None:
        """The choices that are written so, with ~ between them."""
        named, parts = _named(self.choices), text.split("~") if text else []
        return [named[part] for part in parts] if all(part in named for part in parts) else None

    def holds(self, value: Any) -> bool:
        """Return True if each one is among the choices."""
        return all(one in self.choices for one in value)


@dataclass(frozen=True)
class Text:
    """Any text."""

    def parse(self, text: str) -> str:
        """The text as it is."""
        return text

    def holds(self, value: Any) -> bool:
        """Any value."""
        return True


def _named(choices: Sequence[T]) -> dict[str, T]:
    named = {f"{choice:g}": choice for choice in choices if isinstance(choice, float)}
    return named | {address.written(choice): choice for choice in choices}
