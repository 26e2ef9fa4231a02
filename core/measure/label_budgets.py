"""Benefit of a teacher to a student: the stored experiment, as means, spreads and differences over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.data import kinds
from core.measure.calibration import Reliability
from core.measure.seeds import OverSeeds
from core.measure.verdict import Comparison, over_seeds

MEASURES = ("accuracy", "agreement", "ece")


def stored() -> bool:
    """Return True if the experiment's results are in the folder of the data."""
    return (kinds.FOLDER / kinds.RESULTS).exists()


@dataclass(frozen=True)
class Arm(OverSeeds):
    """The runs of one kind, one per seed.

    Attributes:
        labels: the label budget.
        temperature: of the soft loss; None without a teacher.
        values: one per seed, in the order of the seeds.
    """

    labels: int
    temperature: float | None
    values: tuple[float, ...]


def size_of(gain: Comparison) -> int:
    """Grade the gain from a teacher: 0 for no clear gain, or less than 3 percentage points, 1 for less than 15, 2 for more."""
    points = round(100 * gain.mean)
    return 0 if gain.verdict != "better" or points < 3 else 1 if points < 15 else 2


@dataclass(frozen=True)
class Experiment:
    """One measure of the experiment.

    Attributes:
        measure: one of `MEASURES`.
        teacher: the teacher's own value; 1 for its agreement with itself.
        alone: without a teacher, by label budget.
        distilled: at one temperature, by label budget.
        warmed: at one label budget, by temperature.
        gains: distilled compared with alone, by label budget: weights, labelled texts and steps are the same.
        seeds: how many.
    """

    measure: str
    teacher: float
    alone: tuple[Arm, ...]
    distilled: tuple[Arm, ...]
    warmed: tuple[Arm, ...]
    gains: tuple[Comparison, ...]
    seeds: int

    @property
    def all_labels(self) -> int:
        """The largest budget."""
        return self.alone[-1].labels

    @property
    def temperature(self) -> float:
        """At which the budgets were distilled."""
        return self.distilled[0].temperature or 1.0

    @property
    def budget(self) -> int:
        """At which the temperatures were tried."""
        return self.warmed[0].labels

    @property
    def best_temperature(self) -> float:
        """Temperature with the best value of the measure: the largest, or the smallest for the calibration error."""
        choose = min if self.measure == "ece" else max
        return choose(self.warmed, key=lambda arm: arm.mean).temperature or 1.0

    def at(self, labels: int) -> tuple[Arm, Arm, Comparison]:
        """Without a teacher, distilled, and the difference, at one budget."""
        return next(
            found for found in zip(self.alone, self.distilled, self.gains, strict=True) if found[0].labels == labels
        )


def experiment(measure: str) -> Experiment:
    """One measure of the stored experiment.

    Raises:
        LabError: `missing_data`.
        ValueError: there is no such measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"There is no measure {measure!r}. Measures: {', '.join(MEASURES)}.")
    found = kinds.experiment()
    runs = sorted(found["runs"], key=lambda row: row["seed"])

    def arms(wanted: Callable[[dict[str, Any]], bool]) -> tuple[Arm, ...]:
        values: dict[tuple[int, float | None], list[float]] = {}
        for row in filter(wanted, runs):
            values.setdefault((row["labels"], row["temperature"]), []).append(row[measure])
        ordered = sorted(values, key=lambda key: (key[0], key[1] or 0.0))
        return tuple(Arm(*key, tuple(values[key])) for key in ordered)

    alone = arms(lambda row: row["temperature"] is None)
    budgets = [arm.labels for arm in alone]
    taught = arms(lambda row: row["temperature"] is not None)
    # The one temperature that was run at every budget, and the one budget that was run at every temperature.
    common = next(
        t for t in {arm.temperature for arm in taught} if sum(a.temperature == t for a in taught) == len(budgets)
    )
    distilled = tuple(arm for arm in taught if arm.temperature == common)
    tried = max(budgets, key=lambda labels: sum(arm.labels == labels for arm in taught))
    return Experiment(
        measure=measure,
        teacher=1.0 if measure == "agreement" else found["teacher"][measure],
        alone=alone,
        distilled=distilled,
        warmed=tuple(arm for arm in taught if arm.labels == tried),
        gains=tuple(
            over_seeds(other.values, one.values, smaller_is_better=measure == "ece")
            for one, other in zip(alone, distilled, strict=True)
        ),
        seeds=len(alone[0].values),
    )


def reliability_of(labels: int, temperature: float | None) -> Reliability:
    """Confidence against accuracy, all seeds of one arm together; the teacher's own for a budget of 0.

    Raises:
        LabError: `missing_data`.
        ValueError: there is no such arm.
    """
    found = kinds.experiment()
    rows = [row for row in found["runs"] if (row["labels"], row["temperature"]) == (labels, temperature)]
    rows = rows if labels else [found["teacher"]]
    if not rows:
        raise ValueError(f"No runs with {labels} labels at T = {temperature}.")
    count = torch.tensor([row["count"] for row in rows])

    def mean(name: str) -> Tensor:
        return (_filled([row[name] for row in rows]) * count).sum(0) / count.sum(0)

    return Reliability(mean("confidence"), mean("right"), count.sum(0))


def _filled(rows: Sequence[Sequence[float | None]]) -> Tensor:
    """With 0 for empty bins, whose count is 0."""
    return torch.tensor([[value or 0.0 for value in row] for row in rows], dtype=torch.float64)
