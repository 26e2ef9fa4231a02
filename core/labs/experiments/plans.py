"""Five experiments on distillation: the runs of each, and the search for them among stored runs.

names = begin("few", owner="a session", title=lambda part: part)      # in the run queue
runs = opened("few", names)                                           # by the part of the experiment

`core.labs.experiments.results` reads their results.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.data.kinds import KINDS
from core.distill.objectives.objective import CONTROL, Objective, Stage, mixture
from core.distill.objectives.terms import Cosine, Hard, Matching, Soft
from core.distill.training import TrainingConfig
from core.errors import LabError
from core.runs import datasets
from core.runs.datasets import TEACHER
from core.runs.index import open_run
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.run import Run

PAGE = "experiments"

KEYS = ("matching", "absent", "few", "steps", "masks")
"""The experiments, in the page's order."""

WORDS_TEACHER = "minilm-teacher"
"""The model whose tokenizer and word embeddings the students of masked words use."""

STUDENT = StudentPlan(depth=2, width=128, heads=2, words="teacher")
"""The same small student everywhere: two fresh layers, the teacher's word embeddings."""

HOT = 20.0
"""The temperature of the first experiment, and Hinton's on MNIST (2015, section 3)."""

SOFT_WEIGHT = 0.9

STAGED = (Stage(Objective((Cosine(),)), 0.5), Stage(mixture(SOFT_WEIGHT, 2.0), 0.5))
"""TinyBERT's order (Jiao et al. 2020, section 3.1): first the hidden states, then the head. The loss on the hidden states is the
direction of the last ones (DistilBERT's cosine loss): one loss is enough to show the cost of the order. The second half has the
loss of "distilled"."""

ABSENT = ("food", "animal", "body", "person", "plant", "location")
"""Classes that can be omitted: those with enough definitions to measure on."""


@dataclass(frozen=True)
class Size:
    """The amount of computation of an experiment.

    Attributes:
        texts: of each part.
        steps: of each part.
        labels: number of texts with a label, in each part; None for all.
        seeds: each part is trained once per seed.
        held_out: definitions that all are measured on.
        rate: peak learning rate.
    """

    texts: tuple[int, ...]
    steps: tuple[int, ...]
    labels: int | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    held_out: int = 300
    rate: float = 2e-3


SIZES: dict[str, Size] = {
    "matching": Size(texts=(1500,), steps=(100,), labels=300),
    "absent": Size(texts=(2000,), steps=(200,)),
    "few": Size(texts=(60, 300, 2000), steps=(64, 64, 64)),
    "steps": Size(texts=(2000, 2000, 2000), steps=(10, 30, 54), held_out=200),
    "masks": Size(texts=(100, 1280), steps=(48, 48), held_out=80),
}
"""Chosen so that each takes less than a minute on one core."""


@dataclass(frozen=True)
class Part:
    """One run of an experiment.

    Attributes:
        name: distinguishes it from the experiment's other runs; a number where it is one.
        material: the texts to train on: "kind" ("kinds" or "words"), and the arguments of that function in
            `core.runs.datasets`.
    """

    name: str
    plan: RunPlan
    material: dict[str, Any] = field(default_factory=dict)


def parts(key: str, size: Size | None = None, kind: str = ABSENT[0], temperature: float = 4.0) -> tuple[Part, ...]:
    """The runs of an experiment.

    Args:
        kind, temperature: for "absent" only: the omitted class, and the temperature of the teacher's soft labels.

    Raises:
        KeyError: there is no such experiment, or no such class.
    """
    size = size or SIZES[key]
    if key == "matching":
        arms = {
            "square": mixture(SOFT_WEIGHT, HOT),
            "match": Objective((Matching(weight=SOFT_WEIGHT), Hard(weight=1 - SOFT_WEIGHT))),
            "plain": mixture(SOFT_WEIGHT, HOT, scaled=False),
            "control": CONTROL,
        }
        return (_kinds_part("all", arms, size, 0, labels=size.labels),)
    if key == "absent":
        KINDS.index(kind)
        arms = {"distilled": Objective((Soft(temperature=temperature),)), "control": CONTROL}
        return (_kinds_part(kind, arms, size, 0, left_out=[kind]),)
    if key == "few":
        found = []
        for number, texts in enumerate(size.texts):
            arms = {"distilled": mixture(SOFT_WEIGHT, 2.0), "control": CONTROL}
            if texts == max(size.texts):  # it learns from the teacher alone, so no budget of labels changes it
                arms["unlabelled"] = Objective((Soft(temperature=2.0),))
            found.append(_kinds_part(str(texts), arms, size, number))
        return tuple(found)
    if key == "steps":
        arms = {"distilled": mixture(SOFT_WEIGHT, 2.0), "staged": STAGED, "control": CONTROL}
        return tuple(_kinds_part(str(steps), arms, size, number) for number, steps in enumerate(size.steps))
    if key == "masks":
        return tuple(
            _words_part(texts, static, size, number)
            for number, texts in enumerate(size.texts)
            for static in (True, False)
        )
    raise KeyError(key)


