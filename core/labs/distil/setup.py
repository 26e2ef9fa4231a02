"""The learner's settings of a live distillation, checked and turned into a run.

setup = Setup(labels=400, steps=250).resolve()    # a `LabError` if it cannot work
run = begin(setup, "few labels", owner="me")      # `core.labs.distil.curves` reads its results
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from core.distill.forward import Shape
from core.distill.objectives.layer_maps import CHOICES, USUAL, by_hand, layers
from core.distill.objectives.objective import CONTROL, Objective, Stage, mixture, stages_of
from core.distill.objectives.recipes import RECIPES
from core.distill.objectives.terms import KINDS, ByLayer, Soft, Term
from core.distill.training import TrainingConfig
from core.engine import card
from core.errors import LabError
from core.labs.distil.resolved import ResolvedSetup, pair_of
from core.models.card import ModelCard, catalog
from core.runs import datasets
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.run import Run

TASKS = {"kinds": "single_label", "words": "masked_words"}
"""The tasks of shipped models that this lab has texts for, and their names in `core.distill`."""

ARMS = ("distilled", "control")
"""The student with a teacher, and the control: the same student without."""

MEASUREMENTS = 8
"""Number of measurements of a run during training, for each seed."""

HELD_OUT = {"kinds": 300, "words": 100}
"""Texts that the models are measured on."""

TERMS = tuple(KINDS)
"""The losses that can be weighted, by name."""

LAYERS_RATE = 5e-4
"""Peak learning rate where the student starts from the teacher's own layers; a larger one would destroy their weights."""


