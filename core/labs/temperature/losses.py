"""The soft, the hard and the mixed loss at one masked position, as published code defines them, and common mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from core.distill.objectives.losses import (
    Direction,
    Reduction,
    hard_loss,
    mixed_loss,
    soft_cross_entropy,
    soft_loss,
)
from core.labs.temperature.soft_labels import MaskedPosition
from core.theory.temperature import TEMPERATURES

DIRECTIONS = ("forward", "reverse", "jsd")

BETA = 0.5
"""The teacher's share in the Jensen-Shannon divergence."""


@dataclass(frozen=True)
class Losses:
    """The numbers that a training run would print for this one word.

    Attributes:
        divergence: the bare divergence, without T² and before the reduction.
        soft, hard, mixed: the losses.
        probability: the student's for the true word at T = 1; the hard loss is its negative logarithm.
    """

    divergence: float
    soft: float
    hard: float
    mixed: float
    probability: float


def losses(
    gap: MaskedPosition,
    temperature: float,
    soft_weight: float = 0.5,
    direction: Direction = "forward",
    scaled: bool = True,
    reduction: Reduction = "batchmean",
) -> Losses:
    """The three losses at one masked position, see `core.distill.objectives.losses`."""
    student, teacher = gap.student.double()[None], gap.teacher.double()[None]  # [1, vocabulary]
    bare = soft_loss(student, teacher, temperature, False, direction, BETA, "sum")
    soft = soft_loss(student, teacher, temperature, scaled, direction, BETA, reduction)
    hard = hard_loss(student, torch.tensor([gap.truth]))
    mixed = mixed_loss(soft, hard, soft_weight)
    return Losses(float(bare), float(soft), float(hard), float(mixed), float((-hard).exp()))


def over_temperatures(
    gap: MaskedPosition, soft_weight: float, direction: Direction, scaled: bool, reduction: Reduction
) -> tuple[list[float], list[float], list[float]]:
    """The soft, the hard and the mixed loss at each of `TEMPERATURES`, each `[temperature]`."""
    rows = [losses(gap, temperature, soft_weight, direction, scaled, reduction) for temperature in TEMPERATURES]
    return [row.soft for row in rows], [row.hard for row in rows], [row.mixed for row in rows]


@dataclass(frozen=True)
class Convention:
    """One codebase's definition of its distillation loss on logits.

    Attributes:
        form: "kl" (forward), "ce" (soft cross-entropy) or "jsd".
        scaled: True if it multiplies by T².
        reduction: "batchmean", or "mean" where it divides by the classes too.
        alpha: the term that the code's own α (or its equivalent) multiplies: "soft", "hard", or "" for none.
        weights: of the soft and of the hard loss where the code fixes them; empty where the learner's weight is used.
        temperature: a fixed one, where the code's loss ignores the temperature; else None.
    """

    form: str
    scaled: bool
    reduction: Reduction
    alpha: str = ""
    weights: tuple[float, ...] = ()
    temperature: float | None = None


@dataclass(frozen=True)
class Printed:
    """Values that a codebase would print: its soft term, and the sum with the hard term."""

    soft: float
    total: float
    soft_weight: float
    hard_weight: float


def printed(gap: MaskedPosition, convention: Convention, temperature: float, soft_weight: float) -> Printed:
    """The loss by one codebase's convention at this masked position."""
    student, teacher = gap.student.double()[None], gap.teacher.double()[None]  # [1, vocabulary]
    used = convention.temperature or temperature
    if convention.form == "ce":
        soft = soft_cross_entropy(student, teacher, used, convention.scaled, convention.reduction)
    else:
        direction = {"kl": "forward", "jsd": "jsd"}[convention.form]
        soft = soft_loss(student, teacher, used, convention.scaled, direction, BETA, convention.reduction)
    weights = convention.weights or (soft_weight, 1 - soft_weight)
    hard = hard_loss(student, torch.tensor([gap.truth]))
    return Printed(float(soft), float(weights[0] * soft + weights[1] * hard), *weights)


