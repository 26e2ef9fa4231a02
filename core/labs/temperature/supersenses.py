"""A classification task on one sentence: two soft labels over 16 classes, and the classes that the teacher confuses.

Hinton, Vinyals, Dean 2015 (Distilling the Knowledge in a Neural Network), section 1: that a BMW is more like a garbage truck
than like a carrot is knowledge, and a hard label does not contain it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.data.kinds import KINDS, definitions, teacher_logits
from core.engine import Engine, Setting, models_for
from core.theory.temperature import dark_knowledge, effective_classes, soften

TASK = "kinds"


@dataclass(frozen=True)
class Verdict:
    """Logits of teacher and student for one definition, `[class]` each."""

    teacher: Tensor
    student: Tensor


def verdict(engine: Engine, setting: Setting, text: str) -> Verdict:
    """Classify a text with both models.

    Raises:
        LabError: `missing_pair`, `empty_text`, and as `Engine.trace`.
    """
    teacher, student = (engine.trace(setting, name, text).class_logits for name in models_for(setting, TASK))
    return Verdict(teacher, student)


@dataclass(frozen=True)
class View:
    """Both soft labels at one temperature.

    Attributes:
        order: the classes by the teacher's logits, the most likely first, `[class]`; no temperature changes it.
        teacher, student: probabilities in that order, `[class]`.
        effective: exp(entropy) of the teacher's: the number of equally likely classes of the same entropy.
        dark: the teacher's mass outside its top-1 class; `dark_before` at T = 1.
        said: the student's top-1 class, as an index into `order`.
    """

    order: tuple[str, ...]
    teacher: Tensor
    student: Tensor
    effective: float
    dark: float
    dark_before: float
    said: int


def view(found: Verdict, temperature: float) -> View:
    """Both soft labels of a verdict at one temperature."""
    order = found.teacher.argsort(descending=True, stable=True)
    teacher, student = (soften(logits.double(), temperature)[order] for logits in (found.teacher, found.student))
    return View(
        order=tuple(KINDS[kind] for kind in order.tolist()),
        teacher=teacher,
        student=student,
        effective=float(effective_classes(teacher)),
        dark=float(dark_knowledge(teacher)),
        dark_before=float(dark_knowledge(soften(found.teacher.double()))),
        said=int(student.argmax()),
    )


@dataclass(frozen=True)
class Map:
    """Shares of classes against classes.

    Attributes:
        shares: each row sums to 1 (or is NaN where nothing was counted), `[true class, other class]`.
        count: definitions behind each row, `[class]`.
        accuracy: of the teacher on these definitions.
        pair: the two different classes with the largest share, the true one first, and that share.
    """

    shares: Tensor
    count: Tensor
    accuracy: float
    pair: tuple[str, str, float]

    def nearest(self, kind: str) -> str:
        """The other class with the largest share in a class's row."""
        row = self.shares[KINDS.index(kind)].nan_to_num(-1).clone()
        row[KINDS.index(kind)] = -1
        return KINDS[int(row.argmax())]


def confusion() -> Map:
    """Confusion matrix of the shipped teacher on the test definitions, rows sum to 1, `[true class, predicted class]`.

    Raises:
        LabError: `missing_data`.
    """
    logits, labels = _test()
    said = torch.nn.functional.one_hot(logits.argmax(-1), len(KINDS)).double()
    return _map(said, labels, logits)


def similarity(temperature: float) -> Map:
    """Mean mass of each wrong class in the teacher's soft labels, over the test definitions that it classifies correctly.

    The top-1 class is removed from each soft label and the rest is scaled to sum to 1, so the diagonal is 0: it contains no
    mistake of the teacher, only the probabilities of the wrong classes in its correct predictions.

    Returns:
        `[true class, other class]`.

    Raises:
        LabError: `missing_data`.
    """
    logits, labels = _test()
    right = logits.argmax(-1) == labels
    soft = soften(logits[right].double(), temperature)
    others = soft.scatter(1, labels[right][:, None], 0.0)
    return _map(others / others.sum(-1, keepdim=True), labels[right], logits[right])


def _test() -> tuple[Tensor, Tensor]:
    return teacher_logits("test"), torch.tensor([one.kind for one in definitions("test")])


def _map(rows: Tensor, labels: Tensor, logits: Tensor) -> Map:
    """Means of `[definition, class]` over the definitions of each class."""
    count = torch.bincount(labels, minlength=len(KINDS))
    sums = torch.zeros(len(KINDS), len(KINDS), dtype=torch.float64).index_add(0, labels, rows)
    shares = sums / count[:, None]
    apart = shares.nan_to_num(-1).masked_fill(torch.eye(len(KINDS), dtype=torch.bool), -1)
    row, column = divmod(int(apart.argmax()), len(KINDS))
    accuracy = float((logits.argmax(-1) == labels).double().mean())
    return Map(shares, count, accuracy, (KINDS[row], KINDS[column], float(apart[row, column])))
