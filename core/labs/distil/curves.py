"""Results from the lines of a run's metrics: loss curves, quality over the steps, and the teacher's effect.

lines, offset = run.metrics()
curves(lines), quality(lines, "accuracy"), conclusion(lines, run.written_plan)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from core.distill.objectives.objective import trains_head
from core.measure import verdict
from core.measure.seeds import OverSeeds
from core.measure.verdict import Comparison
from core.runs.run import Run

POINTS = 60
"""Points that a drawn loss curve has at most: each is the mean over a stretch of steps."""

MEASURES = ("accuracy", "agreement")

LARGE = 0.10
"""A lead in accuracy from here on is called large."""


@dataclass(frozen=True)
class Curve:
    """One number over the steps of one model and seed.

    Attributes:
        arm: the model.
        seed: None for the teacher, which does not learn.
        steps, values: `[point]`.
    """

    arm: str
    seed: int | None
    steps: tuple[int, ...]
    values: tuple[float, ...]


def metrics(run: Run, kept: Mapping[str, Any]) -> tuple[list[dict], dict[str, Any]]:
    """All lines of a run, reading only those written since `kept` was returned; keep both results for the next call.

    Raises:
        LabError: `run_missing`.
    """
    before, offset = (kept["lines"], kept["offset"]) if kept.get("name") == run.name else ([], 0)
    added, after = run.metrics(offset)
    begins_anew = after < offset or (offset and _first(run) != kept.get("first"))
    if begins_anew:  # after a resumption steps are done again
        before, (added, after) = [], run.metrics()
    lines = [*before, *added]
    return lines, {"name": run.name, "lines": lines, "offset": after, "first": _first(run)}


def _first(run: Run) -> int:
    """The checkpoint from which the run resumed; distinguishes a file that was cut and grew again from one that only grew."""
    return run.status().checkpoint


def curves(lines: Iterable[Mapping[str, Any]]) -> dict[str, list[Curve]]:
    """Each loss term over the steps, a curve for each student and seed, thinned to `POINTS` means."""
    raw: dict[tuple[str, str, int], list[tuple[int, float]]] = {}
    for line in lines:
        for arm, losses in line.get("arms", {}).items():
            for term, value in losses["terms"].items():
                raw.setdefault((term, arm, line["seed"]), []).append((line["number"], value))
    by_term: dict[str, list[Curve]] = {}
    for (term, arm, seed), points in raw.items():
        by_term.setdefault(term, []).append(Curve(arm, seed, *_thinned(points)))
    return by_term


def _thinned(points: Sequence[tuple[int, float]]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """At most `POINTS` means over stretches of equal length; a batch without labels has no hard loss and counts for none."""
    stretch = max(1, math.ceil(len(points) / POINTS))
    steps, values = [], []
    for start in range(0, len(points), stretch):
        points_of_mean = points[start : start + stretch]
        finite = [value for _, value in points_of_mean if math.isfinite(value)]
        if finite:
            steps.append(points_of_mean[len(points_of_mean) // 2][0])
            values.append(fmean(finite))
    return tuple(steps), tuple(values)


def quality(lines: Iterable[Mapping[str, Any]], measure: str) -> list[Curve]:
    """A measure on the held-out texts over the steps: a curve for each student and seed; the teacher's last, if there is one.

    Args:
        measure: one of `MEASURES`, or another field of `core.distill.evaluation.Scores`.
    """
    raw: dict[tuple[str, int], list[tuple[int, float]]] = {}
    teacher: float | None = None
    for line in lines:
        for arm, scores in line.get("scores", {}).items():
            if arm == "teacher":
                teacher = scores[measure]
            else:
                raw.setdefault((arm, line["seed"]), []).append((line["number"], scores[measure]))
    found = [Curve(arm, seed, *map(tuple, zip(*points, strict=True))) for (arm, seed), points in raw.items()]
    if teacher is not None and found:
        steps = [step for curve in found for step in curve.steps]
        found.append(Curve("teacher", None, (min(steps), max(steps)), (teacher, teacher)))
    return found


@dataclass(frozen=True)
class Scores(OverSeeds):
    """One model's final measure over the seeds, `[seed]`."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class Conclusion:
    """Effect of the teacher, from the last measurement of each finished seed.

    Attributes:
        teacher: the teacher's own accuracy.
        distilled, control: accuracy.
        agreement, control_agreement: with the teacher.
        gain: the distilled student's accuracy compared with the control's.
    """

    teacher: float
    distilled: Scores
    control: Scores
    agreement: Scores
    control_agreement: Scores
    gain: Comparison

    @property
    def outcome(self) -> int | None:
        """The choice of the prediction that proved right: 0 at least `LARGE` ahead, 1 ahead, 2 no clear difference, 3 behind.

        None where the comparison cannot decide: too few seeds, or a head that was not trained.
        """
        if self.gain.verdict == "better":
            return 0 if self.gain.mean >= LARGE else 1
        return {"unclear": 2, "worse": 3}.get(self.gain.verdict)


def conclusion(lines: Iterable[Mapping[str, Any]], plan: Mapping[str, Any]) -> Conclusion | None:
    """The conclusion from the finished seeds, or None while there is none.

    Args:
        plan: the run's, as JSON holds it; measurements before the last step of a seed do not count.
    """
    steps, stages = plan["training"]["steps"], plan["arms"]["distilled"]["stages"]
    last = {line["seed"]: line["scores"] for line in lines if "scores" in line and line["number"] == steps}
    rows = [scores for _, scores in sorted(last.items()) if {"distilled", "control"} <= scores.keys()]
    if not rows:
        return None

    def over_seeds(arm: str, measure: str) -> Scores:
        return Scores(tuple(scores[arm][measure] for scores in rows))

    distilled, control = (over_seeds(arm, "accuracy") for arm in ("distilled", "control"))
    return Conclusion(
        rows[0]["teacher"]["accuracy"],
        distilled,
        control,
        over_seeds("distilled", "agreement"),
        over_seeds("control", "agreement"),
        verdict.over_seeds(
            distilled.values,
            control.values,
            grain=1 / max(rows[0]["distilled"]["rows"], 1),
            meaningful=trains_head(stages),
        ),
    )
