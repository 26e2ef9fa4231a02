"""Every loss, feature loss and term on tensors of the accelerator: its value and its gradient are the CPU's.

Tolerance: a relative 1e-4, a thousand roundings of float32. Sums over batch, tokens and width are taken in another order there,
and Apple's MPS rounds exponentials a little otherwise. Behind two models of large weights it is 1e-3.
"""

from __future__ import annotations

import pytest
import torch

from core.distill.distiller import Arm
from core.distill.forward import FeatureRequest, asked_labels, forward, shape_of
from core.distill.objectives import features as compare
from core.distill.objectives import losses
from core.distill.objectives.objective import Objective
from core.distill.objectives.recipes import RECIPES
from core.distill.objectives.terms import KINDS, LossContext
from core.distill.trainer import StudentTrainer
from core.distill.training import TrainingConfig

CLOSE = {"rtol": 1e-4, "atol": 1e-5}
THROUGH_MODELS = {"rtol": 1e-3, "atol": 1e-5}
REAL = torch.tensor([[True, True, True, False, False], [True, True, True, True, True]])
LABELS = torch.tensor([0, 6, -100, 3])
SEVERAL = torch.tensor([[1.0, 0, 1, 0, -1, 0, 1], [0, 0, 0, 1, 1, 1, 0], [-1] * 7, [1, 1, 1, 1, 0, 0, 0]])


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 3


LOGITS, STATES, SCORES, VALUES = (4, 7), (2, 5, 8), (2, 4, 5, 5), (2, 4, 5, 6)

CASES = {
    "soft": (LOGITS, lambda s, t, on: losses.soft_loss(s, t, 2.0)),
    "soft_reverse": (LOGITS, lambda s, t, on: losses.soft_loss(s, t, 3.0, direction="reverse", reduction="mean")),
    "soft_jsd": (LOGITS, lambda s, t, on: losses.soft_loss(s, t, direction="jsd", beta=0.3, reduction="sum")),
    "soft_cross_entropy": (LOGITS, lambda s, t, on: losses.soft_cross_entropy(s, t, 2.0)),
    "matching": (LOGITS, lambda s, t, on: losses.matching_loss(s, t)),
    "hard": (LOGITS, lambda s, t, on: losses.hard_loss(s, LABELS.to(on))),
    "bernoulli_soft": (LOGITS, lambda s, t, on: losses.bernoulli_soft_loss(s, t, 2.0)),
    "bernoulli_hard": (LOGITS, lambda s, t, on: losses.bernoulli_hard_loss(s, SEVERAL.to(on))),
    "mixed": (
        LOGITS,
        lambda s, t, on: losses.mixed_loss(losses.soft_loss(s, t), losses.hard_loss(s, LABELS.to(on)), 0.7),
    ),
    "hidden_mse": (STATES, lambda s, t, on: compare.hidden_mse(s, t, REAL.to(on))),
    "last_cosine": (STATES, lambda s, t, on: compare.last_cosine(s, t, REAL.to(on))),
    "cls_mse": (STATES, lambda s, t, on: compare.cls_mse(s[:, 0], t[:, 0])),
    "attention_scores_mse": (SCORES, lambda s, t, on: compare.attention_scores_mse(s, t, REAL.to(on))),
    "attention_kl": (SCORES, lambda s, t, on: compare.attention_kl(s, t, REAL.to(on))),
    "value_relation_kl": (VALUES, lambda s, t, on: compare.value_relation_kl(s, t, REAL.to(on))),
    "value_relation_kl_anew": (VALUES, lambda s, t, on: compare.value_relation_kl(s, t, REAL.to(on), heads=3)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_loss_and_its_gradient(name, accelerator):
    shape, loss = CASES[name]

    def found(device):
        student = draw(*shape, seed=1).to(device).requires_grad_()
        value = loss(student, draw(*shape, seed=2).to(device), device)
        (gradient,) = torch.autograd.grad(value, student)
        assert value.device.type == torch.device(device).type
        return value.detach().cpu(), gradient.cpu()

    torch.testing.assert_close(found(accelerator), found("cpu"), **CLOSE)


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_a_loss_on_half_precision_works_in_float32(precision, accelerator):
    """The values that the half precision holds are the same numbers in float32, so the losses must agree."""
    student, teacher = (draw(*LOGITS, seed=seed).to(precision) for seed in (1, 2))
    ours = losses.soft_loss(student.to(accelerator), teacher.to(accelerator), 2.0)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.cpu(), losses.soft_loss(student.float(), teacher.float(), 2.0), **CLOSE)


@pytest.mark.parametrize("width", [32, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_a_term_on_what_two_models_computed(kind, width, model, texts, task, accelerator):
    """Forward passes, a projection where the widths differ, the term and the gradient of all weights."""
    objective = Objective((KINDS[kind](),))
    data = texts(task).at_epoch(0)
    batch = data.batch(torch.tensor([0, 9, 33]))

    def found(device):
        student, teacher = model(task, width=width, seed=2), model(task, layers=4, seed=1).to(device)
        training = TrainingConfig(steps=1, train_embeddings="all", precision="float32")
        learner = StudentTrainer("a", Arm(student, objective), teacher, data, training, device)
        moved = batch.to(device)
        with torch.no_grad():
            taught = forward(teacher, moved, task, learner.needs_of_teacher)
        learner.backward(moved, taught, progress=0.0, seed=0, step=1)
        loss, terms, length = learner._pending
        assert loss.device.type == terms[kind].device.type == torch.device(device).type
        return loss.detach().cpu(), length.cpu()

    torch.testing.assert_close(found(accelerator), found("cpu"), **THROUGH_MODELS)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_stage_by_stage(recipe, model, texts, accelerator):
    batch = texts().batch(torch.tensor([0, 9, 33]))
    layers = frozenset(range(2))

    def found(device):
        moved = batch.to(device)
        teacher, student = model(layers=2, seed=1).to(device), model(layers=2, seed=2).to(device)
        needs = FeatureRequest(True, layers | {-1}, layers, layers, layers)
        with torch.no_grad():
            theirs, ours = (forward(each, moved, "single_label", needs) for each in (teacher, student))
        lesson = LossContext(
            "single_label",
            asked_labels(moved, "single_label"),
            0.0,
            shape_of(student),
            shape_of(teacher),
            lambda _, states: states,
        )
        stages = RECIPES[recipe].stages
        return [float(stage.objective.losses(ours, theirs, lesson)[0]) for stage in stages]

    torch.testing.assert_close(torch.tensor(found(accelerator)), torch.tensor(found("cpu")), **THROUGH_MODELS)
