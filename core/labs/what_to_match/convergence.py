"""Convergence of a run's students: their attention on a text at each saved step, and their distance to the teacher.

for frame in frames(ENGINE, run, "a large cat of the forests"):
    frame.step, frame.cast.students["minilm"].layers[-1].probabilities
course(ENGINE, run, setting, map_).near["minilm"][-1].attention
outcome(ENGINE, run, setting, map_).of["accuracy"]["minilm"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from core.distill.objectives.layer_maps import USUAL, layers
from core.engine import MAX_CHARACTERS, Engine, Setting
from core.labs.what_to_match.layer_costs import LayerCostBench, Nearness, bench_of
from core.labs.what_to_match.layer_maps import along
from core.labs.what_to_match.relations import PairedTraces, pairs_of
from core.memory import RecentlyUsed
from core.models import Checkpoint, ModelCard
from core.models.families import family_of
from core.runs.run import Run
from core.runs.snapshots import kept
from core.trace import Tokens, Trace, tokenize, trace_tokens

MAX_TOKENS = 48
"""Tokens of a text for the saved students: dozens of traces are held in memory."""

CACHE_BYTES = 128 * 1024**2
"""The most bytes of the cached traces of one run."""


class RunSnapshots:
    """The saved students of a run during training, and their cached traces and distances.

    Args:
        engine: opens the teacher.
        run: with at least one snapshot.
    """

    def __init__(self, engine: Engine, run: Run) -> None:
        self.run, self.plan = run, run.plan
        self.seed = self.plan.seeds[0]
        teacher = self.plan.teachers[0]
        self._teacher = engine.checkpoint(Setting(teacher, "", "cpu"), teacher)
        self._traces = RecentlyUsed(CACHE_BYTES, lambda trace: trace.size_bytes)
        self._near = RecentlyUsed(400)

    @property
    def arms(self) -> list[str]:
        """Names of the run's students."""
        return list(self.plan.arms)

    @property
    def steps(self) -> list[int]:
        """The steps at which every student was saved."""
        saved = [set(self.run.snapshots(arm, self.seed)) for arm in self.arms]
        return sorted(set.intersection(*saved))

    @property
    def teacher_depth(self) -> int:
        """The teacher's layers."""
        return self._teacher.card.layers

    @property
    def depths(self) -> dict[str, int]:
        """Each student's layers."""
        first = self.steps[0]
        found = {}
        for arm in self.arms:
            with self._opened(arm, first) as student:
                found[arm] = student.card.layers
        return found

    def of_teacher(self, text: str) -> Trace:
        """One forward pass of the teacher."""
        return self._traces.get(("", 0, text), lambda: trace_tokens(self._teacher, self._read(text)))

    def trace(self, arm: str, step: int, text: str) -> Trace:
        """One forward pass of a student as it was after a step."""

        def compute() -> Trace:
            with self._opened(arm, step) as student:
                return trace_tokens(student, self._read(text))

        return self._traces.get((arm, step, text), compute)

    def nearness(self, bench: LayerCostBench, arm: str, step: int, map_: Sequence[int]) -> Nearness:
        """Distances of a student to its teacher after a step, on the fixed texts."""

        def compute() -> Nearness:
            with self._opened(arm, step) as student:
                return bench.nearness(student.model, map_)

        return self._near.get((arm, step, tuple(map_)), compute)

    def _read(self, text: str) -> Tokens:
        return tokenize(self._teacher, text[:MAX_CHARACTERS], longest=MAX_TOKENS)

    @contextmanager
    def _opened(self, arm: str, step: int) -> Iterator[Checkpoint]:
        """The student of a step; inside the block its weights stay."""
        with kept(self.run, arm, self.seed, self._teacher.model).at(step) as model:
            yield Checkpoint(model, self._teacher.tokenizer, _card(model, arm, self.run), family_of(model))


_ALBUMS = RecentlyUsed(3)


def album_of(engine: Engine, run: Run) -> RunSnapshots:
    """A run's saved students, cached for the last few requested runs.

    Raises:
        LabError: `run_missing`, `broken_run`, and as `core.models.load`.
    """
    return _ALBUMS.get(str(run.folder), lambda: RunSnapshots(engine, run))


def map_of(engine: Engine, run: Run) -> tuple[int, ...]:
    """The layer map of a run's losses on hidden states and attention; of a run from elsewhere, the usual one."""
    written = run.written_plan
    told = written.get("extra", {}).get("setup", {}).get("map_")
    if isinstance(told, list):
        return tuple(told)
    album = album_of(engine, run)
    return layers(USUAL, min(album.depths.values()), album.teacher_depth)


@dataclass(frozen=True)
class Frame:
    """All students as they were after a step."""

    step: int
    cast: PairedTraces


