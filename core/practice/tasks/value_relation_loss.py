"""MiniLM's value relation, against `core.distill.objectives.features` (Wang et al. 2020, section 3.2, equations 7 to 9)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from core.distill.objectives.features import value_relation_kl
from core.practice.task import Case, Strided, Task, normal


def reference(student_values, teacher_values):
    real = torch.ones(student_values.shape[0], student_values.shape[2], dtype=torch.bool)
    return value_relation_kl(student_values, teacher_values.detach(), real)


def _rows(student_values, teacher_values, scaled=True, detach=True):
    teacher_values = teacher_values.detach() if detach else teacher_values
    scores = [
        values @ values.transpose(-2, -1) * (values.shape[-1] ** -0.5 if scaled else 1)
        for values in (student_values, teacher_values)
    ]
    return F.log_softmax(scores[0], dim=-1), F.log_softmax(scores[1], dim=-1)


def _kl(log_q, log_p):
    return F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1)


def no_scale(student_values, teacher_values):
    return _kl(*_rows(student_values, teacher_values, scaled=False)).mean()


def swapped(student_values, teacher_values):
    log_s, log_t = _rows(student_values, teacher_values)
    return _kl(log_t, log_s).mean()


def divided_by_the_batch_only(student_values, teacher_values):
    return _kl(*_rows(student_values, teacher_values)).sum() / len(student_values)


def divided_by_keys_too(student_values, teacher_values):
    return _kl(*_rows(student_values, teacher_values)).mean() / student_values.shape[-2]


def squared_difference(student_values, teacher_values):
    log_s, log_t = _rows(student_values, teacher_values)
    return F.mse_loss(log_s.exp(), log_t.exp())


def teacher_not_detached(student_values, teacher_values):
    return _kl(*_rows(student_values, teacher_values, detach=False)).mean()


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(batch: int, heads: int, length: int, narrow: int, wide: int) -> dict:
        return {
            "student_values": normal(generator, batch, heads, length, narrow),
            "teacher_values": normal(generator, batch, heads, length, wide),
        }

    yield Case("plain", given(2, 2, 3, 4, 4))
    yield Case("other_width", given(2, 3, 4, 2, 6))
    yield Case("batch_of_one", given(1, 1, 3, 2, 3))
    yield Case("strided", {name: Strided(values) for name, values in given(2, 2, 3, 2, 4).items()})


TASK = Task(
    "value_relation_loss",
    reference,
    cases,
    {
        "no_scale": no_scale,
        "swapped": swapped,
        "divided_by_the_batch_only": divided_by_the_batch_only,
        "divided_by_keys_too": divided_by_keys_too,
        "squared_difference": squared_difference,
        "teacher_not_detached": teacher_not_detached,
    },
)
