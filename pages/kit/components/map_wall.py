"""Several maps of the same rows and columns next to each other, through which a slider goes step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from pages.kit.components.component import CHOSEN, Component, encoded, file_name, is_position, read

LABELS = ("cell", "hint", "scale", "slider", "play", "pause")

Cells = Sequence[tuple[int, int]]
"""(row, column) of some cells."""

_WALL = Component("map_wall", labels=LABELS, saved=True, parts=["map_wall_drawing.js"])


@dataclass(frozen=True)
class WallFrame:
    """All maps at one step.

    Attributes:
        label: the step in words.
        maps: `[map, row, column]`.
        notes: a line under each map.
        stars: cells to star, for each map.
    """

    label: str
    maps: ArrayLike
    notes: Sequence[str]
    stars: Sequence[Cells] = field(default=())


def map_wall(
    frames: Sequence[WallFrame],
    names: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    key: str,
    labels: Mapping[str, str],
    alt: str,
    colors: Sequence[str],
    limits: tuple[float, float],
    marks: Sequence[Cells] = (),
    lead: bool = False,
    numbers: bool = False,
    largest: int = 34,
    frame: int | None = None,
) -> int:
    """Draw the maps and return the frame that the reader stopped at.

    Args:
        names: `[map]`.
        key: the component's key in the session state.
        labels: see `LABELS`; `cell` may use {row} and {column}, the maps' values follow it.
        colors: the colour of the largest value, `[map]`.
        limits: the ends of the scale, the same for all.
        marks: cells to frame and to join by a line, for each map: a layer map.
        lead: the first map is the one to compare with, drawn large.
        numbers: write the numbers into the cells.
        largest: the most pixels along a cell's side.
        frame: where to start; the last one if None.
    """
    shape = (len(names), len(rows), len(columns))
    arrays = [np.asarray(one.maps, dtype=np.float32) for one in frames]
    if not arrays or any(array.shape != shape or 0 in shape for array in arrays):
        raise ValueError(f"map_wall needs frames of shape {shape}.")
    last = len(frames) - 1
    choice, revision = read(key, last if frame is None else frame)
    chosen = choice if is_position(choice, len(frames)) else last
    drawn = [
        {"label": one.label, "values": encoded(array), "notes": list(one.notes)}
        for one, array in zip(frames, arrays, strict=True)
    ]
    data = {
        "frames": drawn,
        "names": list(names),
        "rows": [str(row) for row in rows],
        "columns": [str(column) for column in columns],
        "alt": alt,
        "colors": list(colors),
        "file": file_name(key),
        "low": float(limits[0]),
        "high": float(limits[1]),
        "marks": [[list(cell) for cell in cells] for cells in marks],
        "stars": [[[list(cell) for cell in cells] for cells in one.stars] for one in frames],
        "lead": lead,
        "numbers": numbers,
        "digits": 2,
        "largest": largest,
        "frame": chosen,
        "revision": revision,
    }
    _WALL.draw(key, data, labels=labels, events=CHOSEN)
    return chosen
