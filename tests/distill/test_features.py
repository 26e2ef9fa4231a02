"""Feature losses against PyTorch and against the models themselves, with and without padding."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from core.distill.forward import FeatureRequest, forward
from core.distill.objectives.features import (
    attention_kl,
    attention_scores_mse,
    cls_mse,
    hidden_mse,
    last_cosine,
    value_relation_kl,
)

REAL = torch.tensor([[True, True, True, False, False], [True, True, True, True, True]])
"""Two texts of three and five tokens."""

SHAPES = {hidden_mse: (2, 5, 8), last_cosine: (2, 5, 8), attention_scores_mse: (2, 4, 5, 5), attention_kl: (2, 4, 5, 5)}
SHAPES[value_relation_kl] = (2, 4, 5, 6)
LOSSES = list(SHAPES)


def draw(shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def padded_anew(tensor, seed, pairs):
    """The same real content with other numbers, and one more position, where padding is."""
    other = draw((*tensor.shape[:-2], tensor.shape[-2] + 1, tensor.shape[-1] + pairs), seed) * 100
    real = F.pad(REAL, (0, 1))
    keep = real[:, None, :, None] & real[:, None, None, :] if pairs else real.view(2, *[1] * (tensor.ndim - 3), 6, 1)
    return torch.where(keep, F.pad(tensor, (0, int(pairs), 0, 1)), other), real


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_padding_changes_neither_loss_nor_gradient(loss):
    student, teacher = draw(SHAPES[loss], 1).requires_grad_(), draw(SHAPES[loss], 2)
    pairs = loss in (attention_scores_mse, attention_kl)
    plain = loss(student, teacher, REAL)
    (gradient,) = torch.autograd.grad(plain, student)
    wide, real = padded_anew(student.detach(), 3, pairs)
    wide.requires_grad_()
    padded = loss(wide, padded_anew(teacher, 4, pairs)[0], real)
    (wide_gradient,) = torch.autograd.grad(padded, wide)
    torch.testing.assert_close(padded, plain)
    inside = (..., slice(5), slice(5)) if pairs else (..., slice(5), slice(None))
    torch.testing.assert_close(wide_gradient[inside], gradient)
    assert not gradient[0, ..., 3:, :].any() and wide_gradient.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_equal_student_and_teacher_leave_nothing_to_learn(loss):
    student = draw(SHAPES[loss]).double().requires_grad_()
    value = loss(student, student.detach(), REAL)
    (gradient,) = torch.autograd.grad(value, student)
    assert abs(value.item()) < 1e-12 and gradient.abs().max() < 1e-12


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_nothing_real_is_zero(loss):
    assert loss(draw(SHAPES[loss]), draw(SHAPES[loss], 1), torch.zeros_like(REAL)) == 0


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_other_shapes_are_refused_and_not_broadcast(loss):
    shape = SHAPES[loss]
    with pytest.raises(ValueError, match="one shape"):
        loss(draw(shape), draw((1, *shape[1:])), REAL)


def test_without_padding_they_are_pytorchs():
    real, width = torch.ones(2, 5, dtype=torch.bool), (2, 5, 8)
    student, teacher = draw(width, 1), draw(width, 2)
    torch.testing.assert_close(hidden_mse(student, teacher, real), F.mse_loss(student, teacher))
    target = torch.ones(10)
    expected = F.cosine_embedding_loss(student.flatten(0, 1), teacher.flatten(0, 1), target)
    torch.testing.assert_close(last_cosine(student, teacher, real), expected)
    scores, others = draw((2, 4, 5, 5), 1), draw((2, 4, 5, 5), 2)
    torch.testing.assert_close(attention_scores_mse(scores, others, real), F.mse_loss(scores, others))
    rows = F.kl_div(scores.log_softmax(-1), others.softmax(-1), reduction="none").sum(-1)
    torch.testing.assert_close(attention_kl(scores, others, real), rows.mean())


def test_value_relation_is_the_papers():
    student, teacher = draw((1, 4, 5, 6), 1), draw((1, 4, 5, 9), 2)  # heads of different width
    real = torch.ones(1, 5, dtype=torch.bool)
    relation = [(v @ v.mT / v.shape[-1] ** 0.5).softmax(-1) for v in (student, teacher)]
    expected = (relation[1] * (relation[1].log() - relation[0].log())).sum() / (4 * 5)
    torch.testing.assert_close(value_relation_kl(student, teacher, real), expected)


def test_relation_heads_bridge_different_heads():
    real = torch.ones(1, 5, dtype=torch.bool)
    student, teacher = draw((1, 4, 5, 6), 1), draw((1, 3, 5, 12), 2)
    with pytest.raises(ValueError, match="one shape"):
        value_relation_kl(student, teacher, real)
    assert value_relation_kl(student, teacher, real, heads=12) > 0
    joined = student.transpose(1, 2).reshape(1, 5, 24)
    anew = joined.view(1, 5, 2, 12).transpose(1, 2)
    assert value_relation_kl(student, anew, real, heads=2) == pytest.approx(0, abs=1e-7)
    with pytest.raises(ValueError, match="7 relation heads"):
        value_relation_kl(student, teacher, real, heads=7)


def test_cls_is_blind_to_length_unless_told_otherwise():
    student, teacher = draw((3, 8), 1), draw((3, 8), 2)
    expected = F.mse_loss(F.normalize(student, dim=-1), F.normalize(teacher, dim=-1))
    torch.testing.assert_close(cls_mse(student * 7, teacher), expected)
    torch.testing.assert_close(cls_mse(student, teacher, normalised=False), F.mse_loss(student, teacher))


def test_what_is_recorded_is_what_the_model_used(model, texts):
    """Scores and values are the model's: softmax(scores) · values gives back its attention."""
    network, batch = model(), texts().batch(torch.tensor([0, 5, 20]))
    needs = FeatureRequest(logits=True, hidden=frozenset({-1, 0, 1}), scores=frozenset({0, 1}), values=frozenset({1}))
    with torch.no_grad():
        found = forward(network, batch, "single_label", needs)
        plain = network(input_ids=batch.input_ids, attention_mask=batch.attention_mask, output_hidden_states=True)
        query, key = (
            getattr(network.bert.encoder.layer[1].attention.self, name)(found.hidden[0])
            .unflatten(2, (4, 8))
            .transpose(1, 2)
            for name in ("query", "key")
        )
    torch.testing.assert_close(found.logits, plain.logits)
    for layer in (-1, 0, 1):
        torch.testing.assert_close(found.hidden[layer][batch.real], plain.hidden_states[layer + 1][batch.real])
    torch.testing.assert_close(found.scores[1], query @ key.mT / 8**0.5)
    assert found.values[1].shape == (3, 4, batch.input_ids.shape[1], 8)


def test_attention_is_recorded_only_if_needed(model, texts, monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("attention was recorded")

    network, batch = model(), texts().batch(torch.tensor([0, 1]))
    monkeypatch.setattr("core.distill.forward.observing", refuse)
    forward(network, batch, "single_label", FeatureRequest(logits=True, hidden=frozenset({0})))
    with pytest.raises(AssertionError, match="recorded"):
        forward(network, batch, "single_label", FeatureRequest(scores=frozenset({0})))
