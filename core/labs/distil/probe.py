"""Predictions and attention of teacher and students on one sentence: before the first step, live, at any saved step.

look = before(Setup().resolve(), "a large wild cat")      # the teacher and the untrained student
look = live(run)                                          # the latest of the run's process, or None
look = at_step(run, "a large wild cat", step=120)         # from the snapshots
look.probabilities["distilled"], look.attention["teacher"][5][0]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from core.distill.forward import observed
from core.engine import ENGINE, Engine, Setting
from core.errors import LabError
from core.labs.distil.resolved import ResolvedSetup
from core.memory import RecentlyUsed
from core.runs.plan import StudentPlan
from core.runs.process.probe import Probe
from core.runs.run import Run
from core.runs.snapshots import kept

Attention = Sequence[Sequence[Sequence[Sequence[float]]]]
"""`[layer][head][query][key]`."""


@dataclass(frozen=True)
class Look:
    """Predictions and attention of several models on one sentence.

    Attributes:
        text, tokens: the sentence.
        classes: the classes of the soft label; none where the task has none for this sentence.
        probabilities: the soft label at T = 1 by model ("teacher", "distilled", "control"), `[class]`.
        first: by model, the class or word of its top-1 prediction; a student's word need not be among `classes`.
        attention: by model.
        seed, step: of the students; step 0 is before training.
    """

    text: str
    tokens: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: Mapping[str, Sequence[float]]
    first: Mapping[str, str]
    attention: Mapping[str, Attention]
    seed: int = 0
    step: int = 0

    @property
    def whole(self) -> bool:
        """True if `classes` holds all classes of the task, not only the teacher's most likely words among thousands."""
        return abs(sum(self.probabilities["teacher"]) - 1) < 0.01

    def order(self, count: int) -> list[int]:
        """Indices of the classes by the teacher's probability, the most likely first; at most `count`, `[rank]`."""
        probabilities = self.probabilities["teacher"]
        return sorted(range(len(probabilities)), key=lambda index: -probabilities[index])[:count]

    def distance(self, model: str) -> float:
        """Half the sum of absolute differences between a model's soft label and the teacher's: 0 equal, 1 nothing shared."""
        pairs = zip(self.probabilities[model], self.probabilities["teacher"], strict=True)
        return sum(abs(ours - theirs) for ours, theirs in pairs) / 2


def live(run: Run) -> Look | None:
    """The latest measurement on the run's sentence by its process, or None before the first."""
    found = run.watched()
    if found is None:
        return None
    seen = {"teacher": found["teacher"], **found["arms"]}
    return _look(found["text"], found["tokens"], found.get("classes", ()), seen, found["seed"], found["step"])


def before(setup: ResolvedSetup, text: str, engine: Engine = ENGINE) -> Look:
    """The teacher and the student as it will start, with the first seed.

    Raises:
        LabError: `empty_text`, and as `core.models.load`.
    """
    sight, teacher = _sight(text, setup.teacher.name, setup.untitled.task, engine)
    seen = {"teacher": sight.of(teacher), "distilled": sight.of(untrained(setup, engine))}
    return _look(text, sight.tokens, sight.classes, seen)


def untrained(setup: ResolvedSetup, engine: Engine = ENGINE) -> nn.Module:
    """The student as it will start, with the first seed; do not train this one.

    Raises:
        LabError: as `core.models.load`.
    """
    name, task = setup.teacher.name, setup.untitled.task
    return _built(setup.student, name, task, lambda: _model(name, engine))


def parameters(setup: ResolvedSetup, engine: Engine = ENGINE) -> tuple[int, int]:
    """Weights of the teacher and of the student, tied ones counted once.

    Raises:
        LabError: as `core.models.load`.
    """
    student = untrained(setup, engine)
    return setup.teacher.parameters, sum(parameter.numel() for parameter in student.parameters())


def at_step(run: Run, text: str, step: int, engine: Engine = ENGINE) -> Look:
    """Teacher and both students after a step at which the students were saved, with the first seed.

    Raises:
        LabError: `empty_text`, `run_missing`.
    """
    plan = run.written_plan
    seed, teacher = plan["seeds"][0], plan["teachers"][0]
    sight, model = _sight(text, teacher, plan["task"], engine)
    seen = {"teacher": sight.of(model)}
    for arm in plan["arms"]:
        with kept(run, arm, seed, model).at(step) as student:
            seen[arm] = sight.of(student)
    return _look(text, sight.tokens, sight.classes, seen, seed, step)


def _model(name: str, engine: Engine) -> nn.Module:
    return observed(engine.checkpoint(Setting(name, ""), name).model)


def _sight(text: str, teacher: str, task: str, engine: Engine) -> tuple[Probe, nn.Module]:
    if not text.strip():
        raise LabError("empty_text")
    checkpoint, model = engine.checkpoint(Setting(teacher, ""), teacher), _model(teacher, engine)
    return Probe(text[:20_000], checkpoint.tokenizer, model, task), model


_UNTRAINED = RecentlyUsed(6)


def _built(plan: StudentPlan, teacher: str, task: str, opened) -> nn.Module:
    return _UNTRAINED.get((plan, teacher, task), lambda: observed(plan.build(opened(), task, 0)).eval())


def _look(
    text: str, tokens: Sequence[str], classes: Sequence[str], seen: Mapping, seed: int = 0, step: int = 0
) -> Look:
    answers = {name: one for name, one in seen.items() if "probabilities" in one}
    return Look(
        text,
        tuple(tokens),
        tuple(classes),
        {name: one["probabilities"] for name, one in answers.items()},
        {name: one["first"] for name, one in answers.items()},
        {name: one["attention"] for name, one in seen.items()},
        seed,
        step,
    )
