"""Costs of teacher and student on this machine: size, time at batch sizes 1 and 8, and the same in int8.

found = costs(report, "distilled")
found.of("distilled").latency[1].median, found.of("distilled", int8=True).latency[1].median
found.trade(report, "distilled", 1).verdict
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from core.distill.inputs.texts import Batch, TokenizedTexts
from core.engine import ENGINE, Engine
from core.labs.worth_it.predictions import Answers, answers, quality
from core.labs.worth_it.report import Report
from core.labs.worth_it.sources import Progress, held_out_of, opened, shipped_texts
from core.measure import int8
from core.measure.latency import Latency, counts_computing, faster, latencies
from core.measure.sizes import Sizes, sizes
from core.memory import RecentlyUsed
from core.runs.index import at_work
from core.runs.run import Run

BATCHES = (1, 8)
"""Texts in a batch: one user who waits, and a server that collects requests."""

SHIPPED_ROWS = 400
"""Definitions of the test split on which int8 is compared with float32."""

_measured = RecentlyUsed(24)

Speed = Literal["faster", "same", "slower"]

_SPEEDS: dict[int, Speed] = {1: "faster", 0: "same", -1: "slower"}


@dataclass(frozen=True)
class Cost:
    """One model in one precision.

    Attributes:
        arm: "teacher" or an arm's name.
        int8: True if its linear layers compute in int8.
        sizes: of the model in any precision.
        latency: by batch.
        accuracy, agreement, ece: of the very model that was timed; agreement with the teacher in float32.
    """

    arm: str
    int8: bool
    sizes: Sizes
    latency: Mapping[int, Latency]
    accuracy: float
    agreement: float
    ece: float

    @property
    def megabytes(self) -> float:
        """Size of the weights in the timed precision, in millions of bytes."""
        return self.sizes.megabytes("int8" if self.int8 else "float32")


@dataclass(frozen=True)
class Trade:
    """The smaller model's loss of quality against its gain in time and size.

    Attributes:
        points: the teacher's share minus the student's, in percentage points.
        kept: the student's share of the teacher's.
        faster: the teacher's time over the student's, the median over the rounds.
        smaller: the teacher's bytes in float32 over the student's.
        verdict: "free" if the loss is within the sampling error of these texts, "trade" if it is not, "slow" if it is no faster.
    """

    points: float
    kept: float
    faster: float
    smaller: float
    verdict: Literal["free", "trade", "slow"]

    @property
    def per_doubling(self) -> float:
        """Percentage points lost per doubling of the speed; NaN for a student that is no faster."""
        return self.points / math.log2(self.faster) if self.faster > 1 else float("nan")

    @property
    def gap(self) -> float:
        """The student's share minus the teacher's, in percentage points."""
        return -self.points

    @property
    def priced(self) -> bool:
        """True if quality was lost for speed, so that `per_doubling` has a meaning."""
        return self.verdict == "trade"


@dataclass(frozen=True)
class Costs:
    """One measurement.

    Attributes:
        models: float32 first, then int8 where the device computes in it.
        tokens: in the longest text of each batch, padding included.
        rows: answers behind each accuracy.
        device, threads, kernels: the device, the number of threads, and the library that multiplies int8.
        trainings: runs that were training on this machine when it began.
        load: processes that wanted a core, the mean of the last minute; NaN where the system does not report it.
        cores: of the machine.
        at: seconds since 1970.
        counted: "computing" where waiting for a core is left out of the times, else "clock".
    """

    models: tuple[Cost, ...]
    tokens: Mapping[int, int]
    rows: int
    device: str
    threads: int
    kernels: str
    trainings: int
    load: float
    cores: int
    at: float
    counted: Literal["computing", "clock"] = "computing"

    def of(self, arm: str, int8: bool = False) -> Cost:
        """The cost of one model.

        Raises:
            KeyError: it was not measured.
        """
        for model in self.models:
            if (model.arm, model.int8) == (arm, int8):
                return model
        raise KeyError(arm)

    @property
    def has_int8(self) -> bool:
        """True if int8 was measured: not on a GPU."""
        return any(model.int8 for model in self.models)

    @property
    def is_labelled(self) -> bool:
        """True if the texts have labels."""
        return not math.isnan(self.models[0].accuracy)

    @property
    def conditions(self) -> Literal["quiet", "quiet_unknown", "disturbed"]:
        """Load of the machine: "disturbed" by a training of this server, or by more processes than cores."""
        if self.trainings or self.load > self.cores:
            return "disturbed"
        return "quiet_unknown" if math.isnan(self.load) else "quiet"

    def int8_speed(self, arm: str, batch: int) -> tuple[float, Speed]:
        """Median speed-up of int8, and its direction: "same" unless at least three of four rounds agree."""
        ratio = faster(self.of(arm, int8=True).latency[batch], self.of(arm).latency[batch])
        return ratio.median, _SPEEDS[ratio.sign]

    def int8_change(self, arm: str, measure: str) -> float:
        """Change of a measure by int8, on the same texts."""
        return getattr(self.of(arm, int8=True), measure) - getattr(self.of(arm), measure)

    def int8_points(self, arm: str, measure: str) -> float:
        """Change of a share by int8, in percentage points."""
        return 100 * self.int8_change(arm, measure)

    def trade(self, report: Report, arm: str, batch: int) -> Trade:
        """The trade-off of an arm against the teacher."""
        teacher, student = report.teacher.mean(report.measure), report.arms[arm].mean(report.measure)
        large, small = self.of("teacher"), self.of(arm)
        speed = faster(small.latency[batch], large.latency[batch])
        within = teacher - student <= report.uncertainty(teacher)
        return Trade(
            points=100 * (teacher - student),
            kept=student / teacher if teacher else float("nan"),
            faster=speed.median,
            smaller=large.sizes.float32 / small.sizes.float32,
            verdict="slow" if speed.sign < 1 else "free" if within else "trade",
        )


def costs(
    report: Report,
    arm: str,
    engine: Engine = ENGINE,
    device: str = "cpu",
    on_progress: Progress = lambda share: None,
    again: int = 0,
) -> Costs:
    """Measure teacher, one arm and, if its shape is another, the control; cached by report, arm, device and `again`.

    Args:
        on_progress: called with the share of the work that is done.
        again: another number measures anew.

    Raises:
        LabError: `busy`, `run_missing`, and as `opened`.
    """
    return _measured.get(_key(report, arm, device, again), lambda: _measure(report, arm, engine, device, on_progress))


def is_measured(report: Report, arm: str, device: str = "cpu", again: int = 0) -> bool:
    """True if `costs` is cached, so that it returns at once."""
    return _key(report, arm, device, again) in _measured


def _key(report: Report, arm: str, device: str, again: int) -> tuple:
    """Cache key, with the students' agreement: a resumed run has other students in the same folders."""
    return report.folder, report.models, arm, report.arms[arm].agreement, device, again


