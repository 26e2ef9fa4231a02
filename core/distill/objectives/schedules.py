"""Numbers that change over a run: weights and temperatures.

For example:

    at(Schedule(8.0, 1.0), progress=0.5)          # 4.5
    at(2.0, progress=0.5)                         # 2.0: a plain number stays
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """A number that changes over the run, from `start` to `end`.

    Attributes:
        shape: "linear", or "cosine": half a cosine wave, slow at both ends.
    """

    start: float
    end: float
    shape: Literal["linear", "cosine"] = "linear"

    def at(self, progress: float) -> float:
        """The value once a share `progress` (0 to 1) of the steps is done."""
        if self.shape == "cosine":
            progress = (1 - math.cos(math.pi * progress)) / 2
        return self.start + (self.end - self.start) * progress


Number = float | Schedule


def at(number: Number, progress: float) -> float:
    """The value of a number or a schedule once a share `progress` of the steps is done."""
    return number.at(progress) if isinstance(number, Schedule) else float(number)


def values(number: Number) -> tuple[float, ...]:
    """The numbers between which it moves."""
    return (number.start, number.end) if isinstance(number, Schedule) else (number,)
