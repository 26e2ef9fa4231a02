"""T² · KL(teacher ‖ student), against `core.distill.objectives.losses` (Hinton et al. 2015, section 2)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from core.distill.objectives import losses
from core.practice.task import Case, Strided, Task, normal


def reference(student_logits, teacher_logits, temperature):
    return losses.soft_loss(student_logits, teacher_logits.detach(), temperature)


def _kl(student_logits, teacher_logits, temperature, reduction="batchmean"):
    log_s = F.log_softmax(student_logits.float() / temperature, dim=-1)
    return F.kl_div(log_s, F.softmax(teacher_logits.float() / temperature, dim=-1), reduction=reduction)


def no_t_squared(student_logits, teacher_logits, temperature):
    return _kl(student_logits, teacher_logits.detach(), temperature)


def swapped(student_logits, teacher_logits, temperature):
    return losses.soft_loss(student_logits, teacher_logits.detach(), temperature, direction="reverse")


def teacher_not_detached(student_logits, teacher_logits, temperature):
    return losses.soft_loss(student_logits, teacher_logits, temperature)


def divided_by_classes(student_logits, teacher_logits, temperature):
    return summed(student_logits, teacher_logits, temperature) / student_logits.numel()


def summed(student_logits, teacher_logits, temperature):
    return temperature**2 * _kl(student_logits, teacher_logits.detach(), temperature, "sum")


def no_logarithm(student_logits, teacher_logits, temperature):
    s, t = (F.softmax(x.float() / temperature, dim=-1) for x in (student_logits, teacher_logits.detach()))
    return temperature**2 * F.kl_div(s, t, reduction="batchmean")


def teacher_not_softened(student_logits, teacher_logits, temperature):
    log_s = F.log_softmax(student_logits.float() / temperature, dim=-1)
    return temperature**2 * F.kl_div(log_s, F.softmax(teacher_logits.detach().float(), dim=-1), reduction="batchmean")


def cross_entropy(student_logits, teacher_logits, temperature):
    return losses.soft_cross_entropy(student_logits, teacher_logits.detach(), temperature)


def over_the_batch(student_logits, teacher_logits, temperature):
    log_s = F.log_softmax(student_logits.float() / temperature, dim=0)
    soft = F.softmax(teacher_logits.detach().float() / temperature, dim=0)
    return temperature**2 * F.kl_div(log_s, soft, reduction="batchmean")


def cases(generator: torch.Generator) -> Iterator[Case]:
    def logits(rows: int, classes: int, temperature: float, scale: float = 2.0) -> dict:
        made = {f"{who}_logits": normal(generator, rows, classes, scale=scale) for who in ("student", "teacher")}
        return made | {"temperature": temperature}

    yield Case("plain", logits(3, 5, 2.0))
    yield Case("plain", logits(5, 3, 1.5))
    yield Case("temperature_one", logits(4, 6, 1.0))
    yield Case("batch_of_one", logits(1, 5, 3.0))
    strided = logits(3, 5, 2.0)
    yield Case("strided", {name: Strided(x) if name != "temperature" else x for name, x in strided.items()})
    large = logits(2, 50, 1.0, scale=300.0)
    yield Case("half", {name: x.detach().half() if name != "temperature" else x for name, x in large.items()})


TASK = Task(
    "soft_loss",
    reference,
    cases,
    {
        "no_t_squared": no_t_squared,
        "swapped": swapped,
        "teacher_not_detached": teacher_not_detached,
        "divided_by_classes": divided_by_classes,
        "summed": summed,
        "no_logarithm": no_logarithm,
        "teacher_not_softened": teacher_not_softened,
        "cross_entropy": cross_entropy,
        "over_the_batch": over_the_batch,
    },
)
