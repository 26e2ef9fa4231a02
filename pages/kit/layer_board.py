"""The layer-map board: which of the teacher's layers each of the student's learns from, dragged or moved by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from pages.kit import components

LABELS = ("student", "teacher", "pair", "unpaired", "hint")

_LAYER_BOARD = components.register("layer_board")


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
    """Draws the board and returns the reader's map: the teacher's layer for each of the student's, from 0; -1 for none.

    Args:
        costs: of each pair, `[student layer, teacher layer]`.
        map_: the map at first; to change it later call `components.assign`.
        best: the cheapest partner of each of the student's layers.
        key: the component's key in the session state.
        labels: see `LABELS`; `student` and `teacher` with {number}, `pair` with {student}, {teacher} and
            {value}, `unpaired` with {student}.
        alt: what the board is, for a screen reader.
        digits: decimals of the costs.
    """
    missing = [name for name in LABELS if name not in labels]
    if missing:
        raise ValueError(f"labels lacks {', '.join(missing)}.")
    numbers = np.asarray(costs, dtype=np.float64)
    students, teachers = numbers.shape
    choice, revision = components._read(key, list(map_))
    fits = isinstance(choice, list | tuple) and len(choice) == students and any(layer != -1 for layer in choice)
    fits = fits and all(layer == -1 or components._whole(layer, teachers) for layer in choice)
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
        "labels": dict(labels),
        "alt": alt,
        "revision": revision,
    }
    _LAYER_BOARD(key=key, data=data, on_selected_change=components._rerun_only)
    return tuple(chosen)
