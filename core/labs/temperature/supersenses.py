"""A classification task on one sentence: two soft labels over 16 kinds, and which kinds the teacher holds for alike.

Hinton, Vinyals, Dean 2015 (Distilling the Knowledge in a Neural Network), section 1: that a BMW is more like a garbage truck
than like a carrot is knowledge, and a hard label does not hold it.
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
    """What teacher and student say of one definition: logits, `[kind]`."""

    teacher: Tensor
    student: Tensor


def verdict(engine: Engine, setting: Setting, text: str) -> Verdict:
    """Asks both models.

    Raises:
        LabError: `missing_pair`, `empty_text`, and as `Engine.trace`.
    """
    teacher, student = (engine.trace(setting, name, text).class_logits for name in models_for(setting, TASK))
    return Verdict(teacher, student)


@dataclass(frozen=True)
class View:
    """Both soft labels at one temperature.

    Attributes:
        order: the kinds by the teacher's logits, the likeliest first, `[kind]`; no temperature changes it.
        teacher, student: probabilities in that order, `[kind]`.
        effective: exp(entropy) of the teacher's: as uncertain as among so many equally likely kinds.
        dark: the teacher's mass outside its first kind; `dark_before` at T = 1.
        said: what the student takes for likeliest, as a place in `order`.
    """

    order: tuple[str, ...]
    teacher: Tensor
    student: Tensor
    effective: float
    dark: float
    dark_before: float
    said: int


def view(found: Verdict, temperature: float) -> View:
    """What one temperature makes of a verdict."""
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
    """Kinds against kinds.

    Attributes:
        shares: each row sums to 1 (or is NaN where nothing was counted), `[true kind, other kind]`.
        count: definitions behind each row, `[kind]`.
        accuracy: of the teacher on these definitions.
        pair: the two different kinds with the largest share, the true one first, and that share.
    """

    shares: Tensor
    count: Tensor
    accuracy: float
    pair: tuple[str, str, float]

    def nearest(self, kind: str) -> str:
        """The other kind with the largest share in a kind's row."""
        row = self.shares[KINDS.index(kind)].nan_to_num(-1).clone()
        row[KINDS.index(kind)] = -1
        return KINDS[int(row.argmax())]


def confusion() -> Map:
    """What the shipped teacher says (its first choice) of the test definitions of each kind, `[true kind, said kind]`.

    Raises:
        LabError: `missing_data`.
    """
    logits, labels = _test()
    said = torch.nn.functional.one_hot(logits.argmax(-1), len(KINDS)).double()
    return _map(said, labels, logits)


def similarity(temperature: float) -> Map:
    """Where the teacher's wrong kinds get their mass, over the test definitions that it gets right.

    Each soft label loses its first choice and what remains is scaled to 1, so the diagonal is 0: no mistake of the teacher is in
    it, only what its right answers say of the wrong kinds.

    Returns:
        `[true kind, other kind]`.

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
    """Means of `[definition, kind]` over the definitions of each kind."""
    count = torch.bincount(labels, minlength=len(KINDS))
    sums = torch.zeros(len(KINDS), len(KINDS), dtype=torch.float64).index_add(0, labels, rows)
    shares = sums / count[:, None]
    apart = shares.nan_to_num(-1).masked_fill(torch.eye(len(KINDS), dtype=torch.bool), -1)
    row, column = divmod(int(apart.argmax()), len(KINDS))
    accuracy = float((logits.argmax(-1) == labels).double().mean())
    return Map(shares, count, accuracy, (KINDS[row], KINDS[column], float(apart[row, column])))
