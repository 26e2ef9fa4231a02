"""Latency of models for the same batch on this machine: repeated passes, one model after the other, then all again.

    found = latencies({"teacher": teacher, "student": student}, batch)
    found["student"].median, found["student"].low, found["student"].high          # milliseconds

On a CPU with one thread the time is what the core spent on the pass: waiting for a core that others use is not counted, since
it lengthens a long pass far more than a short one. On an idle machine that is the time by the clock, which is kept in addition.
Models take turns within each round, so what still disturbs the machine for a second disturbs all of them; and the median is
reported with the quartiles, since a disturbed pass is long and none is ever too short.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import median, quantiles

import torch
from torch import nn

from core.distill.forward import FeatureRequest, forward
from core.distill.inputs.texts import Batch, Task

ROUNDS, FEWEST, WARM_UP = 30, 9, 3
"""Timed passes of each model, the fewest where they are slow, and passes before them that are not timed."""

LONGEST_SECONDS = 4.0
"""After so long no further round begins once `FEWEST` are done."""


@dataclass(frozen=True)
class Latency:
    """The passes of one model over one batch.

    Attributes:
        texts: in the batch.
        milliseconds: of computing, of each pass of the whole batch, in their order.
        elapsed: milliseconds by the clock, waiting for a core included; empty if not taken.
    """

    texts: int
    milliseconds: tuple[float, ...]
    elapsed: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        """Milliseconds of the whole batch."""
        return self._quartiles[1]

    @property
    def low(self) -> float:
        """The first quartile: a quarter of the passes was faster."""
        return self._quartiles[0]

    @property
    def high(self) -> float:
        """The third quartile: a quarter of the passes was slower."""
        return self._quartiles[2]

    @property
    def by_the_clock(self) -> float:
        """The median milliseconds with all waiting."""
        return median(self.elapsed or self.milliseconds)

    @property
    def per_second(self) -> float:
        """Texts per second at the median."""
        return 1000 * self.texts / self.median

    @property
    def _quartiles(self) -> list[float]:
        return quantiles(self.milliseconds, n=4, method="inclusive")


@dataclass(frozen=True)
class Ratio:
    """Speed of one model relative to another, round by round: what disturbs a round disturbs both.

    Attributes:
        low, median, high: the quartiles over the rounds.
    """

    low: float
    median: float
    high: float

    @property
    def sign(self) -> int:
        """1 or −1 if the one is faster or slower in at least three of four rounds, else 0."""
        return (self.low > 1) - (self.high < 1)


def faster(one: Latency, other: Latency) -> Ratio:
    """Speed of `one` relative to `other`, both from the same call of `latencies`; above 1 where `one` is faster."""
    ratios = [b / a for a, b in zip(one.milliseconds, other.milliseconds, strict=True)]
    return Ratio(*quantiles(ratios, n=4, method="inclusive"))


def latencies(
    models: Mapping[str, nn.Module],
    batch: Batch,
    task: Task = "single_label",
    alone: Callable[[], AbstractContextManager] = nullcontext,
    on_round: Callable[[float], None] = lambda share: None,
    rounds: int = ROUNDS,
    longest: float = LONGEST_SECONDS,
) -> dict[str, Latency]:
    """Times models on one batch, from token ids to logits; tokenising is not counted.

    Args:
        models: in eval mode, each on the device that it is to be timed on; they must have been through `observed`.
        batch: on any device.
        task: for masked words the vocabulary head runs at the masked positions only, as it would in service.
        alone: entered for each round; `Engine.alone` keeps the engine's other passes away meanwhile.
        on_round: is called with the share of the work that is done.

    Raises:
        ValueError: there are fewer than two rounds, which have no spread.
    """
    if rounds < 2:
        raise ValueError(f"A spread needs at least two rounds, not {rounds}.")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    placed = {name: batch.to(next(model.parameters()).device) for name, model in models.items()}
    began = 0.0
    for number in range(-WARM_UP, rounds):
        if number == 0:
            began = time.perf_counter()
        elif number >= min(FEWEST, rounds) and time.perf_counter() - began > longest:
            break
        with alone():
            for name, model in models.items():
                spent = _pass(model, placed[name], task)
                if number >= 0:
                    found[name].append(spent)
        on_round((number + WARM_UP + 1) / (rounds + WARM_UP))
    on_round(1.0)
    return {name: Latency(len(batch.rows), *zip(*times, strict=True)) for name, times in found.items()}


@torch.inference_mode()
def _pass(model: nn.Module, batch: Batch, task: Task) -> tuple[float, float]:
    """Milliseconds of one forward pass until its result is there: of computing, and by the clock."""
    device = batch.input_ids.device.type
    wait = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device, lambda: None)
    wait()  # what was queued before is none of this pass
    began, computed = time.perf_counter(), time.thread_time()
    forward(model, batch, task, FeatureRequest(logits=True))
    wait()
    computed = time.thread_time() - computed
    elapsed = time.perf_counter() - began
    return 1000 * (computed if counts_computing(device) else elapsed), 1000 * elapsed


def counts_computing(device: str) -> bool:
    """Return True if this thread does all the work itself, and its clock is fine enough (on Windows it ticks every 16 ms)."""
    return device == "cpu" and torch.get_num_threads() == 1 and sys.platform != "win32"
