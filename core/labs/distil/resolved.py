"""A checked set-up, resolved once for drawing, probing and starting it.

resolved = Setup(labels=400).resolve()                 # or a `LabError`: of `core.labs.distil.setup`
resolved.pair.compared, resolved.pair.kept             # which layer belongs to which
resolved.plan("few labels")                            # the run
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.distill.forward import Shape
from core.distill.objectives.objective import Stage
from core.distill.objectives.terms import ByLayer
from core.models.card import ModelCard
from core.runs.plan import RunPlan, StudentPlan


@dataclass(frozen=True)
class Pair:
    """A teacher and a student, side by side.

    Attributes:
        teacher, student: layers, width and heads.
        kept: the teacher's layer from which each of the student's comes, counted from 0; None for a fresh student.
        compared: (student's layer, teacher's layer) that the objective compares.
        off: heads that are switched off, as (layer, head) of the teacher.
    """

    teacher: tuple[int, int, int]
    student: tuple[int, int, int]
    kept: tuple[int, ...] | None
    compared: tuple[tuple[int, int], ...] = ()
    off: tuple[tuple[int, int], ...] = ()


def pair_of(teacher: Shape, shape: Shape, student: StudentPlan, stages: Sequence[Stage]) -> Pair:
    """The pair of a student and its objective.

    Raises:
        LabError: `bad_layers` if a layer map does not fit.
    """
    terms = [term for stage in stages for term in stage.objective.terms if isinstance(term, ByLayer)]
    compared = sorted({pair for term in terms for pair in term.pairs(shape, teacher)})
    off = tuple((layer, head) for layer, head in student.heads_off if layer in (student.layers or ()))
    return Pair(_sides(teacher), _sides(shape), student.layers, tuple(compared), off)


def _sides(shape: Shape) -> tuple[int, int, int]:
    return shape.layers, shape.width, shape.heads


@dataclass(frozen=True)
class ResolvedSetup:
    """A checked set-up: the teacher, the pair as it is drawn, and the run.

    Attributes:
        teacher: its card.
        pair: teacher and student as they are drawn, with the layer maps.
        untitled: the run, still without a title; its cost is estimated from it.
    """

    teacher: ModelCard
    pair: Pair
    untitled: RunPlan

    @property
    def student(self) -> StudentPlan:
        """The plan of both students: a fresh model, or layers of the teacher."""
        return self.untitled.arms["distilled"].student

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The distilled student's objectives, one per stage."""
        return self.untitled.arms["distilled"].stages

    @property
    def material(self) -> Mapping[str, Any]:
        """The texts, as `core.runs.datasets.material_of` takes them."""
        return self.untitled.extra["material"]

    def plan(self, title: str, **extra: Any) -> RunPlan:
        """The run: a distilled student and its control from the same start.

        Args:
            title: the run's name in lists.
            extra: kept with the plan.
        """
        return replace(self.untitled, title=title, extra={**self.untitled.extra, **extra})