@dataclass(frozen=True)
class Comparison:
    """Printed values of several codebases at one masked position, `[codebase]`, and the range of their soft terms."""

    printed: list[Printed]
    least: float
    most: float

    @property
    def factor(self) -> float:
        """Ratio of the largest soft term to the smallest."""
        return self.most / max(self.least, 1e-300)


def compared(
    gap: MaskedPosition, rows: Sequence[Mapping[str, Any]], temperature: float, soft_weight: float
) -> Comparison:
    """The losses by each row's convention; other entries of a row (a name, a note) are ignored."""
    names = [field.name for field in fields(Convention)]
    conventions = [Convention(**{name: row[name] for name in names if name in row}) for row in rows]
    shown = [printed(gap, convention, temperature, soft_weight) for convention in conventions]
    soft = [one.soft for one in shown]
    return Comparison(shown, min(soft), max(soft))


# Common mistakes in distillation code


@dataclass(frozen=True)
class Leak:
    """A loss on (1 − α)·student + α·teacher against the teacher, for rising α.

    Attributes:
        shares: α, `[share]`.
        loss: the printed loss, `[share]`.
        gradient: the length of its gradient by the student's logits, `[share]`.
    """

    shares: list[float]
    loss: Tensor
    gradient: Tensor


def leak(gap: MaskedPosition, temperature: float, points: int = 21) -> Leak:
    """Loss and gradient when logits are mixed instead of losses: the target leaks into the prediction."""
    shares = torch.linspace(0, 1, points, dtype=torch.float64).tolist()
    values, lengths = [], []
    for share in shares:
        student = gap.student.double().requires_grad_()
        mixed = (1 - share) * student + share * gap.teacher.double()
        loss = soft_loss(mixed[None], gap.teacher.double()[None], temperature)
        (gradient,) = torch.autograd.grad(loss, student)
        values.append(loss.detach())
        lengths.append(gradient.norm())
    return Leak(shares, torch.stack(values), torch.stack(lengths))


def divergence_of_logits(gap: MaskedPosition, temperature: float) -> float:
    """KL of the bare quotients z/T, which are no probabilities: nan as soon as one of the teacher's is negative."""
    return float(F.kl_div((gap.student / temperature)[None], (gap.teacher / temperature)[None], reduction="batchmean"))


def logits_as_labels(gap: MaskedPosition) -> str:
    """PyTorch's error message when the teacher's logits are passed in place of class indices."""
    try:
        F.cross_entropy(gap.student[None], gap.teacher.reshape(-1))
    except (ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("PyTorch took logits as labels.")


def with_impostor(gap: MaskedPosition) -> MaskedPosition:
    """The masked position with the teacher's logits shuffled among the words: a loss that uses the teacher must change."""
    order = torch.randperm(gap.words, generator=torch.Generator().manual_seed(0))
    return replace(gap, teacher=gap.teacher[order])


@dataclass(frozen=True)
class Consequence:
    """Effect of a mistake at one masked position: numbers by name, and an error message or curves where it has some."""

    numbers: dict[str, float]
    message: str = ""
    leak: Leak | None = None


def consequence(gap: MaskedPosition, mistake: str, temperature: float = 2) -> Consequence:
    """Effect of a mistake: "unplugged", "bare_logits", "leak" or "logits_as_labels"."""
    if mistake == "bare_logits":
        right = losses(gap, temperature, scaled=False).soft
        return Consequence({"wrong": divergence_of_logits(gap, temperature), "right": right})
    if mistake == "logits_as_labels":
        return Consequence({}, message=logits_as_labels(gap))
    if mistake == "leak":
        curves = leak(gap, temperature)
        return Consequence({"start": float(curves.loss[0]), "end": float(curves.loss[-1])}, leak=curves)
    if mistake == "unplugged":
        real, fake = losses(gap, temperature), losses(with_impostor(gap), temperature)
        return Consequence({"hard": real.hard, "hard_fake": fake.hard, "mixed": real.mixed, "mixed_fake": fake.mixed})
    raise ValueError(f"There is no mistake named {mistake!r}.")
