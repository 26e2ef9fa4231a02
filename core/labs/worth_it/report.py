"""Was it worth it? A report of teacher, distilled students and their control over the seeds, and what can be said of it.

report = shipped()                                   # of core.labs.worth_it.sources; or of_run(run)
report.compare("distilled").verdict                  # "better", "unclear", ...: see core.measure.verdict
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal

import torch

from core.labs.worth_it.predictions import Quality
from core.measure.calibration import Reliability
from core.measure.uncertainty import Interval, of_share, of_shares, over_texts, std
from core.measure.verdict import Comparison, over_seeds

Measure = Literal["accuracy", "agreement", "ece"]


@dataclass(frozen=True)
class Series:
    """One model's figures, one a seed.

    Attributes:
        seeds: in order; a teacher has a single one.
        accuracy: NaN without labels.
        agreement: with the teacher.
        ece: expected calibration error; NaN without labels.
        bins: confidence against accuracy, all seeds together; None where it was not kept.
        right: for each seed, whether each labelled row was right, `[labelled row]`; empty where it was not kept.
    """

    seeds: tuple[int, ...]
    accuracy: tuple[float, ...]
    agreement: tuple[float, ...]
    ece: tuple[float, ...]
    bins: Reliability | None = None
    right: tuple[tuple[bool, ...], ...] = ()

    def mean(self, measure: Measure) -> float:
        """Over the seeds."""
        return fmean(getattr(self, measure))

    def std(self, measure: Measure) -> float:
        """The standard deviation over the seeds (n − 1)."""
        return std(getattr(self, measure))

    def std_points(self, measure: Measure) -> float:
        """The same of a share, in points of a hundred."""
        return 100 * self.std(measure)


def series(by_seed: Mapping[int, Quality]) -> Series:
    """What was measured of one model, seed by seed."""
    found = list(by_seed.values())
    return Series(
        tuple(by_seed),
        tuple(one.accuracy for one in found),
        tuple(one.agreement for one in found),
        tuple(one.ece for one in found),
        pooled([one.bins for one in found if one.bins is not None]),
        tuple(tuple(one.right.tolist()) for one in found),
    )


def pooled(parts: Sequence[Reliability]) -> Reliability | None:
    """Bins of several seeds as one: means weighted by what is in them. None of nothing."""
    if not parts:
        return None
    count = torch.stack([part.count for part in parts])

    def mean(name: str) -> torch.Tensor:
        values = torch.stack([getattr(part, name) for part in parts]).nan_to_num(0.0)
        return (values * count).sum(0) / count.sum(0)

    return Reliability(mean("confidence"), mean("accuracy"), count.sum(0))


@dataclass(frozen=True)
class Trained:
    """A model that can be opened, timed and asked.

    Attributes:
        arm: "teacher" or an arm's name.
        source: a name in the catalogue, or a folder.
        same_shape: other arms whose students have this shape, so that their costs are the same.
    """

    arm: str
    source: str
    same_shape: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything about quality; costs are measured in `core.labs.worth_it.costs`.

    Attributes:
        name: the run's; empty for the shipped pair.
        folder: of the run; empty for the shipped pair.
        title: what the learner called it.
        task: what the heads answer.
        teacher: the teacher's own figures; its agreement with itself is 1.
        arms: the students' figures, by arm.
        control: the arm that heard labels only; None if there is none.
        rows: how many texts, tokens or words were judged.
        labelled: how many of them have a label.
        majority: what always giving the commonest answer would get; NaN without labels.
        models: what can be timed.
        facts: of the training, as numbers and names: `teacher`, `steps`, `seeds`, `page`.
        notes: codes with their numbers, for sentences about what is missing or unusual.
        headless: arms whose objective trained no head, so that their answers say nothing about them.
    """

    name: str
    folder: str
    title: str
    task: str
    teacher: Series
    arms: Mapping[str, Series]
    control: str | None
    rows: int
    labelled: int
    majority: float
    models: tuple[Trained, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    headless: frozenset[str] = frozenset()

    @property
    def taught(self) -> list[str]:
        """The arms that heard a teacher, in their order."""
        return [arm for arm in self.arms if arm != self.control] or list(self.arms)

    @property
    def measure(self) -> Measure:
        """What decides: accuracy, or agreement where no label was held out."""
        return "accuracy" if self.labelled else "agreement"

    def compare(self, arm: str, measure: Measure | None = None) -> Comparison | None:
        """An arm against the control, paired by random seed; None without a control."""
        measure = measure or self.measure
        if self.control is None or arm == self.control:
            return None
        one, other = self.arms[arm], self.arms[self.control]
        shared = [seed for seed in one.seeds if seed in other.seeds]
        first, second = (
            [getattr(series, measure)[series.seeds.index(seed)] for seed in shared] for series in (one, other)
        )
        return over_seeds(
            first,
            second,
            grain=0.0 if measure == "ece" else 1 / self._count(measure),
            smaller_is_better=measure == "ece",
            meaningful=arm not in self.headless,
        )

    def on_these_texts(self, arm: str) -> Interval | None:
        """What the texts of a single seed leave open about the difference to the control; None for several seeds.

        It says how much other texts could change, not how much another seed would.
        """
        found = self.compare(arm)
        if found is None or found.count != 1 or not found.meaningful:
            return None
        one, other = self.arms[arm], self.arms[self.control]
        if self.measure == "accuracy" and one.right and other.right and len(one.right[0]) == len(other.right[0]) > 0:
            return over_texts(one.right[0], other.right[0])
        return of_shares(one.mean(self.measure), other.mean(self.measure), self._count(self.measure))

    def _count(self, measure: Measure) -> int:
        """How many rows a measure is a share of."""
        return self.labelled if measure == "accuracy" else self.rows

    def is_like(self, arm: str) -> bool:
        """Whether an arm's student has the control's shape, so that only the teacher differs; true where nothing is known."""
        shape = next((model.same_shape for model in self.models if model.arm == arm), (self.control,))
        return self.control is None or arm == self.control or self.control in shape

    def doubt(self, arm: str) -> float:
        """`uncertainty` of an arm's deciding measure, in points of a hundred."""
        return 100 * self.uncertainty(self.arms[arm].mean(self.measure))

    def uncertainty(self, share: float) -> float:
        """How far a share of the judged rows may be off for having asked these texts and no others (half of 95 %)."""
        return of_share(share, self._count(self.measure)).half
