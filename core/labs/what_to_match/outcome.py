"""Quality of a run's finished students, and their distances to the teacher: one number per seed.

found = outcome(ENGINE, run, setting, map_)
found.of["accuracy"]["minilm"], found.best("accuracy"), found.nearest("attention")
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.distill.objectives.objective import trains_head
from core.engine import Engine, Setting
from core.errors import LabError
from core.labs.what_to_match.convergence import measured
from core.labs.what_to_match.layer_costs import LayerCosts, bench_of
from core.labs.what_to_match.relations import pairs_of
from core.measure.verdict import Comparison, over_seeds
from core.memory import RecentlyUsed
from core.models import load
from core.runs.run import Run

CONTROL = "control"
"""The arm without a teacher."""


@dataclass(frozen=True)
class Outcome:
    """The finished students, one number per seed.

    Attributes:
        of: by measure and arm, `[seed]`. "accuracy" and "agreement" on the held-out texts; "attention" (KL per head, mean over
            the map's pairs), "values" (KL of the last pair), "cka" and "unexplained" (share of
            the teacher's states that the best matrix misses; both the mean over
            the pairs) on the fixed texts.
        seeds: in the order of these numbers.
        teacher_accuracy: on the held-out texts.
        rows: number of held-out texts.
        headless: arms whose objective trained no head, so that their accuracy has no meaning.
    """

    of: dict[str, dict[str, list[float]]]
    seeds: list[int]
    teacher_accuracy: float
    rows: int = 1
    headless: frozenset[str] = frozenset()

    def mean(self, measure: str, arm: str) -> float:
        """Mean over the seeds."""
        return sum(self.of[measure][arm]) / len(self.of[measure][arm])

    def best(self, measure: str) -> str:
        """The arm with the largest mean."""
        return max(self.of[measure], key=lambda arm: self.mean(measure, arm))

    def compare(self, arm: str, other: str = CONTROL) -> Comparison:
        """The accuracy of an arm compared with another's, paired by random seed."""
        values, meaningful = self.of["accuracy"], not self.headless & {arm, other}
        return over_seeds(values[arm], values[other], grain=1 / self.rows, meaningful=meaningful)

    @property
    def winner(self) -> str | None:
        """The arm whose accuracy is significantly better than every other's, or None."""
        best = self.best("accuracy")
        others = [arm for arm in self.of["accuracy"] if arm != best]
        return best if all(self.compare(best, other).verdict == "better" for other in others) else None

    def nearest(self, measure: str) -> str | None:
        """The arm with the smallest mean, or None where it could not be measured for all."""
        means = {arm: self.mean(measure, arm) for arm in self.of[measure]}
        return min(means, key=means.__getitem__) if all(map(math.isfinite, means.values())) else None


MEASURES = ("accuracy", "agreement", "attention", "values", "cka", "unexplained")

_COSTS = RecentlyUsed(40)


def final_costs(engine: Engine, run: Run, setting: Setting, arm: str, seed: int | None = None) -> LayerCosts:
    """Losses of every layer of a finished student against every layer of its teacher, on the fixed texts.

    Raises:
        LabError: `run_missing` if that student is not finished, and as `core.models.load`.
    """

    folder = run.student_folder(arm, seed)

    def compute() -> LayerCosts:
        if not folder.is_dir():
            raise LabError("run_missing", name=f"{run.name}/{folder.name}")
        return bench_of(engine, setting, run.written_plan["teachers"][0]).costs(load(folder, device="cpu").model)

    # A stopped run that goes on saves its students again.
    saved = folder.stat().st_mtime_ns if folder.is_dir() else 0
    return _COSTS.get((str(folder), saved), compute)


def outcome(
    engine: Engine,
    run: Run,
    setting: Setting,
    map_: Sequence[int],
    progress: Callable[[float], None] = lambda share: None,
) -> Outcome:
    """Measure the finished students of all seeds that are done.

    Raises:
        LabError: as `final_costs`.
    """
    arms = list(run.written_plan["arms"])
    seeds = [s for s in run.written_plan["seeds"] if all(run.student_folder(arm, s).is_dir() for arm in arms)]
    of: dict[str, dict[str, list[float]]] = {measure: {arm: [] for arm in arms} for measure in MEASURES}
    teacher, rows = float("nan"), 1
    for number, seed in enumerate(seeds):
        last = max(measured(run, seed), key=lambda line: line["number"], default=None)
        for place, arm in enumerate(arms):
            progress((number + place / len(arms)) / len(seeds))
            costs = final_costs(engine, run, setting, arm, seed)
            for measure in MEASURES[2:]:
                of[measure][arm].append(_mean(costs, measure, map_))
            for measure in ("accuracy", "agreement"):
                of[measure][arm].append(last["scores"][arm][measure] if last else float("nan"))
        if last:
            teacher, rows = last["scores"]["teacher"]["accuracy"], last["scores"]["teacher"]["rows"]
    written = run.written_plan["arms"]
    headless = frozenset(arm for arm in arms if not trains_head(written[arm]["stages"]))
    return Outcome(of, seeds, teacher, rows, headless)


def _mean(costs: LayerCosts, measure: str, map_: Sequence[int]) -> float:
    if measure not in costs.of:
        return float("nan")
    losses = [float(costs.of[measure][layer, other]) for layer, other in pairs_of(map_)]
    if measure == "values":
        return losses[-1]
    mean = sum(losses) / len(losses)
    return 1 - mean if measure == "cka" else mean
