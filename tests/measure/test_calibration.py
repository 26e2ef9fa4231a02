"""Calibration against the formula and against cases whose answer is known."""

from __future__ import annotations

import pytest
import torch

from core.measure.calibration import binned, expected_calibration_error, reliability


def by_hand(probabilities, labels, bins):
    """Guo et al. 2017, equation 3, one example after the other."""
    total = 0.0
    for b in range(1, bins + 1):
        inside = [
            (p.max().item(), p.argmax().item() == label.item())
            for p, label in zip(probabilities, labels, strict=True)
            if (b - 1) / bins < p.max().item() <= b / bins
        ]
        if inside:
            accuracy = sum(right for _, right in inside) / len(inside)
            confidence = sum(sure for sure, _ in inside) / len(inside)
            total += len(inside) / len(labels) * abs(accuracy - confidence)
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_the_formula(bins, seed):
    generator = torch.Generator().manual_seed(seed)
    probabilities = (3 * torch.randn(400, 5, generator=generator, dtype=torch.float64)).softmax(-1)
    labels = torch.randint(5, (400,), generator=generator)
    assert expected_calibration_error(probabilities, labels, bins) == pytest.approx(
        by_hand(probabilities, labels, bins)
    )


def test_known_cases():
    sure = torch.tensor([[1.0, 0.0]] * 4)
    assert expected_calibration_error(sure, torch.zeros(4, dtype=torch.long)) == 0
    assert expected_calibration_error(sure, torch.ones(4, dtype=torch.long)) == 1
    three_of_four = torch.tensor([[0.75, 0.25]] * 4)
    assert expected_calibration_error(three_of_four, torch.tensor([0, 0, 0, 1])) == pytest.approx(0)


def test_a_model_that_draws_its_labels_from_its_probabilities_is_calibrated():
    generator = torch.Generator().manual_seed(3)
    probabilities = (2 * torch.randn(40_000, 4, generator=generator)).softmax(-1)
    labels = torch.multinomial(probabilities, 1, generator=generator).flatten()
    assert expected_calibration_error(probabilities, labels) < 0.02
    sharper = probabilities**2 / (probabilities**2).sum(-1, keepdim=True)
    found = reliability(sharper, labels)
    assert found.ece > 0.05
    assert found.overconfidence == pytest.approx(found.ece, abs=1e-3)


def test_bins_hold_every_example_and_empty_ones_are_nan():
    probabilities = torch.tensor([[0.6, 0.4], [0.61, 0.39], [0.2, 0.8]], dtype=torch.float64)
    found = reliability(probabilities, torch.tensor([0, 1, 1]))
    assert found.count.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 0, 0]
    assert found.accuracy[5] == 1 and found.accuracy[6] == 0 and found.accuracy[0].isnan()


@pytest.mark.parametrize(
    ("probabilities", "labels", "bins"),
    [
        (torch.zeros(0, 2), torch.zeros(0, dtype=torch.long), 10),
        (torch.ones(3, 2), torch.zeros(2, dtype=torch.long), 10),
        (torch.tensor([[3.0, 1.0]]), torch.tensor([0]), 10),
        (torch.tensor([[float("nan"), 1.0]]), torch.tensor([0]), 10),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([0]), 0),
    ],
)
def test_bad_input_is_refused(probabilities, labels, bins):
    with pytest.raises(ValueError):
        reliability(probabilities, labels, bins)


def test_confidences_alone_give_the_same_bins():
    generator = torch.Generator().manual_seed(1)
    probabilities = torch.randn(200, 4, generator=generator).softmax(-1)
    labels = torch.randint(0, 4, (200,), generator=generator)
    whole = reliability(probabilities, labels)
    kept = binned(probabilities.amax(-1), probabilities.argmax(-1) == labels)
    assert torch.equal(whole.count, kept.count) and whole.ece == pytest.approx(kept.ece)
