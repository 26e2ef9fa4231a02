"""Training objective of a student: a weighted sum of terms, as plain data.

    objective = Objective((Soft(weight=5.0, temperature=2.0), Hard(weight=2.0), Cosine()))
    Objective.from_dict(objective.to_dict()) == objective
    RECIPES["tinybert"].stages                     # the recipes of five papers, each with its source

For how the terms are computed see `core.distill.objectives.terms`; for the recipes `core.distill.objectives.recipes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.distill.forward import FeatureRequest, Features, Shape
from core.distill.objectives.schedules import Schedule, at
from core.distill.objectives.terms import KINDS, Hard, LossContext, Soft, Term


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms. Two terms of one kind are possible; the second is then called "soft_2", and so on."""

    terms: tuple[Term, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each term in the metrics."""
        seen: dict[str, int] = {}
        names = []
        for term in self.terms:
            seen[term.kind] = seen.get(term.kind, 0) + 1
            names.append(term.kind if seen[term.kind] == 1 else f"{term.kind}_{seen[term.kind]}")
        return tuple(names)

    @property
    def needs_teacher(self) -> bool:
        """True if any term but the hard loss is in it."""
        return any(not isinstance(term, Hard) for term in self.terms)

    def check(self, student: Shape, teacher: Shape) -> None:
        """Raise a `LabError` if two models of these shapes cannot be compared so."""
        for term in self.terms:
            term.check(student, teacher)

    def needs(self, student: Shape, teacher: Shape) -> tuple[FeatureRequest, FeatureRequest]:
        """Features that the terms read: of the student, and of the teacher."""
        ours, theirs = FeatureRequest(), FeatureRequest()
        for term in self.terms:
            one, other = term.needs(student, teacher)
            ours, theirs = ours | one, theirs | other
        return ours, theirs

    def projections(self, student: Shape, teacher: Shape) -> nn.ModuleDict:
        """Matrices from the student's width to the teacher's, where the terms want them; none if the widths agree.

        They are separate from the student: a saved student does not contain them.
        """
        names = (
            [] if student.width == teacher.width else [n for t in self.terms for n in t.projections(student, teacher)]
        )
        return nn.ModuleDict(
            {name: nn.Linear(student.width, teacher.width, bias=False) for name in dict.fromkeys(names)}
        )

    def losses(self, student: Features, teacher: Features, context: LossContext) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum, `[]`, and each term by name before it was weighted."""
        found: dict[str, Tensor] = {}
        total: Tensor | None = None
        for name, term in zip(self.names, self.terms, strict=True):
            found[name] = term.loss(student, teacher, context)
            weighted = at(term.weight, context.progress) * found[name]
            total = weighted if total is None else total + weighted
        return total if total is not None else torch.zeros(()), found

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"terms": [{"kind": term.kind, **asdict(term)} for term in self.terms]}

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> Objective:
        """The objective that `to_dict` wrote."""
        return cls(tuple(_term(dict(row)) for row in written["terms"]))


HEAD_TERMS = frozenset(name for name, term in KINDS.items() if term.trains_head)
"""The terms that train the head: those that read the student's logits."""


def trains_head(stages: Sequence[Mapping[str, Any]]) -> bool:
    """Return True if stages, as written by `stages_to_list`, train the student's head; MiniLM's losses train what is below it."""
    return any(term["kind"] in HEAD_TERMS for stage in stages for term in stage["terms"])


CONTROL = Objective((Hard(),))
"""Objective of the student without a teacher: the hard loss alone."""


def mixture(soft_weight: float = 0.5, temperature: float | Schedule = 2.0, scaled: bool = True, **options) -> Objective:
    """soft_weight · soft loss + (1 − soft_weight) · hard loss; a term of weight 0 is left out.

    Args:
        options: of `core.distill.objectives.terms.Soft`: direction, beta, reduction.
    """
    soft = Soft(weight=soft_weight, temperature=temperature, scaled=scaled, **options)
    terms: Sequence[Term] = (soft, Hard(weight=1 - soft_weight))
    return Objective(tuple(term for term in terms if term.weight))


@dataclass(frozen=True)
class Stage:
    """A part of a run with an objective of its own.

    Attributes:
        share: of the run's steps.
    """

    objective: Objective
    share: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """A published way to distil, as data.

    Attributes:
        name: as in `RECIPES`.
        stages: one after the other; their shares sum to 1.
        starts_from: which of the teacher's layers the student starts from (a rule of
            `core.distill.objectives.layer_maps`), or None where the paper starts from a fresh or separately pretrained student.
        source: paper and section, and the code where it decides what the paper leaves open.
        notes: where this differs from the paper or its code.
    """

    name: str
    stages: tuple[Stage, ...]
    starts_from: str | None
    source: str
    notes: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        stages = [{"share": stage.share, **stage.objective.to_dict()} for stage in self.stages]
        return {**asdict(self), "stages": stages}


def stages_of(what: Objective | Recipe | Sequence[Stage]) -> tuple[Stage, ...]:
    """An objective, a recipe or stages, as stages.

    Raises:
        ValueError: there are no stages, or their shares do not sum to 1.
    """
    if isinstance(what, Objective):
        return (Stage(what),)
    stages = tuple(what.stages if isinstance(what, Recipe) else what)
    if not stages or abs(sum(stage.share for stage in stages) - 1) > 1e-6:
        raise ValueError(f"The shares of the stages must sum to 1, not {sum(stage.share for stage in stages)}.")
    return stages


def stages_to_list(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Stages as JSON can hold them."""
    return [{"share": stage.share, **stage.objective.to_dict()} for stage in stages]


def stages_from_list(written: Sequence[dict[str, Any]]) -> tuple[Stage, ...]:
    """The stages that `stages_to_list` wrote."""
    return tuple(Stage(Objective.from_dict(row), row["share"]) for row in written)


def _term(row: dict[str, Any]) -> Term:
    kind = KINDS[row.pop("kind")]
    for name in ("weight", "temperature"):
        if isinstance(row.get(name), dict):
            row[name] = Schedule(**row[name])
    if isinstance(row.get("layers"), list):
        row["layers"] = tuple((int(student), int(teacher)) for student, teacher in row["layers"])
    return kind(**row)
