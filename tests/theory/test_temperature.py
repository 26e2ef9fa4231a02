"""What temperature does to probabilities and to the gradient."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from core.theory.temperature import (
    dark_knowledge,
    effective_classes,
    entropy,
    gradient_norms,
    logit_gradient,
    soften,
)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_soften_is_the_softmax_of_the_quotient(temperature):
    logits = draw(3, 7) * 5
    torch.testing.assert_close(soften(logits, temperature), (logits / temperature).softmax(-1))


@pytest.mark.parametrize("temperature", [1e-320, 1e-50, 1e-6])
def test_soften_survives_tiny_temperatures(temperature):
    assert soften(torch.tensor([1e4, 9e3, -1e4]), temperature).tolist() == [1, 0, 0]


def test_soften_survives_large_temperatures_and_logits():
    torch.testing.assert_close(soften(torch.tensor([1e4, -1e4]), 1e300), torch.tensor([0.5, 0.5]))
    assert soften(torch.tensor([3e38, -3e38])).tolist() == [1, 0]
    half = soften(torch.tensor([6e4, -6e4], dtype=torch.float16), 0.01)
    assert half.dtype == torch.float32 and half.tolist() == [1, 0]
    torch.testing.assert_close(soften(torch.tensor([0, 0])), torch.tensor([0.5, 0.5]))
    assert soften(draw(3).double()).dtype == torch.float64


def test_soften_lets_a_class_be_ruled_out():
    assert soften(torch.tensor([0.0, -math.inf, 0.0]), 3.0).tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_refuses_impossible_temperatures(temperature):
    with pytest.raises(ValueError, match="temperature must be a positive"):
        soften(draw(3), temperature)
    with pytest.raises(ValueError, match="temperature must be a positive"):
        gradient_norms(draw(3), draw(3), [1.0, temperature])
    with pytest.raises(ValueError, match="temperature must be a positive"):
        logit_gradient(draw(3), draw(3), temperature)


@pytest.mark.parametrize("row", [[0.0, math.nan], [math.inf, 0.0], [-math.inf, -math.inf]])
def test_refuses_logits_without_a_softmax(row):
    with pytest.raises(ValueError, match="NaN or"):
        soften(torch.tensor([[1.0, 2.0], row]))


@settings(max_examples=60, deadline=None)
@given(
    logits=st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=12),
    cold=st.floats(0.05, 50),
    factor=st.floats(1.01, 10),
)
def test_warmer_is_flatter_and_order_stays(logits, cold, factor):
    logits = torch.tensor(logits, dtype=torch.float64)
    colder, warmer = soften(logits, cold), soften(logits, cold * factor)
    assert colder.sum().item() == pytest.approx(1) and warmer.sum().item() == pytest.approx(1)
    assert entropy(warmer) >= entropy(colder) - 1e-9
    assert dark_knowledge(warmer) >= dark_knowledge(colder) - 1e-9
    assert warmer[logits.argmax()] == warmer.max()


def test_entropy_of_known_distributions():
    alike = torch.full((2, 8), 1 / 8)
    torch.testing.assert_close(entropy(alike), torch.full((2,), math.log(8)))
    torch.testing.assert_close(entropy(alike, base=2), torch.full((2,), 3.0))
    torch.testing.assert_close(entropy(alike, base=8), torch.ones(2))
    assert entropy(torch.tensor([0.0, 1.0, 0.0])) == 0
    p = soften(draw(5, 9))
    torch.testing.assert_close(entropy(p), torch.distributions.Categorical(p).entropy())


@pytest.mark.parametrize("base", [1.0, 0.5, 0.0, -2.0, math.nan])
def test_entropy_refuses_impossible_bases(base):
    with pytest.raises(ValueError, match="base"):
        entropy(torch.tensor([0.5, 0.5]), base)


def test_effective_classes_counts_equally_likely_ones():
    torch.testing.assert_close(effective_classes(torch.full((5,), 0.2)), torch.tensor(5.0))
    torch.testing.assert_close(effective_classes(torch.tensor([0.5, 0.5, 0.0])), torch.tensor(2.0))
    assert effective_classes(torch.tensor([1.0, 0.0])) == 1


def test_dark_knowledge_is_all_but_the_first():
    torch.testing.assert_close(
        dark_knowledge(torch.tensor([[0.2, 0.7, 0.1], [0.5, 0.5, 0.0]])), torch.tensor([0.3, 0.5])
    )
    assert dark_knowledge(torch.tensor([1.0, 0.0])) == 0


def test_dark_knowledge_of_a_confident_teacher_is_not_rounded_away():
    p = soften(torch.tensor([30.0, 0.0, 0.0]))
    assert p.max() == 1  # so 1 − max would be 0
    assert dark_knowledge(p).item() == pytest.approx(2 * math.exp(-30), rel=1e-4, abs=0)


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_closed_gradient_equals_autograd(temperature, scaled):
    student, teacher = draw(3, 7, seed=1).requires_grad_(), draw(3, 7, seed=2)
    loss = F.kl_div((student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss * (temperature**2 if scaled else 1), student)
    torch.testing.assert_close(logit_gradient(student.detach(), teacher, temperature, scaled), gradient)


@pytest.mark.parametrize("scaled", [True, False])
def test_measured_norms_equal_the_closed_form(scaled):
    student, teacher, temperatures = draw(6, 10, seed=1), draw(6, 10, seed=2), [0.5, 1.0, 3.0, 10.0]
    expected = [logit_gradient(student, teacher, t, scaled).norm(dim=-1).mean() for t in temperatures]
    torch.testing.assert_close(gradient_norms(student, teacher, temperatures, scaled), torch.stack(expected))


def test_t_squared_keeps_the_gradient_from_four_on():
    student, teacher = draw(64, 100, seed=1), draw(64, 100, seed=2)  # logits of standard deviation 1
    norms = gradient_norms(student, teacher, [4, 8, 16, 32, 64])
    assert (norms / norms[-1] - 1).abs().max() < 0.1


def test_without_t_squared_the_gradient_falls_with_the_square():
    student, teacher = draw(64, 100, seed=1), draw(64, 100, seed=2)
    norms = gradient_norms(student, teacher, [16, 32, 64], scaled=False)
    torch.testing.assert_close(norms[:-1] / norms[1:], torch.full((2,), 4.0), rtol=0.02, atol=0)


def test_for_confident_logits_four_is_not_yet_large():
    norms = gradient_norms(draw(64, 100, seed=1) * 10, draw(64, 100, seed=2) * 10, [4, 64])
    assert norms[0] > 1.5 * norms[1]


def test_gradient_norms_touch_neither_argument():
    student, teacher = draw(2, 3, seed=1).requires_grad_(), draw(2, 3, seed=2).requires_grad_()
    norms = gradient_norms(student, teacher, [1.0, 2.0])
    assert norms.shape == (2,) and not norms.requires_grad
    assert student.grad is None and teacher.grad is None
    assert gradient_norms(teacher, teacher, [1.0]).item() == pytest.approx(0, abs=1e-7)
