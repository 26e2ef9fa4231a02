"""The soft, the hard and the mixed loss on one gap, as published code defines them, and as it gets them wrong."""

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
        probability: what the student gives the true word at T = 1; the hard loss is its negative logarithm.
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
    """The three losses on one gap, see `core.distill.objectives.losses`."""
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
    found = [losses(gap, temperature, soft_weight, direction, scaled, reduction) for temperature in TEMPERATURES]
    return [one.soft for one in found], [one.hard for one in found], [one.mixed for one in found]


@dataclass(frozen=True)
class Convention:
    """How one codebase defines its distillation loss on logits.

    Attributes:
        form: "kl" (forward), "ce" (soft cross-entropy) or "jsd".
        scaled: whether it multiplies by T².
        reduction: "batchmean", or "mean" where it divides by the classes too.
        alpha: which term the code's own α (or its like) multiplies: "soft", "hard", or "" for none.
        weights: of the soft and of the hard loss where the code fixes them; empty where the learner's weight is used.
        temperature: where the code's loss ignores the temperature and uses this one.
    """

    form: str
    scaled: bool
    reduction: Reduction
    alpha: str = ""
    weights: tuple[float, ...] = ()
    temperature: float | None = None


@dataclass(frozen=True)
class Printed:
    """What a codebase would print: its soft term, and the sum with the hard term."""

    soft: float
    total: float
    soft_weight: float
    hard_weight: float


def printed(gap: MaskedPosition, convention: Convention, temperature: float, soft_weight: float) -> Printed:
    """The loss by one codebase's convention on this gap."""
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
    """What several codebases print for one gap, `[codebase]`, and the range of their soft terms."""

    printed: list[Printed]
    least: float
    most: float

    @property
    def factor(self) -> float:
        """How many times the smallest soft term fits into the largest."""
        return self.most / max(self.least, 1e-300)


def compared(
    gap: MaskedPosition, rows: Sequence[Mapping[str, Any]], temperature: float, soft_weight: float
) -> Comparison:
    """The losses by each row's convention; what else a row holds (a name, a note) is left alone."""
    names = [field.name for field in fields(Convention)]
    conventions = [Convention(**{name: row[name] for name in names if name in row}) for row in rows]
    shown = [printed(gap, convention, temperature, soft_weight) for convention in conventions]
    soft = [one.soft for one in shown]
    return Comparison(shown, min(soft), max(soft))


# What goes wrong in code that learners meet


@dataclass(frozen=True)
class Leak:
    """A loss on (1 − α)·student + α·teacher against the teacher, for rising α.

    Attributes:
        shares: α, `[share]`.
        loss: what is printed, `[share]`.
        gradient: the length of its gradient by the student's logits, `[share]`.
    """

    shares: list[float]
    loss: Tensor
    gradient: Tensor


def leak(gap: MaskedPosition, temperature: float, points: int = 21) -> Leak:
    """What happens when logits are mixed instead of losses: the target is in the prediction."""
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
    """What PyTorch answers when the teacher's logits are handed over where class numbers belong."""
    try:
        F.cross_entropy(gap.student[None], gap.teacher.reshape(-1))
    except (ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("PyTorch took logits as labels.")


def with_impostor(gap: MaskedPosition) -> MaskedPosition:
    """The gap with its teacher's logits shuffled among the words: a loss that listens to the teacher must notice."""
    order = torch.randperm(gap.words, generator=torch.Generator().manual_seed(0))
    return replace(gap, teacher=gap.teacher[order])


@dataclass(frozen=True)
class Consequence:
    """What a mistake does on one gap: numbers by name, and an error message or curves where it has some."""

    numbers: dict[str, float]
    message: str = ""
    leak: Leak | None = None


def consequence(gap: MaskedPosition, mistake: str, temperature: float = 2) -> Consequence:
    """What comes of a mistake: "unplugged", "bare_logits", "leak" or "logits_as_labels"."""
    if mistake == "bare_logits":
        right = losses(gap, temperature, scaled=False).soft
        return Consequence({"wrong": divergence_of_logits(gap, temperature), "right": right})
    if mistake == "logits_as_labels":
        return Consequence({}, message=logits_as_labels(gap))
    if mistake == "leak":
        found = leak(gap, temperature)
        return Consequence({"start": float(found.loss[0]), "end": float(found.loss[-1])}, leak=found)
    if mistake == "unplugged":
        real, fake = losses(gap, temperature), losses(with_impostor(gap), temperature)
        return Consequence({"hard": real.hard, "hard_fake": fake.hard, "mixed": real.mixed, "mixed_fake": fake.mixed})
    raise ValueError(f"There is no mistake named {mistake!r}.")