def _measure(report: Report, arm: str, engine: Engine, device: str, on_progress: Progress) -> Costs:
    on_progress(0.0)
    texts = shipped_texts(engine, SHIPPED_ROWS) if not report.folder else held_out_of(Run(report.folder))
    chosen = {one.arm: one for one in report.models if one.arm in ("teacher", arm, report.control)}
    if report.control in chosen[arm].same_shape:
        chosen.pop(report.control, None)
    plain = {name: opened(engine, one.source, report.task, device) for name, one in chosen.items()}
    models = {(name, False): model for name, model in plain.items()}
    if device == "cpu" and int8.available():
        models |= {(name, True): int8.quantized(model) for name, model in plain.items()}
    load, trainings = _load(), at_work()

    said = _asked(models, texts, engine, lambda share: on_progress(0.5 * share))
    times, tokens = _timed(models, texts, engine, lambda share: on_progress(0.5 + 0.5 * share))
    found = {key: quality(one, said["teacher", False]) for key, one in said.items()}
    return Costs(
        models=tuple(
            Cost(
                name,
                small,
                sizes(plain[name]),
                {batch: times[batch][name, small] for batch in BATCHES},
                found[name, small].accuracy,
                found[name, small].agreement,
                found[name, small].ece,
            )
            for name, small in models
        ),
        tokens=tokens,
        rows=found["teacher", False].rows,
        device=device,
        threads=torch.get_num_threads(),
        kernels=int8.kernels(),
        trainings=trainings,
        load=load,
        cores=os.cpu_count() or 1,
        at=time.time(),
        counted="computing" if counts_computing(device) else "clock",
    )


Models = Mapping[tuple[str, bool], nn.Module]


def _asked(
    models: Models, texts: TokenizedTexts, engine: Engine, on_progress: Progress
) -> dict[tuple[str, bool], Answers]:
    found = {}
    for number, (key, model) in enumerate(models.items()):
        found[key] = answers(model, texts, engine.turn, _part(on_progress, number, len(models)))
    return found


def _timed(models: Models, texts: TokenizedTexts, engine: Engine, on_progress: Progress) -> tuple[dict, dict[int, int]]:
    """Latency by batch and model, and the tokens of the longest text by batch."""
    found, tokens = {}, {}
    for number, count in enumerate(BATCHES):
        batch = typical(texts, count)
        tokens[count] = batch.input_ids.shape[1]
        found[count] = latencies(models, batch, texts.task, engine.alone, _part(on_progress, number, len(BATCHES)))
    return found, tokens


def typical(texts: TokenizedTexts, count: int) -> Batch:
    """The texts whose length is nearest to the median, as one batch; fewer if there are fewer."""
    distance = (texts.lengths - texts.lengths.median()).abs()
    return texts.batch(distance.argsort(stable=True)[:count])


def _part(on_progress: Progress, number: int, parts: int) -> Callable[[float], None]:
    return lambda share: on_progress((number + share) / parts)


def _load() -> float:
    """Return how many processes want a core, the mean of the last minute; NaN where the system does not report it."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return math.nan
