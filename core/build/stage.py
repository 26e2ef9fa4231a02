"""A step of the build; each module lists its own, `core.build.__main__` runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A step of the build: what it needs, what it leaves, and about how long it takes on two idle cores."""

    name: str
    needs: str
    leaves: str
    minutes: int
    done: Callable[[], bool]
    run: Callable[[], None]
