"""A report of teacher, distilled students and their control over the seeds, and its conclusions.

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
    """One model's measures, one per seed.

    Attributes:
        seeds: in order; a teacher has a single one.
        accuracy: NaN without labels.
        agreement: with the teacher.
        ece: expected calibration error; NaN without labels.
        bins: confidence against accuracy, all seeds together; None where it was not kept.
        right: for each seed, True for each right labelled row, `[labelled row]`; empty where it was not kept.
    """

    seeds: tuple[int, ...]
    accuracy: tuple[float, ...]
    agreement: tuple[float, ...]
    ece: tuple[float, ...]
    bins: Reliability | None = None
    right: tuple[tuple[bool, ...], ...] = ()

    def mean(self, measure: Measure) -> float:
        """The mean over the seeds."""
        return fmean(getattr(self, measure))

    def std(self, measure: Measure) -> float:
        """The standard deviation over the seeds (n − 1)."""
        return std(getattr(self, measure))

    def std_points(self, measure: Measure) -> float:
        """The standard deviation of a share over the seeds (n − 1), in percentage points."""
        return 100 * self.std(measure)


def series(by_seed: Mapping[int, Quality]) -> Series:
    """Measures of one model, seed by seed."""
    qualities = list(by_seed.values())
    return Series(
        tuple(by_seed),
        tuple(quality.accuracy for quality in qualities),
        tuple(quality.agreement for quality in qualities),
        tuple(quality.ece for quality in qualities),
        pooled([quality.bins for quality in qualities if quality.bins is not None]),
        tuple(tuple(quality.right.tolist()) for quality in qualities),
    )


def pooled(parts: Sequence[Reliability]) -> Reliability | None:
    """Bins of several seeds as one, means weighted by the counts; None without any."""
    if not parts:
        return None
    count = torch.stack([part.count for part in parts])

    def mean(name: str) -> torch.Tensor:
        values = torch.stack([getattr(part, name) for part in parts]).nan_to_num(0.0)
        return (values * count).sum(0) / count.sum(0)

    return Reliability(mean("confidence"), mean("accuracy"), count.sum(0))


@dataclass(frozen=True)
class Trained:
    """A model that can be opened, timed and run.

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
    """All measures of quality; costs are measured in `core.labs.worth_it.costs`.

    Attributes:
        name: the run's; empty for the shipped pair.
        folder: of the run; empty for the shipped pair.
        title: the learner's title for it.
        task: the task of the heads.
        teacher: the teacher's own measures; its agreement with itself is 1.
        arms: the students' measures, by arm.
        control: the arm trained on labels only; None if there is none.
        rows: number of predicted texts, tokens or words.
        labelled: number of those with a label.
        majority: accuracy of always predicting the most common class; NaN without labels.
        models: the models that can be timed.
        facts: of the training, as numbers and names: `teacher`, `steps`, `seeds`, `page`.
        notes: codes with their numbers, for sentences about what is missing or unusual.
        headless: arms whose objective trained no head, so that their predictions have no meaning.
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
        """The arms trained with a teacher, in their order."""
        return [arm for arm in self.arms if arm != self.control] or list(self.arms)

    @property
    def measure(self) -> Measure:
        """The deciding measure: accuracy, or agreement where the held-out texts have no labels."""
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
        """Confidence interval of the difference to the control over the texts of a single seed; None for several seeds.

        It covers the choice of the texts, not the choice of the seed.
        """
        comparison = self.compare(arm)
        if comparison is None or comparison.count != 1 or not comparison.meaningful:
            return None
        one, other = self.arms[arm], self.arms[self.control]
        if self.measure == "accuracy" and one.right and other.right and len(one.right[0]) == len(other.right[0]) > 0:
            return over_texts(one.right[0], other.right[0])
        return of_shares(one.mean(self.measure), other.mean(self.measure), self._count(self.measure))

    def _count(self, measure: Measure) -> int:
        """Number of rows that a measure is a share of."""
        return self.labelled if measure == "accuracy" else self.rows

    def is_like(self, arm: str) -> bool:
        """True if an arm's student has the control's shape, so that only the teacher differs, or if nothing is known."""
        shape = next((model.same_shape for model in self.models if model.arm == arm), (self.control,))
        return self.control is None or arm == self.control or self.control in shape

    def doubt(self, arm: str) -> float:
        """`uncertainty` of an arm's deciding measure, in percentage points."""
        return 100 * self.uncertainty(self.arms[arm].mean(self.measure))

    def uncertainty(self, share: float) -> float:
        """Sampling error of a share of the rows from the choice of texts: half of its 95% confidence interval."""
        return of_share(share, self._count(self.measure)).half
