"""TinyBERT's attention loss: MSE of raw scores over a uniform layer map (Jiao et al. 2020, section 3.1, equation 7)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from core.practice.task import Case, Task, normal


def _loss(student_scores, teacher_scores, place, change=lambda x: x, detach=True, mean=False):
    total = 0.0
    for number, student in enumerate(student_scores):
        teacher = teacher_scores[place(number, len(teacher_scores) // len(student_scores))]
        total = total + F.mse_loss(change(student), change(teacher.detach() if detach else teacher))
    return total / len(student_scores) if mean else total


def _last_of_block(number, block):
    return (number + 1) * block - 1


def reference(student_scores, teacher_scores):
    return _loss(student_scores, teacher_scores, _last_of_block)


def after_softmax(student_scores, teacher_scores):
    return _loss(student_scores, teacher_scores, _last_of_block, lambda x: x.softmax(-1))


def first_teacher_layers(student_scores, teacher_scores):
    return _loss(student_scores, teacher_scores, lambda number, block: number)


def first_of_block(student_scores, teacher_scores):
    return _loss(student_scores, teacher_scores, lambda number, block: number * block)


def mean_over_layers(student_scores, teacher_scores):
    return _loss(student_scores, teacher_scores, _last_of_block, mean=True)


def teacher_not_detached(student_scores, teacher_scores):
    return _loss(student_scores, teacher_scores, _last_of_block, detach=False)


def summed(student_scores, teacher_scores):
    block = len(teacher_scores) // len(student_scores)
    return sum(
        (student - teacher_scores[_last_of_block(number, block)].detach()).square().sum()
        for number, student in enumerate(student_scores)
    )


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(student: int, teacher: int, *shape: int) -> dict:
        layers = {"student_scores": student, "teacher_scores": teacher}
        return {name: [normal(generator, *shape) for _ in range(count)] for name, count in layers.items()}

    yield Case("plain", given(2, 4, 2, 2, 3, 3))
    yield Case("plain", given(2, 6, 1, 3, 4, 4))
    yield Case("same_depth", given(3, 3, 2, 2, 3, 3))
    yield Case("batch_of_one", given(1, 3, 1, 1, 2, 2))


TASK = Task(
    "attention_loss",
    reference,
    cases,
    {
        "after_softmax": after_softmax,
        "first_teacher_layers": first_teacher_layers,
        "first_of_block": first_of_block,
        "mean_over_layers": mean_over_layers,
        "summed": summed,
        "teacher_not_detached": teacher_not_detached,
    },
)
