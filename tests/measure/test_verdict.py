"""One verdict: what may be said of differences over seeds and over texts."""

from __future__ import annotations

import math

import pytest

from core.measure.uncertainty import over_seeds as interval
from core.measure.verdict import FEWEST, Comparison, over_seeds, over_texts


def of(*gains: float, **options) -> Comparison:
    return over_seeds(gains, [0.0] * len(gains), **options)


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((0.10, 0.12, 0.04), "unclear"),  # all ahead, by nine points: and yet the interval holds zero
        ((0.06, 0.09, 0.03), "unclear"),
        ((0.05, 0.02, 0.04), "unclear"),
        ((0.10, 0.12, 0.11), "better"),
        ((-0.10, -0.12, -0.11), "worse"),
        ((0.10, -0.12, 0.11), "unclear"),
        ((0.0, 0.0, 0.0), "unclear"),
        ((0.30, 0.31), "too_few"),
        ((0.30,), "too_few"),
        ((), "too_few"),
        ((0.10, 0.12, 0.11, 0.09, 0.13), "better"),
    ],
)
def test_the_verdict_follows_from_the_interval(gains, verdict):
    assert of(*gains).verdict == verdict
    assert of(*gains).significant == (verdict in ("better", "worse"))


def test_mean_error_and_interval_are_those_of_the_paired_differences():
    found = over_seeds((0.71, 0.74, 0.70), (0.60, 0.62, 0.61))
    assert found.mean == pytest.approx(0.32 / 3)
    assert found.error == pytest.approx(0.0152753 / math.sqrt(3), rel=1e-4)
    assert found.interval == interval([0.71 - 0.60, 0.74 - 0.62, 0.70 - 0.61])
    assert found.interval.half == pytest.approx(4.302653 * found.error, rel=1e-6)
    assert (found.count, found.how) == (3, "seeds")


def test_less_can_be_better():
    assert of(-0.05, -0.06, -0.055, smaller_is_better=True).verdict == "better"
    assert of(0.05, 0.06, 0.055, smaller_is_better=True).verdict == "worse"


def test_what_was_never_trained_is_not_judged():
    assert of(-0.5, -0.5, -0.51, meaningful=False).verdict == "not_meaningful"


def test_a_pair_with_nan_does_not_count():
    found = over_seeds((0.5, math.nan, 0.6, 0.7), (0.4, 0.4, math.nan, 0.6))
    assert found.count == 2 and found.verdict == "too_few" and FEWEST == 3


def test_seeds_that_differ_by_the_same_number_of_texts_are_not_certain():
    assert of(0.001, 0.001, 0.001).verdict == "better"
    assert of(0.001, 0.001, 0.001, grain=1 / 300).verdict == "unclear"


def test_arms_with_other_seeds_are_refused():
    with pytest.raises(ValueError):
        over_seeds((0.1, 0.2, 0.3), (0.1, 0.2))


def test_over_texts_the_standard_error_decides():
    assert over_texts(0.5, 0.2, 32).verdict == "better"
    assert over_texts(0.5, 0.25, 32).verdict == "unclear"  # 2.04 standard errors at 31 degrees of freedom
    assert over_texts(-0.5, 0.2, 32).verdict == "worse"
    assert over_texts(0.5, 0.0, 1).verdict == "too_few"