def frames(engine: Engine, run: Run, text: str) -> list[Frame]:
    """Traces of the text (at most `MAX_TOKENS` tokens) by the students at each saved step and by the teacher.

    Raises:
        LabError: `empty_text`, `too_few_tokens`, `run_missing`, `broken_run`.
    """
    album = album_of(engine, run)
    teacher = album.of_teacher(text)
    return [
        Frame(step, PairedTraces(teacher, {arm: album.trace(arm, step, text) for arm in album.arms}))
        for step in album.steps
    ]


@dataclass(frozen=True)
class Course:
    """Distances of the students to the teacher at each saved step.

    Attributes:
        steps: `[step]`.
        near: by arm, one per step.
        accuracy, agreement: by arm, `[step]`, on the held-out texts; of the first seed.
        teacher_accuracy: on the same texts.
        seed: the seed of the saved students.
        hidden: for each arm the mean CKA along the map, `[step]`.
    """

    steps: list[int]
    near: dict[str, list[Nearness]]
    accuracy: dict[str, list[float]]
    agreement: dict[str, list[float]]
    teacher_accuracy: float
    seed: int
    hidden: dict[str, list[float]]

    def lines(self, measure: str) -> dict[str, list[float]] | None:
        """One of the measures of an `Outcome` by arm, `[step]`; None for one that is measured only at the end."""
        if measure in ("accuracy", "agreement"):
            return getattr(self, measure)
        if measure == "cka":
            return self.hidden
        if measure == "values":
            return {arm: [one.values for one in near] for arm, near in self.near.items()}
        if measure == "attention":
            return {arm: [sum(one.attention) / len(one.attention) for one in near] for arm, near in self.near.items()}
        return None


def course(
    engine: Engine,
    run: Run,
    setting: Setting,
    map_: Sequence[int],
    progress: Callable[[float], None] = lambda share: None,
) -> Course:
    """Measure all saved students on the fixed texts; earlier measurements are reused.

    Args:
        progress: called with the share that is done.

    Raises:
        LabError: as `frames`, `missing_data`.
    """
    album = album_of(engine, run)
    bench = bench_of(engine, setting, album.plan.teachers[0])
    steps = album.steps
    near: dict[str, list[Nearness]] = {arm: [] for arm in album.arms}
    for number, step in enumerate(steps):
        for place, arm in enumerate(album.arms):
            progress((number + place / len(album.arms)) / len(steps))
            near[arm].append(album.nearness(bench, arm, step, map_))
    scores = {line["number"]: line["scores"] for line in measured(run, album.seed)}
    found = {
        name: {arm: [scores.get(step, {}).get(arm, {}).get(name, float("nan")) for step in steps] for arm in album.arms}
        for name in ("accuracy", "agreement")
    }
    last = scores[max(scores)]["teacher"]["accuracy"] if scores else float("nan")
    hidden = {arm: along([one.cka for one in ones], map_) for arm, ones in near.items()}
    return Course(steps, near, found["accuracy"], found["agreement"], last, album.seed, hidden)


@dataclass(frozen=True)
class SoFar:
    """Measurements of a running run for its first seed: accuracy by arm, `[step]`, and the teacher's."""

    steps: list[int]
    accuracy: dict[str, list[float]]
    teacher: float | None


def accuracy_so_far(run: Run) -> SoFar:
    """The accuracy on the held-out texts, from the lines of metrics."""
    written = run.written_plan
    lines = sorted(measured(run, written["seeds"][0]), key=lambda line: line["number"])
    found = {arm: [line["scores"][arm]["accuracy"] for line in lines] for arm in written["arms"]}
    teacher = lines[-1]["scores"]["teacher"]["accuracy"] if lines else None
    return SoFar([line["number"] for line in lines], found, teacher)


def last_pair(run: Run, watched: dict[str, Any]) -> tuple[int, int]:
    """The last pair of a run's layer map; the last layers of both where it has none."""
    told = run.written_plan.get("extra", {}).get("setup", {}).get("map_")
    if isinstance(told, list) and pairs_of(told):
        return pairs_of(told)[-1]
    depth = min(len(seen["attention"]) for seen in watched["arms"].values())
    return depth - 1, len(watched["teacher"]["attention"]) - 1


def measured(run: Run, seed: int) -> list[dict[str, Any]]:
    """The lines of metrics with scores of a seed."""
    return [line for line in run.metrics()[0] if "scores" in line and line["seed"] == seed]


def _card(model: nn.Module, name: str, run: Run) -> ModelCard:
    """Card of a student in training, with the known facts."""
    config = model.config
    shape = config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.vocab_size
    return ModelCard(name, "student", *shape, 0, 0, "", run.name, run.folder)