def begin(
    key: str,
    owner: str = "",
    title: Callable[[str], str] = str,
    prediction: int | None = None,
    size: Size | None = None,
    kind: str = ABSENT[0],
    temperature: float = 4.0,
) -> list[str]:
    """Put all runs of an experiment into the queue.

    Args:
        title: makes the displayed name from a part's name.
        prediction: the index of the learner's predicted choice.

    Returns:
        The names of the runs, in the order of `parts`.

    Raises:
        LabError: `no_space`, `missing_data`, and as `core.models.load`.
    """
    names, group, wanted = [], secrets.token_hex(4), parts(key, size, kind, temperature)
    for part in wanted:
        extra = {
            "page": PAGE,
            "experiment": key,
            "part": part.name,
            "group": group,
            "parts": [one.name for one in wanted],
            "prediction": prediction,
            "material": part.material,
        }
        plan = replace(part.plan, title=title(part.name), extra=extra)
        names.append(datasets.begin(plan, owner).name)
    return names


def opened(key: str, names: Sequence[str]) -> dict[str, Run]:
    """The runs of these names by part.

    Raises:
        LabError: `run_missing` if one is gone, or is no run of this experiment; `broken_run`.
    """
    found = {}
    for name in names:
        run = open_run(name)
        extra = run.written_plan.get("extra", {})
        if extra.get("page") != PAGE or extra.get("experiment") != key:
            raise LabError("run_missing", name=name)
        found[extra["part"]] = run
    return found


def _kinds_part(
    name: str,
    arms: dict[str, Objective | tuple[Stage, ...]],
    size: Size,
    number: int,
    labels: int | None = None,
    left_out: Sequence[str] = (),
) -> Part:
    texts, steps = size.texts[number], size.steps[number]
    material = {
        "kind": "kinds",
        "texts": texts,
        "labels": texts if labels is None else labels,
        "held_out": size.held_out,
        "left_out": list(left_out),
    }
    return Part(name, _plan("single_label", TEACHER, arms, size, steps), material)


def _words_part(texts: int, static: bool, size: Size, number: int) -> Part:
    material = {
        "kind": "words",
        "teacher": WORDS_TEACHER,
        "texts": texts,
        "held_out": size.held_out,
        "static": static,
    }
    plan = _plan("masked_words", WORDS_TEACHER, {"control": CONTROL}, size, size.steps[number])
    return Part(f"{texts}-{'static' if static else 'dynamic'}", plan, material)


def _plan(task: str, teacher: str, arms: dict, size: Size, steps: int) -> RunPlan:
    return RunPlan(
        "",
        task,
        (teacher,),
        {name: ArmPlan(STUDENT, objective) for name, objective in arms.items()},
        TrainingConfig(steps=steps, learning_rate=size.rate),
        size.seeds,
        measure_every=max(5, steps // 3),
        snapshots=0,
    )


@dataclass(frozen=True)
class Extent:
    """The amount of computation of some parts together: runs, students of all seeds, steps of all of them."""

    runs: int
    students: int
    steps: int


def extent(wanted: Sequence[Part]) -> Extent:
    """Count the runs, students and steps of some parts."""
    students = [len(part.plan.arms) * len(part.plan.seeds) for part in wanted]
    steps = sum(count * part.plan.training.steps for count, part in zip(students, wanted, strict=True))
    return Extent(len(wanted), sum(students), steps)


def next_seeds(done: Sequence[int]) -> tuple[int, ...]:
    """The same number of seeds again, none of them used before."""
    return tuple(range(max(done) + 1, max(done) + 1 + len(done)))


PRESETS: dict[str, dict[str, Any]] = {
    "matching": {"texts": 1000, "labels": 200, "temp": 20, "square": 0, "steps": 100},
    "absent": {"texts": 2000, "labels": 2000, "temp": 4, "soft": 1.0, "steps": 250},
    "few": {"texts": 2000, "labels": 50, "temp": 2, "steps": 100},
    "steps": {"texts": 2000, "labels": 2000, "temp": 2, "steps": 30},
    "masks": {"teacher": WORDS_TEACHER, "texts": 250, "steps": 60},
}
"""Each experiment as closely as the controls of the page Distil can set it, by the names of those controls."""


def steps_of(runs: Mapping[str, Run]) -> int:
    """Number of steps of the longest part, for one seed."""
    return max(run.written_plan["training"]["steps"] for run in runs.values())


def choices_of(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The choices made for a started run, by the names of `begin`'s arguments; empty where there is no choice.

    Args:
        plan: as JSON holds it.
    """
    if plan["extra"]["experiment"] != "absent":
        return {}
    soft = plan["arms"]["distilled"]["stages"][0]["terms"][0]
    return {"kind": plan["extra"]["part"], "temperature": soft["temperature"]}
