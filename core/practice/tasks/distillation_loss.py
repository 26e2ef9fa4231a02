"""Soft and hard loss together, against `core.distill.objectives.losses` (Hinton et al. 2015, section 2)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from core.distill.objectives import losses
from core.practice.task import Case, Task, normal


def reference(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = losses.soft_loss(student_logits, teacher_logits.detach(), temperature)
    return losses.mixed_loss(soft, losses.hard_loss(student_logits, labels), soft_weight)


def no_t_squared(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = losses.soft_loss(student_logits, teacher_logits.detach(), temperature, scaled=False)
    return losses.mixed_loss(soft, losses.hard_loss(student_logits, labels), soft_weight)


def weights_swapped(student_logits, teacher_logits, labels, temperature, soft_weight):
    return reference(student_logits, teacher_logits, labels, temperature, 1 - soft_weight)


def hard_loss_softened(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = losses.soft_loss(student_logits, teacher_logits.detach(), temperature)
    return losses.mixed_loss(soft, losses.hard_loss(student_logits / temperature, labels), soft_weight)


def everything_times_t_squared(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = losses.soft_loss(student_logits, teacher_logits.detach(), temperature, scaled=False)
    return losses.mixed_loss(soft, losses.hard_loss(student_logits, labels), soft_weight) * temperature**2


def swapped(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = losses.soft_loss(student_logits, teacher_logits.detach(), temperature, direction="reverse")
    return losses.mixed_loss(soft, losses.hard_loss(student_logits, labels), soft_weight)


def divided_by_classes(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = losses.soft_loss(student_logits, teacher_logits.detach(), temperature, reduction="mean")
    return losses.mixed_loss(soft, losses.hard_loss(student_logits, labels), soft_weight)


def teacher_not_detached(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = losses.soft_loss(student_logits, teacher_logits, temperature)
    return losses.mixed_loss(soft, losses.hard_loss(student_logits, labels), soft_weight)


def plain_sum(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = losses.soft_loss(student_logits, teacher_logits.detach(), temperature)
    return soft_weight * soft + losses.hard_loss(student_logits, labels)


def double_softmax(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = losses.soft_loss(student_logits, teacher_logits.detach(), temperature)
    return losses.mixed_loss(soft, losses.hard_loss(student_logits.softmax(-1), labels), soft_weight)


def kl_of_logits(student_logits, teacher_logits, labels, temperature, soft_weight):
    soft = temperature**2 * F.kl_div(
        student_logits / temperature, teacher_logits.detach() / temperature, reduction="batchmean"
    )
    return losses.mixed_loss(soft, F.cross_entropy(student_logits.softmax(-1), labels), soft_weight)


def teacher_unused(student_logits, teacher_logits, labels, temperature, soft_weight):
    return losses.hard_loss(student_logits, labels)


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(rows: int, classes: int, temperature: float, soft_weight: float) -> dict:
        return {
            "student_logits": normal(generator, rows, classes, scale=2.0),
            "teacher_logits": normal(generator, rows, classes, scale=2.0),
            "labels": torch.randint(classes, (rows,), generator=generator),
            "temperature": temperature,
            "soft_weight": soft_weight,
        }

    yield Case("plain", given(4, 3, 3.0, 0.7))
    yield Case("plain", given(6, 5, 2.0, 0.25))
    yield Case("only_hard", given(4, 4, 2.0, 0.0))
    yield Case("batch_of_one", given(1, 4, 4.0, 0.5))
    partly = given(4, 3, 2.0, 0.4)
    partly["labels"][::2] = -100
    yield Case("some_unlabelled", partly)
    none = given(3, 4, 2.0, 0.4)
    none["labels"][:] = -100
    yield Case("none_labelled", none)


MISCONCEPTIONS = {
    "no_t_squared": no_t_squared,
    "weights_swapped": weights_swapped,
    "hard_loss_softened": hard_loss_softened,
    "everything_times_t_squared": everything_times_t_squared,
    "swapped": swapped,
    "divided_by_classes": divided_by_classes,
    "teacher_not_detached": teacher_not_detached,
    "plain_sum": plain_sum,
    "double_softmax": double_softmax,
    "teacher_unused": teacher_unused,
}

TASK = Task("distillation_loss", reference, cases, MISCONCEPTIONS)
