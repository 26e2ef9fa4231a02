"""TinyBERT's hidden and embedding losses: MSE through one projection (Jiao et al. 2020, section 3.1, equations 8 and 9)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from core.practice.task import Case, Task, normal


def _loss(student_hidden, teacher_hidden, projection, place=None, first=0, detach=True, mean=False):
    block = (len(teacher_hidden) - 1) // (len(student_hidden) - 1)
    total = 0.0
    for number in range(first, len(student_hidden)):
        teacher = teacher_hidden[number * block if place is None else place(number, block)]
        total = total + F.mse_loss(student_hidden[number] @ projection, teacher.detach() if detach else teacher)
    return total / (len(student_hidden) - first) if mean else total


def reference(student_hidden, teacher_hidden, projection):
    return _loss(student_hidden, teacher_hidden, projection)


def embeddings_left_out(student_hidden, teacher_hidden, projection):
    return _loss(student_hidden, teacher_hidden, projection, first=1)


def first_teacher_layers(student_hidden, teacher_hidden, projection):
    return _loss(student_hidden, teacher_hidden, projection, lambda number, block: number)


def one_layer_early(student_hidden, teacher_hidden, projection):
    return _loss(student_hidden, teacher_hidden, projection, lambda number, block: max(number * block - 1, 0))


def mean_over_layers(student_hidden, teacher_hidden, projection):
    return _loss(student_hidden, teacher_hidden, projection, mean=True)


def projection_detached(student_hidden, teacher_hidden, projection):
    return _loss(student_hidden, teacher_hidden, projection.detach())


def teacher_not_detached(student_hidden, teacher_hidden, projection):
    return _loss(student_hidden, teacher_hidden, projection, detach=False)


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(student: int, teacher: int, batch: int, length: int, narrow: int, wide: int) -> dict:
        return {
            "student_hidden": [normal(generator, batch, length, narrow) for _ in range(student + 1)],
            "teacher_hidden": [normal(generator, batch, length, wide) for _ in range(teacher + 1)],
            "projection": normal(generator, narrow, wide),
        }

    yield Case("plain", given(2, 4, 2, 3, 3, 5))
    yield Case("plain", given(2, 6, 1, 4, 2, 4))
    yield Case("same_depth", given(3, 3, 2, 2, 4, 4))
    yield Case("batch_of_one", given(1, 3, 1, 1, 2, 3))


TASK = Task(
    "hidden_loss",
    reference,
    cases,
    {
        "embeddings_left_out": embeddings_left_out,
        "first_teacher_layers": first_teacher_layers,
        "one_layer_early": one_layer_early,
        "mean_over_layers": mean_over_layers,
        "projection_detached": projection_detached,
        "teacher_not_detached": teacher_not_detached,
    },
)
