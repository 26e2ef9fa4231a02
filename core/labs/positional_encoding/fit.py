"""Fit of distance, or of a scheme, to the numbers that are added to a head's scores."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.theory.positions import relative_positions


def mean_by(index: Tensor, values: Tensor, kept: Tensor, size: int) -> Tensor:
    """The mean value of each index among the kept cells, 0 where there is none, `[size]`."""
    sums = torch.zeros(size).index_add(0, index[kept], values[kept])
    counts = torch.zeros(size).index_add(0, index[kept], torch.ones_like(values[kept]))
    return sums / counts.clamp(min=1)


def by_distance(added: Tensor) -> Tensor:
    """The mean of `[query, key]` by key − query, from the leftmost on; NaN where a key is hidden, `[2 · positions − 1]`."""
    reach = len(added)
    means = torch.stack([added.diagonal(distance).mean() for distance in range(1 - reach, reach)])
    return means.masked_fill(means.isinf(), math.nan)


def explained_by_distance(added: Tensor, pairs: Tensor) -> float | None:
    """Share of the variance of `added` among `pairs` (True or False, `[query, key]`) that distance alone explains."""
    kept = pairs & added.isfinite()
    distance = relative_positions(len(added)) + len(added) - 1
    means = mean_by(distance, added.masked_fill(~kept, 0.0), kept, 2 * len(added) - 1)
    return _explained(added, means[distance], kept)


def fit_of(own: Tensor, added: Tensor, pairs: Tensor) -> float | None:
    """Share of the variance of `own` that `added` explains, without each query's mean, which does not affect the softmax."""
    counts = pairs.sum(dim=-1, keepdim=True).clamp(min=1)
    one, other = (grid - (grid.masked_fill(~pairs, 0.0).sum(dim=-1, keepdim=True) / counts) for grid in (own, added))
    return _explained(one, other, pairs)


def _explained(target: Tensor, guess: Tensor, kept: Tensor) -> float | None:
    """1 − residual variance / variance over the kept cells; None where nothing varies or a guess is not finite."""
    target, guess = target[kept].double(), guess[kept].double()
    if not len(target) or not guess.isfinite().all():
        return None
    spread = (target - target.mean()).square().sum()
    return float(1 - (target - guess).square().sum() / spread) if spread > 1e-9 else None
