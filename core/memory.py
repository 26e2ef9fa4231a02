"""Cache of recent computations, within a limit, for all sessions together."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")

REMEMBERED = 64
"""Number of results of a function that are kept: fifty learners on one page need the same few."""


class RecentlyUsed:
    """Values by key, the least recently used dropped once they weigh more than `limit` together; thread-safe.

    A value that several threads ask for at once is computed by one of them; the others wait for it and for nothing else.

    Args:
        limit: the total weight that is kept; of the last value, whatever it weighs.
        weigh: the weight of a value, always the same for one value; without it each weighs 1, so `limit` is their number.
    """

    def __init__(self, limit: int, weigh: Callable[[Any], int] = lambda value: 1) -> None:
        self._limit, self._weigh = limit, weigh
        self._values: OrderedDict[object, object] = OrderedDict()
        self._pending: dict[object, threading.Lock] = {}
        self._guard = threading.Lock()
        self.weight = 0

    def get(self, key: object, compute: Callable[[], T]) -> T:
        """The value under `key`, computed now if it is not kept; an error of `compute` is raised and not kept."""
        with self._guard:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            lock = self._pending.setdefault(key, threading.Lock())
        with lock:
            with self._guard:
                if key in self._values:
                    return self._values[key]
            try:
                value = compute()
                self._keep(key, value)
                return value
            finally:
                with self._guard:
                    self._pending.pop(key, None)

    def _keep(self, key: object, value: object) -> None:
        with self._guard:
            if (
                key in self._values
            ):  # after an error, one thread may compute it under the old lock and one under a new one
                self.weight -= self._weigh(self._values.pop(key))
            self._values[key] = value
            self.weight += self._weigh(value)
            while self.weight > self._limit and len(self._values) > 1:
                _, dropped = self._values.popitem(last=False)
                self.weight -= self._weigh(dropped)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values


def remembered(count: int = REMEMBERED) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep a pure function's last `count` results by the content of its arguments: arrays by their numbers.

    Give another count only where the results are large.

    Building a plotly figure costs ten times what hashing its numbers does, and fifty learners on one page draw the same
    figures. Treat what comes back as read-only: others have it too. Arguments without content are a `TypeError`.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        kept = RecentlyUsed(count)

        @functools.wraps(function)
        def remembering(*args: P.args, **options: P.kwargs) -> T:
            return kept.get(fingerprint((args, options)), lambda: function(*args, **options))

        return remembering

    return decorate


def fingerprint(value: Any) -> bytes:
    """A hash of a value's content: numbers, texts, arrays and tensors, and dataclasses, mappings and sequences of them.

    Raises:
        TypeError: it holds something whose content cannot be read, such as a function.
    """
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, value)
    return digest.digest()


def _feed(digest: hashlib.blake2b, value: Any) -> None:
    digest.update(type(value).__name__.encode())
    if value is None or isinstance(value, str | bytes | int | float):
        digest.update(repr(value).encode())
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _feed(digest, key)
            _feed(digest, inner)
    elif dataclasses.is_dataclass(value):
        for part in dataclasses.fields(value):
            _feed(digest, getattr(value, part.name))
    elif isinstance(value, Set):
        digest.update(repr(sorted(value)).encode())
    elif isinstance(value, Sequence):
        digest.update(str(len(value)).encode())
        for inner in value:
            _feed(digest, inner)
    elif hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype == object:
            raise TypeError("An array of objects has no content that can be hashed.")
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    else:
        raise TypeError(f"{type(value).__name__} has no content that can be hashed.")
