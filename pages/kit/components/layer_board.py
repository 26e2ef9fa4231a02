"""The layer-map board: which of the teacher's layers each of the student's learns from, dragged or moved by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from pages.kit.components.component import CHOSEN, Component, is_position, read

LABELS = ("student", "teacher", "pair", "unpaired", "hint")

_BOARD = Component("layer_board", labels=LABELS)


def layer_board(
    costs: ArrayLike,
    map_: Sequence[int],
    best: Sequence[int],
    *,
    key: str,
    labels: Mapping[str, str],
    alt: str,
    digits: int = 2,
) -> tuple[int, ...]:
    """Draw the board and return the reader's map: the teacher's layer for each of the student's, from 0; -1 for none.

    Args:
        costs: of each pair, `[student layer, teacher layer]`.
        map_: the map at first; to change it later call `assign`.
        best: the cheapest partner of each of the student's layers.
        key: the component's key in the session state.
        labels: see `LABELS`; `student` and `teacher` with {number}, `pair` with {student}, {teacher} and
            {value}, `unpaired` with {student}.
        alt: what the board is, for a screen reader.
        digits: decimals of the costs.
    """
    numbers = np.asarray(costs, dtype=np.float64)
    students, teachers = numbers.shape
    choice, revision = read(key, list(map_))
    fits = isinstance(choice, list | tuple) and len(choice) == students and any(layer != -1 for layer in choice)
    fits = fits and all(layer == -1 or is_position(layer, teachers) for layer in choice)
    chosen = list(choice) if fits else list(map_)
    data = {
        "students": students,
        "teachers": teachers,
        "costs": numbers.tolist(),
        "low": float(numbers.min()),
        "high": float(numbers.max()),
        "map": chosen,
        "best": list(best),
        "digits": digits,
        "alt": alt,
        "revision": revision,
    }
    _BOARD.draw(key, data, labels=labels, events=CHOSEN)
    return tuple(chosen)
