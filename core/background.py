"""Many measurements in a thread of their own, with progress, once for all who request them.

found = sweep(("a key",), 63, work)        # starts `work(count)`, or finds what was started; `work` calls `count()` 63 times
found.share, found.result(), found.wait()
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from core.errors import LabError
from core.memory import RecentlyUsed

T = TypeVar("T")

KEPT_SWEEPS = 12

_ONE_AT_A_TIME = threading.Lock()


class Sweep(Generic[T]):
    """Measurements under way. Each of them should wait for its turn, as a learner's click does, see `Engine.turn`.

    Attributes:
        done, total: measurements.
        spent: whether an error ended it and was reported, so that the next request starts a new try.
    """

    def __init__(self, total: int, work: Callable[[Callable[[], None]], T]) -> None:
        self.done, self.total, self.spent = 0, total, False
        self._result: T | None = None
        self._error: Exception | None = None
        self._over = threading.Event()
        # Not a daemon, as the thread that asks may be: Python waits for it at the end, when it stops at its next measurement.
        # torch aborts the process if a thread is still computing when Python is gone.
        threading.Thread(target=self._run, args=(work,), name="measurements", daemon=False).start()

    def _run(self, work: Callable[[Callable[[], None]], T]) -> None:
        try:
            with _ONE_AT_A_TIME:
                self._result = work(self._count)
        except Exception as error:  # whatever it is, it belongs to those who wait, not to this thread
            self._error = error
        finally:
            self._over.set()

    def _count(self) -> None:
        self.done += 1
        if not threading.main_thread().is_alive():
            raise LabError("busy")

    @property
    def over(self) -> bool:
        """True once nothing more is measured."""
        return self._over.is_set()

    @property
    def share(self) -> float:
        """Share of the work that is done, 0 to 1."""
        return min(1.0, self.done / self.total)

    def result(self) -> T | None:
        """Result of the sweep, or None while it goes on.

        Raises:
            LabError: the error that ended it; any other exception is raised likewise.
        """
        if not self._over.is_set():
            return None
        if self._error is not None:
            self.spent = True
            raise self._error
        return self._result

    def wait(self) -> T | None:
        """Wait for the sweep to end and return its result.

        Raises:
            LabError: as `result`.
        """
        self._over.wait()
        return self.result()


_SWEEPS = RecentlyUsed(KEPT_SWEEPS)


def sweep(key: Hashable, total: int, work: Callable[[Callable[[], None]], T]) -> Sweep[T]:
    """The sweep under `key`, under way or over; a new one if there is none, or if that one failed."""
    number = 0
    while (found := _SWEEPS.get((key, number), lambda: Sweep(total, work))).spent:
        number += 1
    return found
