"""Document 001 mixes the teacher's logits into the student's; what may be mixed is losses."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from core.practice.task import Case, Task, normal


def _soft(student_logits, teacher_logits):
    return F.cross_entropy(student_logits, teacher_logits.detach().softmax(-1))


def reference(student_logits, teacher_logits, labels, alpha):
    return alpha * _soft(student_logits, teacher_logits) + (1 - alpha) * F.cross_entropy(student_logits, labels)


def mixed_logits(student_logits, teacher_logits, labels, alpha):
    mixed = (1 - alpha) * student_logits + alpha * teacher_logits
    return F.cross_entropy(mixed, teacher_logits.softmax(-1))


def mixed_logits_against_labels(student_logits, teacher_logits, labels, alpha):
    return F.cross_entropy((1 - alpha) * student_logits + alpha * teacher_logits.detach(), labels)


def weights_swapped(student_logits, teacher_logits, labels, alpha):
    return reference(student_logits, teacher_logits, labels, 1 - alpha)


def teacher_not_detached(student_logits, teacher_logits, labels, alpha):
    soft = F.cross_entropy(student_logits, teacher_logits.softmax(-1))
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


def teachers_first_choice(student_logits, teacher_logits, labels, alpha):
    soft = F.cross_entropy(student_logits, teacher_logits.argmax(-1))
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(rows: int, classes: int, alpha: float) -> dict:
        return {
            "student_logits": normal(generator, rows, classes),
            "teacher_logits": normal(generator, rows, classes, scale=2.0),
            "labels": torch.randint(classes, (rows,), generator=generator),
            "alpha": alpha,
        }

    yield Case("plain", given(4, 3, 0.3))
    yield Case("only_teacher", given(4, 3, 1.0))
    yield Case("only_hard", given(4, 5, 0.0))
    yield Case("batch_of_one", given(1, 4, 0.6))


TASK = Task(
    "student_loss",
    reference,
    cases,
    {
        "mixed_logits": mixed_logits,
        "mixed_logits_against_labels": mixed_logits_against_labels,
        "weights_swapped": weights_swapped,
        "teacher_not_detached": teacher_not_detached,
        "teachers_first_choice": teachers_first_choice,
    },
)
