"""Plan of a run, as plain data: all that is needed to repeat it.

plan = RunPlan(
    title="two small layers",
    task="single_label",
    teachers=("kinds-teacher",),
    arms={
        "distilled": ArmPlan(StudentPlan(depth=2, width=128, heads=2), mixture(0.9, 4.0)),
        "control": ArmPlan(StudentPlan(depth=2, width=128, heads=2), CONTROL),
    },
    training=TrainingConfig(steps=300),
    seeds=(0, 1, 2),
)
RunPlan.from_dict(plan.to_dict()) == plan
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from torch import nn

from core.distill.inputs.texts import Task
from core.distill.objectives.objective import Objective, Recipe, Stage, stages_from_list, stages_of, stages_to_list
from core.distill.students import fresh, from_layers, open_for
from core.distill.training import TrainingConfig


@dataclass(frozen=True)
class StudentPlan:
    """Origin of a student: some layers of the teacher, a folder, or a fresh model of `depth` × `width`.

    Attributes:
        layers: of the teacher, counted from 0.
        folder: a checkpoint to start from.
        depth, width, heads, feed_forward: the shape of a fresh model.
        labels: of a fresh model; as many as the teacher's if None.
        words: the initial word embeddings of a fresh model, see `core.distill.students.fresh`.
        heads_off: heads switched off in a student made of layers, as (layer, head) of the teacher.
    """

    layers: tuple[int, ...] | None = None
    folder: str | None = None
    depth: int = 2
    width: int = 128
    heads: int = 2
    feed_forward: int | None = None
    labels: int | None = None
    words: Literal["random", "teacher"] = "random"
    heads_off: tuple[tuple[int, int], ...] = ()

    def build(self, teacher: nn.Module, task: Task, seed: int) -> nn.Module:
        """The student at its start. The same seed gives the same one.

        Raises:
            LabError: see `core.distill.students`.
        """
        if self.folder is not None:
            return open_for(self.folder, task)
        if self.layers is not None:
            return from_layers(teacher, self.layers, self.heads_off)
        shape = (self.depth, self.width, self.heads, self.labels, self.feed_forward)
        return fresh(teacher, task, *shape, longest=teacher.config.max_position_embeddings, seed=seed, words=self.words)


@dataclass(frozen=True)
class ArmPlan:
    """A student and what it minimises; an objective or a recipe is taken apart into stages."""

    student: StudentPlan
    stages: tuple[Stage, ...] | Objective | Recipe

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", stages_of(self.stages))


@dataclass(frozen=True)
class RunPlan:
    """Everything that decides a run, except the texts.

    Attributes:
        title: what a learner calls it.
        task: what the heads answer.
        teachers: names in the catalogue, or folders; the first one also lends its tokenizer and its shape.
        arms: by name.
        training: its seed is replaced by each of `seeds` in turn.
        seeds: the run is done once for each, one after the other.
        measure_every: steps between two measurements on the held-out texts.
        snapshots: how many times a student is kept on its way, for each seed.
        device: "cpu", "cuda" or "mps".
        origin: where the texts come from, for the model card.
    """

    title: str
    task: Task
    teachers: tuple[str, ...]
    arms: Mapping[str, ArmPlan]
    training: TrainingConfig
    seeds: tuple[int, ...] = (0,)
    measure_every: int = 20
    snapshots: int = 12
    device: str = "cpu"
    origin: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Steps of all seeds together."""
        return self.training.steps * len(self.seeds)

    def training_of(self, seed: int) -> TrainingConfig:
        """Training settings of the run with this seed."""
        return replace(self.training, seed=seed)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        arms = {
            name: {"student": asdict(arm.student), "stages": stages_to_list(arm.stages)}
            for name, arm in self.arms.items()
        }
        plain = {
            name: getattr(self, name) for name in ("title", "task", "measure_every", "snapshots", "device", "origin")
        }
        lists = {"teachers": list(self.teachers), "seeds": list(self.seeds), "extra": dict(self.extra)}
        return {**plain, **lists, "arms": arms, "training": asdict(self.training)}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> RunPlan:
        """The plan that `to_dict` wrote."""
        arms = {}
        for name, arm in written["arms"].items():
            student = dict(arm["student"])
            student["layers"] = None if student["layers"] is None else tuple(student["layers"])
            student["heads_off"] = tuple((layer, head) for layer, head in student.get("heads_off", ()))
            arms[name] = ArmPlan(StudentPlan(**student), stages_from_list(arm["stages"]))
        training = TrainingConfig(**{**written["training"], "betas": tuple(written["training"]["betas"])})
        tuples: dict[str, Sequence] = {name: tuple(written[name]) for name in ("teachers", "seeds")}
        return cls(**{**written, **tuples, "arms": arms, "training": training})
