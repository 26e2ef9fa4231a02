"""A few steps of distillation on toy networks: the teacher frozen, the student trained (Hinton et al. 2015, section 2)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from core.distill.objectives import losses
from core.practice.sandbox.inside.harness import build_model
from core.practice.task import Case, Model, Optimizer, Task

SIZES = (5, 6, 4)


def _train(
    student,
    teacher,
    optimizer,
    batches,
    temperature,
    soft_weight,
    *,
    freeze=True,
    evaluate=True,
    train=True,
    zero=True,
    step=True,
    mixed=True,
    last_only=False,
):
    if evaluate:
        teacher.eval()
    if train:
        student.train()
    reported = []
    used = [batches[-1]] * len(batches) if last_only else batches
    for inputs, labels in used:
        with torch.set_grad_enabled(not freeze):
            teacher_logits = teacher(inputs)
        student_logits = student(inputs)
        loss = hard = losses.hard_loss(student_logits, labels)
        if mixed:
            soft = losses.soft_loss(student_logits, teacher_logits, temperature)
            loss = losses.mixed_loss(soft, hard, soft_weight)
        if zero:
            optimizer.zero_grad()
        loss.backward()
        if step:
            optimizer.step()
        reported.append(loss.item())
    return reported


def reference(student, teacher, optimizer, batches, temperature, soft_weight):
    return _train(student, teacher, optimizer, batches, temperature, soft_weight)


def _but(**options):
    def variant(student, teacher, optimizer, batches, temperature, soft_weight):
        return _train(student, teacher, optimizer, batches, temperature, soft_weight, **options)

    return variant


def cases(generator: torch.Generator) -> Iterator[Case]:
    def network(**options) -> Model:
        shapes = build_model("classifier", list(SIZES)).state_dict()
        state = {name: torch.randn(part.shape, generator=generator) for name, part in shapes.items()}
        return Model("classifier", SIZES, state, **options)

    def given(batches: int, rows: int, **student) -> dict:
        data = [
            [torch.randn(rows, SIZES[0], generator=generator), torch.randint(SIZES[-1], (rows,), generator=generator)]
            for _ in range(batches)
        ]
        return {
            "student": network(**student),
            "teacher": network(dropout=0.5),
            "optimizer": Optimizer("student"),
            "batches": data,
            "temperature": 2.0,
            "soft_weight": 0.6,
        }

    yield Case("plain", given(1, 4))
    yield Case("several_batches", given(3, 4))
    yield Case("batch_of_one", given(2, 1))
    yield Case("student_in_evaluation", given(2, 3, training=False))


MISCONCEPTIONS = {
    "teacher_unused": _but(mixed=False),
    "teacher_in_training": _but(evaluate=False),
    "teacher_not_frozen": _but(freeze=False),
    "gradients_pile_up": _but(zero=False),
    "no_step": _but(step=False),
    "one_stale_batch": _but(last_only=True),
    "student_not_training": _but(train=False),
}

TASK = Task("distil", reference, cases, MISCONCEPTIONS)
