"""Calibration: comparison of a model's confidence with its accuracy.

Guo, Pleiss, Sun, Weinberger 2017 (On Calibration of Modern Neural Networks), section 2, equations 2 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 10
"""Bins of equal width between 0 and 1."""


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in bins of equal width, `[bin]` each, on the CPU; bin b covers ((b − 1)/B, b/B].

    Attributes:
        confidence: mean probability of the first choice; NaN in an empty bin.
        accuracy: share of right first choices; NaN in an empty bin.
        count: how many predictions fall into the bin.
    """

    confidence: Tensor
    accuracy: Tensor
    count: Tensor

    @property
    def ece(self) -> float:
        """Expected calibration error: Σ_b (n_b / n) · |accuracy_b − confidence_b|, from 0 (calibrated) to 1.

        It depends on the number of bins, and with few predictions noise alone raises it: compare only what was binned alike,
        on the same examples.
        """
        filled = self.count > 0
        gap = (self.accuracy[filled] - self.confidence[filled]).abs()
        return float((gap * self.count[filled]).sum() / self.count.sum())

    @property
    def overconfidence(self) -> float:
        """Mean confidence minus accuracy: above 0 for a model that is too sure of itself."""
        filled = self.count > 0
        gap = self.confidence[filled] - self.accuracy[filled]
        return float((gap * self.count[filled]).sum() / self.count.sum())


def reliability(probabilities: Tensor, labels: Tensor, bins: int = BINS) -> Reliability:
    """Bins the first choices by their probability.

    Args:
        probabilities: `[example, class]`.
        labels: the right classes, `[example]`.

    Raises:
        ValueError: there are no examples, the shapes do not fit, there is no bin, or a probability is not within 0 to 1.
    """
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise ValueError(
            f"Need [example, class] and [example], not {tuple(probabilities.shape)}, {tuple(labels.shape)}."
        )
    if not (probabilities.isfinite().all() and (probabilities >= 0).all() and (probabilities <= 1 + 1e-6).all()):
        raise ValueError("Probabilities must lie between 0 and 1.")
    confidence, choice = probabilities.cpu().double().max(dim=-1)  # Apple's MPS has no float64
    return binned(confidence, choice == labels.cpu(), bins)


def binned(confidence: Tensor, right: Tensor, bins: int = BINS) -> Reliability:
    """The same from what was kept of each prediction, where there are too many classes to keep them all.

    Args:
        confidence: probability of the first choice, `[example]`.
        right: whether it was right, `[example]`.

    Raises:
        ValueError: there is no bin.
    """
    if bins < 1:
        raise ValueError(f"There must be at least one bin, not {bins}.")
    confidence, right = confidence.cpu().double(), right.cpu().double()
    inner = torch.arange(1, bins, dtype=torch.float64) / bins
    place = torch.bucketize(confidence, inner)  # a confidence on an edge belongs to the bin below it
    count = torch.bincount(place, minlength=bins)
    sums = (torch.zeros(bins, dtype=torch.float64).index_add(0, place, values) for values in (confidence, right))
    mean_confidence, accuracy = (total / count for total in sums)  # 0 / 0 is NaN
    return Reliability(mean_confidence, accuracy, count)


def expected_calibration_error(probabilities: Tensor, labels: Tensor, bins: int = BINS) -> float:
    """`Reliability.ece` of probabilities `[example, class]` against the right classes `[example]`.

    Raises:
        ValueError: as `reliability`.
    """
    return reliability(probabilities, labels, bins).ece