@dataclass(frozen=True)
class Setup:
    """All settings that a learner chooses.

    Attributes:
        teacher: its name in the catalogue.
        start: "fresh", or "layers": the student starts from some of the teacher's layers.
        keep: those layers, counted from 0.
        heads_off: heads that stay switched off, as (layer, head) of the teacher.
        depth, width, heads: of a fresh student.
        words: the source of a fresh student's word embeddings.
        texts: number of training texts.
        labels: number of those with a label.
        objective: "mixture", "own", or a key of `RECIPES`.
        soft: the weight of the soft loss in a mixture.
        weights: of the terms of an objective of one's own.
        temperature, scaled, direction: of the soft loss, except in a recipe.
        rule: the layer map of terms that compare layers, in an objective of one's own.
        steps, seeds, rate, batch: of the training; `rate` is the peak learning rate.
        device: the device to compute on.
    """

    teacher: str = "kinds-teacher"
    start: str = "fresh"
    keep: tuple[int, ...] = ()
    heads_off: tuple[tuple[int, int], ...] = ()
    depth: int = 2
    width: int = 128
    heads: int = 2
    words: str = "teacher"
    texts: int = 2000
    labels: int = 400
    objective: str = "mixture"
    soft: float = 0.9
    weights: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 2.0
    scaled: bool = True
    direction: str = "forward"
    rule: str = USUAL
    steps: int = 250
    seeds: int = 3
    rate: float = 2e-3
    batch: int = 32
    device: str = "cpu"

    def resolve(self) -> ResolvedSetup:
        """Resolve the set-up, and raise now the errors that the run would raise later.

        Raises:
            LabError: `unknown_model`, `heads_do_not_divide`, `bad_layers`, `different_heads`, `zero_labels`, `no_objective`,
                `bad_weight`, `bad_temperature`.
        """
        teacher = card(self.teacher)
        if teacher is None:
            raise LabError("unknown_model", name=self.teacher, known=", ".join(one.name for one in teachers()))
        whole, student = Shape(teacher.layers, teacher.width, teacher.heads), self._student()
        if student.layers is None:
            shape = Shape(self.depth, self.width, self.heads)
            if shape.width % shape.heads:
                raise LabError("heads_do_not_divide", width=shape.width, heads=shape.heads)
        else:
            shape = Shape(len(by_hand(self.keep, teacher.layers)), teacher.width, teacher.heads)
        stages = self._stages()
        if not all(stage.objective.terms for stage in stages):
            raise LabError("no_objective")
        for stage in stages:
            stage.objective.check(shape, whole)
        if teacher.task == "kinds" and not self.labels:
            raise LabError("zero_labels")
        pair = pair_of(whole, shape, student, stages)
        return ResolvedSetup(teacher, pair, self._plan(teacher.task, student, stages))

    def _stages(self) -> tuple[Stage, ...]:
        """The distilled student's objectives, one per stage."""
        if self.objective in RECIPES:
            return stages_of(RECIPES[self.objective])
        options = {"scaled": self.scaled, "direction": self.direction}
        if self.objective == "mixture":
            return stages_of(mixture(self.soft, self.temperature, **options))
        return stages_of(Objective(tuple(self._term(name, weight) for name, weight in self.weights.items() if weight)))

    def _term(self, name: str, weight: float) -> Term:
        kind = KINDS[name]
        if kind is Soft:
            return Soft(weight=weight, temperature=self.temperature, scaled=self.scaled, direction=self.direction)
        if issubclass(kind, ByLayer) and name in ("hidden", "attention_scores"):
            return kind(weight=weight, layers=self.rule)
        return kind(weight=weight)

    def _student(self) -> StudentPlan:
        """The plan of both students: a fresh model, or layers of the teacher."""
        if self.start == "fresh":
            return StudentPlan(depth=self.depth, width=self.width, heads=self.heads, words=self.words)
        options = {"heads_off": self.heads_off} if self.heads_off else {}
        return StudentPlan(layers=self.keep, **options)

    def _plan(self, task: str, student: StudentPlan, stages: tuple[Stage, ...]) -> RunPlan:
        arms = {"distilled": ArmPlan(student, stages), "control": ArmPlan(student, CONTROL)}
        rate = self.rate if self.start == "fresh" else min(self.rate, LAYERS_RATE)
        return RunPlan(
            title="",
            task=TASKS[task],
            teachers=(self.teacher,),
            arms=arms,
            training=TrainingConfig(steps=self.steps, learning_rate=rate, batch_size=self.batch),
            seeds=tuple(range(self.seeds)),
            measure_every=max(1, self.steps // MEASUREMENTS),
            device=self.device,
            extra={"page": "distil", "material": self._material(task), "objective": self.objective},
        )

    def _material(self, task: str) -> dict[str, Any]:
        """The request for texts, as `core.runs.datasets.material_of` takes it."""
        request = {"kind": task, "teacher": self.teacher, "texts": self.texts, "held_out": HELD_OUT[task]}
        return request if task == "words" else request | {"labels": min(self.labels, self.texts)}


def begin(setup: ResolvedSetup, title: str, owner: str = "", steps: int | None = None, **extra: Any) -> Run:
    """Write a run of this set-up into the queue.

    Args:
        steps: pause after this number of steps.
        extra: kept with the plan.

    Raises:
        LabError: as `core.runs.datasets.begin`.
    """
    return datasets.begin(setup.plan(title, **extra), owner, steps)


def prepare(setup: ResolvedSetup) -> None:
    """Cut the texts into tokens in the background, so that they are there when play is pressed."""
    threading.Thread(target=_prepared, args=(setup.material,), daemon=False).start()


def _prepared(material: Mapping[str, Any]) -> None:
    with suppress(LabError):  # pressing play shows the error
        datasets.material_of(material)


def teachers() -> list[ModelCard]:
    """Shipped teachers of the tasks that this lab has texts for, the classifiers first."""
    fitting = [one for one in catalog() if one.task in TASKS and one.role == "teacher"]
    return sorted(fitting, key=lambda one: one.task != "kinds")


def rule_layers(rule: str, count: int, of: int) -> tuple[int, ...]:
    """The teacher's layers that a rule keeps; the lowest ones where the rule does not fit.

    Args:
        count: number of layers to keep.
        of: the teacher's number of layers.
    """
    try:
        return layers(rule, count, of)
    except LabError:
        return tuple(range(min(count, of)))


RULES = tuple(CHOICES)
"""The names of the rules."""
