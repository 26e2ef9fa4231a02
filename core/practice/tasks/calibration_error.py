"""Expected calibration error, against `core.measure.calibration` (Guo et al. 2017, section 2, equation 3)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from core.measure import calibration
from core.practice.task import Case, Task


def reference(probabilities, labels, bins):
    return calibration.expected_calibration_error(probabilities, labels, bins)


def _bins(probabilities, labels, bins):
    """Confidence, accuracy and count of the bins that hold anything, and their centres."""
    found = calibration.reliability(probabilities, labels, bins)
    filled = found.count > 0
    centres = (torch.arange(bins, dtype=torch.float64) + 0.5) / bins
    return found.confidence[filled], found.accuracy[filled], found.count[filled], centres[filled]


def unweighted(probabilities, labels, bins):
    confidence, accuracy, _, _ = _bins(probabilities, labels, bins)
    return float((confidence - accuracy).abs().mean())


def bin_centres(probabilities, labels, bins):
    _, accuracy, count, centres = _bins(probabilities, labels, bins)
    return float(((centres - accuracy).abs() * count).sum() / count.sum())


def signed(probabilities, labels, bins):
    confidence, accuracy, count, _ = _bins(probabilities, labels, bins)
    return float(((confidence - accuracy) * count).sum() / count.sum())


def largest_gap(probabilities, labels, bins):
    confidence, accuracy, _, _ = _bins(probabilities, labels, bins)
    return float((confidence - accuracy).abs().max())


def probability_of_the_label(probabilities, labels, bins):
    confidence = probabilities.double().gather(1, labels[:, None])[:, 0]
    right = (probabilities.argmax(-1) == labels).double()
    place = torch.bucketize(confidence, torch.arange(1, bins, dtype=torch.float64) / bins)
    return sum(
        float((confidence[place == b].mean() - right[place == b].mean()).abs() * (place == b).double().mean())
        for b in range(bins)
        if (place == b).any()
    )


def certain_left_out(probabilities, labels, bins):
    confidence = probabilities.double().max(-1).values
    right = (probabilities.argmax(-1) == labels).double()
    total = 0.0
    for b in range(bins):
        inside = (confidence >= b / bins) & (confidence < (b + 1) / bins)
        if inside.any():
            total += float((confidence[inside].mean() - right[inside].mean()).abs() * inside.double().mean())
    return total


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(rows: int, classes: int, bins: int) -> dict:
        probabilities = (2 * torch.randn(rows, classes, generator=generator)).softmax(-1)
        labels = torch.where(
            torch.rand(rows, generator=generator) < 0.6,
            probabilities.argmax(-1),
            torch.randint(classes, (rows,), generator=generator),
        )
        return {"probabilities": probabilities, "labels": labels, "bins": bins}

    yield Case("plain", given(40, 3, 5))
    yield Case("plain", given(200, 4, 10))
    yield Case("batch_of_one", given(1, 3, 10))
    certain = given(6, 3, 5)
    certain["probabilities"][:3] = torch.eye(3)
    certain["labels"][0] = 1
    yield Case("certain", certain)


TASK = Task(
    "calibration_error",
    reference,
    cases,
    {
        "unweighted": unweighted,
        "bin_centres": bin_centres,
        "signed": signed,
        "largest_gap": largest_gap,
        "probability_of_the_label": probability_of_the_label,
        "certain_left_out": certain_left_out,
    },
)
