"""One rule for every comparison: paired differences, their mean, a 95 % t interval, and the verdict.

found = over_seeds(distilled, control)               # accuracies, one per random seed
found.mean, found.interval.low, found.verdict        # "better", "worse", "unclear", "too_few" or "not_meaningful"

Every claim that one model is better than another uses it, so that linked pages cannot contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.measure.uncertainty import Interval, t_interval, t_quantile
from core.measure.uncertainty import over_seeds as interval_over_seeds

FEWEST = 3
"""Random seeds below which there is no verdict: the t interval of two is 25 times their standard error wide."""

Verdict = Literal["better", "worse", "unclear", "too_few", "not_meaningful"]


@dataclass(frozen=True)
class Comparison:
    """The mean of paired differences, first minus second, and the verdict on it.

    Attributes:
        mean: in the unit of the measure.
        error: standard error of the mean; NaN where it cannot be known.
        count: how many pairs.
        how: what was paired: "seeds" or "texts".
        interval: at 95 %; None for a single pair.
        smaller_is_better: whether a negative difference speaks for the first, as of a loss or a calibration error.
        meaningful: False where the first was never trained to do what is measured.
    """

    mean: float
    error: float
    count: int
    how: Literal["seeds", "texts"]
    interval: Interval | None
    smaller_is_better: bool = False
    meaningful: bool = True

    @property
    def verdict(self) -> Verdict:
        """From the interval alone: "unclear" where it includes zero; of fewer than `FEWEST` pairs, "too_few"."""
        if not self.meaningful:
            return "not_meaningful"
        if self.count < FEWEST or self.interval is None:
            return "too_few"
        sign = -self.interval.sign if self.smaller_is_better else self.interval.sign
        return "better" if sign > 0 else "worse" if sign < 0 else "unclear"

    @property
    def significant(self) -> bool:
        """True if the verdict is "better" or "worse"."""
        return self.verdict in ("better", "worse")


def over_seeds(
    first: Sequence[float],
    second: Sequence[float],
    *,
    grain: float = 0.0,
    smaller_is_better: bool = False,
    meaningful: bool = True,
) -> Comparison:
    """Compare two arms, paired by random seed: the same start, batches and steps. Pairs with a NaN are left out.

    Args:
        first, second: one value per seed, in the same order.
        grain: the step in which a value can move, 1/n for shares of n texts; see `core.measure.uncertainty.over_seeds`.
        smaller_is_better: of a loss or a calibration error.
        meaningful: False where `first` was never trained to do what is measured.

    Raises:
        ValueError: the two have not the same number of seeds.
    """
    differences = [a - b for a, b in zip(first, second, strict=True) if not math.isnan(a - b)]
    count = len(differences)
    if count > 1:
        interval = interval_over_seeds(differences, grain)
        error = interval.half / t_quantile(count - 1)
        return Comparison(interval.mean, error, count, "seeds", interval, smaller_is_better, meaningful)
    mean = differences[0] if differences else math.nan
    return Comparison(mean, math.nan, count, "seeds", None, smaller_is_better, meaningful)


def over_texts(mean: float, error: float, count: int, *, smaller_is_better: bool = False) -> Comparison:
    """Judge a mean of differences over independent texts, of which the standard error is known.

    Args:
        mean, error: of the differences, in the unit of the measure.
        count: how many texts.
    """
    interval = t_interval(mean, error, count) if count > 1 else None
    return Comparison(mean, error, count, "texts", interval, smaller_is_better)
