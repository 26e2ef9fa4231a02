"""Uncertainty of a comparison: over seeds, or over the texts where there is one seed.

over_seeds((0.24, 0.22, 0.31)).low        # 95 % t-interval of the mean of paired differences
over_texts(right_a, right_b)              # one seed: paired on the same texts
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import fmean, stdev
from typing import Literal

LEVEL = 0.95
"""The confidence of every interval here."""

NORMAL = 1.959964
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True)
class Interval:
    """A mean and the interval around it.

    Attributes:
        how: "seeds", a t-interval over them, or "texts", a normal one over the texts of one seed.
        count: how many seeds or texts.
    """

    mean: float
    low: float
    high: float
    how: Literal["seeds", "texts"]
    count: int

    @property
    def half(self) -> float:
        """Half the interval's width: about what it could have missed."""
        return (self.high - self.low) / 2

    @property
    def points(self) -> dict[str, float]:
        """`mean`, `low`, `high`, `half` and `gain` (the mean without its sign) of shares, in points of a hundred."""
        ends = {"mean": self.mean, "low": self.low, "high": self.high, "half": self.half, "gain": abs(self.mean)}
        return {name: 100 * value for name, value in ends.items()}

    @property
    def sign(self) -> int:
        """1 or −1 where the whole interval is on one side of zero; 0 where it holds zero."""
        return (self.low > 0) - (self.high < 0)


def std(values: Sequence[float]) -> float:
    """The standard deviation of a sample (n − 1); 0 for a single value, of which no spread is known."""
    return stdev(values) if len(values) > 1 else 0.0


def over_seeds(differences: Sequence[float], grain: float = 0.0) -> Interval:
    """Student's t-interval (1908) of the mean of paired differences, one per seed.

    Args:
        grain: the step in which a difference can move, 1/n for shares of n texts. What rounding to it leaves, a variance of
            grain²/12, is added to the sample's: two seeds that happen to differ by the same number of texts are not certainty.

    Raises:
        ValueError: there are fewer than two.
    """
    count = len(differences)
    if count < 2:
        raise ValueError(f"An interval over seeds needs at least two, not {count}.")
    deviation = math.sqrt(stdev(differences) ** 2 + grain**2 / 12)
    return replace(t_interval(fmean(differences), deviation / math.sqrt(count), count), how="seeds")


def t_interval(mean: float, error: float, count: int) -> Interval:
    """Student's t-interval of a mean of `count` independent values, of which the standard error is known.

    Raises:
        ValueError: there are fewer than two values.
    """
    if count < 2:
        raise ValueError(f"A t interval needs at least two values, not {count}.")
    half = t_quantile(count - 1) * error
    return Interval(mean, mean - half, mean + half, "texts", count)


def over_texts(first: Sequence[bool], second: Sequence[bool]) -> Interval:
    """The share right of `first` minus that of `second` on the same texts.

    Wald's interval for matched pairs with half a text added to each of the four cells: Agresti and Min 2005 (Simple improved
    confidence intervals for comparing matched proportions), which keeps its level with few texts. The mean stays the plain one.

    Raises:
        ValueError: there are no texts, or not the same number.
    """
    count = len(first)
    if count != len(second) or not count:
        raise ValueError(f"Pairs are needed, not {count} and {len(second)}.")
    won = sum(bool(a) and not b for a, b in zip(first, second, strict=True))
    lost = sum(bool(b) and not a for a, b in zip(first, second, strict=True))
    total, b, c = count + 2, won + 0.5, lost + 0.5
    half = NORMAL * math.sqrt(b + c - (b - c) ** 2 / total) / total
    centre = (b - c) / total
    return Interval((won - lost) / count, centre - half, centre + half, "texts", count)


def of_shares(first: float, second: float, count: int) -> Interval:
    """The difference of two shares of `count` texts each, of which only the shares are known.

    Wald's interval for independent shares. Two models that learned alike err on the same texts, so the true one is narrower.

    Raises:
        ValueError: there are no texts.
    """
    if count < 1:
        raise ValueError("Shares of no texts cannot be compared.")
    half = NORMAL * math.sqrt((first * (1 - first) + second * (1 - second)) / count)
    return Interval(first - second, first - second - half, first - second + half, "texts", count)


def of_share(share: float, count: int) -> Interval:
    """Wilson's interval (1927) for a share of `count` independent texts.

    Raises:
        ValueError: there are none.
    """
    if count < 1:
        raise ValueError("A share of no texts has no interval.")
    weight = NORMAL**2 / count
    centre = (share + weight / 2) / (1 + weight)
    half = NORMAL / (1 + weight) * math.sqrt(share * (1 - share) / count + NORMAL**2 / (4 * count**2))
    return Interval(share, centre - half, centre + half, "texts", count)


@cache
def t_quantile(freedom: int, probability: float = (1 + LEVEL) / 2) -> float:
    """The quantile of Student's t distribution above its middle.

    The density is integrated by Simpson's rule and the quantile found by halving: exact to six digits, and no reason to ask
    for a library of statistics.

    Args:
        freedom: degrees of freedom, at least 1.
        probability: between 0.5 and 1.
    """
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def below(t: float) -> float:
        """P(0 ≤ T ≤ t), with t = √f·tan(a), which makes the integrand cos(a)^(f−1)."""
        end, steps = math.atan(t / math.sqrt(freedom)), 400
        heights = [math.cos(end * k / steps) ** (freedom - 1) for k in range(steps + 1)]
        total = heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2])
        return scale * math.sqrt(freedom) * end / steps * total / 3

    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < probability - 0.5 else (low, middle)
    return low
