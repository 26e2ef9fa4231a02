"""A queue with a few places to work: first come, first served, and no request is lost."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class TooLongError(TimeoutError):
    """The wait took longer than allowed."""


class Turns:
    """First come, first served, `places` at a time."""

    def __init__(self, places: int) -> None:
        self._lock, self._waiting, self._free = threading.Lock(), deque(), places

    @contextmanager
    def turn(self, patience: float) -> Iterator[None]:
        """Wait for a place and hold it through the block.

        Raises:
            TooLongError: none became free within `patience` seconds.
        """
        mine = threading.Event()
        with self._lock:
            self._waiting.append(mine)
            self._call_next()
        if not mine.wait(patience):
            with self._lock:
                if not mine.is_set():
                    self._waiting.remove(mine)
                    raise TooLongError
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._call_next()

    def _call_next(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            self._waiting.popleft().set()

    def waiting(self) -> int:
        """Number of requests that wait now."""
        return len(self._waiting)
