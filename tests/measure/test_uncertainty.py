"""Intervals: against tables, against a simulation, and in the cases where they must be empty of meaning."""

from __future__ import annotations

import math

import pytest
import torch

from core.measure.uncertainty import NORMAL, of_share, of_shares, over_seeds, over_texts, std, t_quantile


@pytest.mark.parametrize(
    ("freedom", "table"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (30, 2.042), (1000, 1.962)]
)
def test_student_s_quantiles_are_those_of_the_tables(freedom, table):
    assert t_quantile(freedom) == pytest.approx(table, abs=6e-4)
    assert t_quantile(freedom, 0.5) == pytest.approx(0, abs=1e-6)


def test_over_seeds_by_hand():
    found = over_seeds((0.01, 0.02, 0.03))
    half = 4.3027 * 0.01 / math.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx((0.02, 0.02 - half, 0.02 + half), abs=1e-6)
    assert found.sign == 0 and found.how == "seeds" and found.count == 3
    assert over_seeds((0.02, 0.021, 0.019)).sign == 1 and over_seeds((-0.02, -0.021, -0.019)).sign == -1
    assert over_seeds((0.1, 0.1)).half == 0


def test_equal_differences_are_not_certainty():
    """Two seeds that are two of a hundred texts apart each: the next may be one or three apart."""
    assert over_seeds((0.02, 0.02)).sign == 1
    found = over_seeds((0.02, 0.02), grain=0.01)
    assert found.sign == 0 and found.half == pytest.approx(12.706 * 0.01 / math.sqrt(12) / math.sqrt(2), rel=1e-3)
    assert over_seeds((0.01, 0.02, 0.03), 1e-4).half == pytest.approx(over_seeds((0.01, 0.02, 0.03)).half, rel=1e-4)


def test_one_seed_has_no_interval_over_seeds():
    with pytest.raises(ValueError, match="at least two"):
        over_seeds((0.3,))
    assert std((0.3,)) == 0


def test_over_texts_by_hand():
    first, second = [True] * 60 + [False] * 40, [True] * 30 + [False] * 70  # 30 texts only the first has right
    found = over_texts(first, second)
    centre, half = 30 / 102, NORMAL * math.sqrt(31 - 30**2 / 102) / 102
    assert (found.mean, found.low, found.high) == pytest.approx((0.3, centre - half, centre + half))
    assert found.sign == 1 and over_texts(second, first).sign == -1
    assert over_texts(first, first).sign == 0 and over_texts(first, first).half > 0
    with pytest.raises(ValueError, match="Pairs"):
        over_texts(first, second[:-1])


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    generator = torch.Generator().manual_seed(0)
    trials, held_pairs, held_seeds, held_share = 600, 0, 0, 0
    for _ in range(trials):
        draw = torch.rand(120, generator=generator)
        first, second = draw < 0.7, (draw < 0.55) | (draw > 0.95)  # 0.70 and 0.60, paired
        pairs = over_texts(first.tolist(), second.tolist())
        held_pairs += pairs.low <= 0.1 <= pairs.high
        seeds = over_seeds((0.05 + 0.02 * torch.randn(3, generator=generator)).tolist())
        held_seeds += seeds.low <= 0.05 <= seeds.high
        share = of_share(float(first.double().mean()), 120)
        held_share += share.low <= 0.7 <= share.high
    for held in (held_pairs, held_seeds, held_share):
        assert 0.92 < held / trials < 0.98


def test_shares():
    found = of_share(1.0, 20)
    assert found.low < 0.9 and found.high == pytest.approx(1.0)  # twenty of twenty proves no perfection
    wide, narrow = of_shares(0.7, 0.6, 100), of_shares(0.7, 0.6, 10_000)
    assert wide.sign == 0 and narrow.sign == 1 and wide.mean == pytest.approx(0.1)
    for wrong in (of_share, lambda share, count: of_shares(share, share, count)):
        with pytest.raises(ValueError):
            wrong(0.5, 0)
