"""Gradients of soft and hard losses by the student's logits: their direction for each word, and the effect of T² on the length.

Hinton, Vinyals, Dean 2015 (Distilling the Knowledge in a Neural Network), section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.labs.temperature.soft_labels import MaskedPosition
from core.theory.temperature import TEMPERATURES, gradient_norms, logit_gradient, soften


@dataclass(frozen=True)
class Pushes:
    """The step that gradient descent takes on each logit (minus the gradient), by the soft and by the hard label.

    Attributes:
        ids: the words with the largest pushes and the true word, those that the soft label raises most first, `[word]`.
        soft, hard: their pushes, `[word]`; positive is up.
        teacher, student: their probabilities at the temperature, `[word]`.
        plain: the student's probabilities at T = 1, used by the hard loss, `[word]`.
        soft_up, hard_up: number of words of the whole vocabulary that each label pushes up.
        soft_length, hard_length: the lengths of the two gradients.
        agreement: their cosine; NaN where one has no length.
        riser, truth: indices in `ids` of the wrong word that the soft label raises most, and of the true word.
    """

    ids: list[int]
    soft: Tensor
    hard: Tensor
    teacher: Tensor
    student: Tensor
    plain: Tensor
    soft_up: int
    hard_up: int
    soft_length: float
    hard_length: float
    agreement: float
    riser: int
    truth: int


def hard_push(gap: MaskedPosition) -> Tensor:
    """Minus the gradient of the hard loss: 1 − q at the true word, −q at every other, `[vocabulary]`."""
    push = -soften(gap.student.double())
    push[gap.truth] += 1
    return push


def pushes(gap: MaskedPosition, temperature: float, scaled: bool = True, count: int = 4) -> Pushes:
    """Pushes of the soft label (at a temperature, with or without T²) and of the hard label on the student's logits."""
    soft = -logit_gradient(gap.student.double(), gap.teacher.double(), temperature, scaled)  # [vocabulary]
    hard = hard_push(gap)
    chosen = [*soft.topk(count).indices.tolist(), *soft.topk(count, largest=False).indices.tolist(), gap.truth]
    chosen += hard.topk(count - 1, largest=False).indices.tolist()
    ids = torch.tensor(sorted(set(chosen), key=lambda id: -float(soft[id])))
    truth = ids.tolist().index(gap.truth)
    parallel = float(soft @ hard / (soft.norm() * hard.norm()))
    return Pushes(
        ids=ids.tolist(),
        soft=soft[ids],
        hard=hard[ids],
        teacher=soften(gap.teacher.double(), temperature)[ids],
        student=soften(gap.student.double(), temperature)[ids],
        plain=soften(gap.student.double())[ids],
        soft_up=int((soft > 0).sum()),
        hard_up=int((hard > 0).sum()),
        soft_length=float(soft.norm()),
        hard_length=float(hard.norm()),
        agreement=parallel,
        riser=1 if truth == 0 else 0,
        truth=truth,
    )


@dataclass(frozen=True)
class Riddle:
    """Three wrong words, of which the soft label pushes one up and the hard label pushes all down.

    Attributes:
        ids: in alphabetical order, so that their order gives no hint, `[word]`.
        answer: the index of the one that goes up.
        teacher, student: their probabilities at the temperature, `[word]`.
    """

    ids: list[int]
    answer: int
    teacher: list[float]
    student: list[float]


def riddle(gap: MaskedPosition, temperature: float) -> Riddle | None:
    """The riddle of this masked position, or None where the soft label leaves no such three words."""
    p, q = soften(gap.teacher.double(), temperature), soften(gap.student.double(), temperature)
    wrong = (p - q).index_fill(0, torch.tensor(gap.truth), 0.0)  # [vocabulary]
    riser, fallers = int(wrong.argmax()), wrong.topk(2, largest=False).indices.tolist()
    if wrong[riser] <= 0 or (wrong[fallers] >= 0).any():
        return None
    ids = sorted([riser, *fallers], key=lambda id: gap.word(id).lstrip("#"))
    return Riddle(ids, ids.index(riser), p[ids].tolist(), q[ids].tolist())


@dataclass(frozen=True)
class Gradients:
    """The soft loss's gradient by the student's logits at each temperature; tensors are `[temperature]`.

    Attributes:
        scaled, unscaled: its length with and without T², by autograd.
        limit: ‖z − v‖ / N for centred logits z, v: the limit of the length with T² in Hinton's approximation.
        centred, raw: the cosine between gradient and z − v, for centred logits and for the logits as they are.
        hard: the length of the hard loss's gradient, which is independent of the temperature.
        slope_scaled, slope_unscaled: of log length against log T over the last doubling of T.
        worst: the largest difference, relative to the length, between autograd and (q − p)/T.
        classes: number of words.
    """

    temperatures: tuple[float, ...]
    scaled: Tensor
    unscaled: Tensor
    limit: float
    centred: Tensor
    raw: Tensor
    hard: float
    slope_scaled: float
    slope_unscaled: float
    worst: float
    classes: int

    @property
    def doubling(self) -> int:
        """Halvings of the length without T² over the last doubling of T, rounded: 0 none, 1 to a half, 2 to a quarter or less."""
        return min(2, max(0, round(-self.slope_unscaled)))

    @property
    def shrinks(self) -> float:
        """Ratio of the length with T² at T = 1 to that at the last temperature."""
        return float(self.scaled[self.temperatures.index(1)] / self.scaled[-1])

    def hard_over(self, scaled: bool) -> float:
        """Ratio of the hard gradient's length to the soft one's at the last temperature."""
        return self.hard / float((self.scaled if scaled else self.unscaled)[-1])


def gradients(gap: MaskedPosition, temperatures: Sequence[float] = TEMPERATURES) -> Gradients:
    """Measure the gradient at each temperature and compare it with Hinton's (z − v)/(N T²) (section 2.1, eq. 4)."""
    student, teacher = gap.student.double(), gap.teacher.double()
    scaled = gradient_norms(student, teacher, temperatures)
    unscaled = gradient_norms(student, teacher, temperatures, scaled=False)
    closed = torch.stack([logit_gradient(student, teacher, temperature) for temperature in temperatures])
    difference = student - teacher  # [class]
    centred = difference - difference.mean()
    lengths = closed.norm(dim=-1)
    return Gradients(
        temperatures=tuple(temperatures),
        scaled=scaled,
        unscaled=unscaled,
        limit=float(centred.norm() / len(centred)),
        centred=F.cosine_similarity(closed, centred[None], eps=1e-300),
        raw=F.cosine_similarity(closed, difference[None], eps=1e-300),
        hard=float(hard_push(gap).norm()),
        slope_scaled=_slope(scaled, temperatures),
        slope_unscaled=_slope(unscaled, temperatures),
        worst=float(((scaled - lengths).abs() / lengths.clamp(min=1e-300)).max()),
        classes=len(student),
    )


def _slope(lengths: Tensor, temperatures: Sequence[float]) -> float:
    """d log length / d log T between half the last temperature and the last."""
    half = temperatures.index(temperatures[-1] / 2)
    return float((lengths[-1] / lengths[half]).log() / math.log(2))
