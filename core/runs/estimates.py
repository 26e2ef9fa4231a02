"""Estimate of a run's duration before it begins: a cost model, corrected by the measured speed of runs on this machine.

For example:

    estimates = Estimates()
    estimates.seconds(run.written_plan)                    # a guess
    estimates.learn(run.written_plan, per_second=41.0)     # what a run at work measured
    estimates.seconds(run.written_plan)                    # true from now on
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FLOPS = 4e10
"""Multiply-adds per second of one thread, for a start; only ratios matter once a run has been seen."""

FIXED = 8e-3
"""Seconds of a step of one student that do not depend on its size, for a start."""

WORDS_A_TEXT = 25
"""Tokens of a text, where only texts are counted."""

VOCABULARY, HIDDEN = 30_522, 0.2
"""Rows of the output over words, and the share of tokens that are predicted."""

TABLE = 1000
"""Cost per step of keeping one weight of that output up to date, in multiply-adds: it is read and written several times."""

START = 2.0
"""Seconds to open the models and the texts."""

INERTIA = 0.5
"""Share of the correction that stays when a new run is seen."""


class Estimates:
    """Seconds that runs take on this machine. Each task has a correction of its own, for their steps differ in kind."""

    def __init__(self) -> None:
        self._factors: dict[str, float] = {}

    def seconds(self, plan: Mapping[str, Any], done: int = 0, per_second: float = 0.0) -> float:
        """Seconds until a run is finished, if it had a worker now.

        Args:
            plan: as JSON holds it.
            done: steps that are done.
            per_second: steps per second that this very run has shown; the model's guess if 0.
        """
        steps = plan["training"]["steps"] * len(plan["seeds"]) - done
        one = 1 / per_second if per_second else self._factors.get(plan["task"], 1.0) * step_cost(plan)
        return START + max(steps, 0) * one

    def learn(self, plan: Mapping[str, Any], per_second: float) -> None:
        """Correct the model by what a run showed."""
        if per_second > 0:
            factor, task = 1 / per_second / step_cost(plan), plan["task"]
            self._factors[task] = INERTIA * self._factors.get(task, factor) + (1 - INERTIA) * factor


def step_cost(plan: Mapping[str, Any]) -> float:
    """Seconds of one step of all arms: six multiply-adds a parameter and token, and a fixed part.

    Where words are guessed, the output over the vocabulary is most of a small student's step.
    """
    training = plan["training"]
    tokens = training["batch_tokens"] or training["batch_size"] * WORDS_A_TEXT
    total = 0.0
    for arm in plan["arms"].values():
        student = arm["student"]
        # A student from the teacher's layers or a folder is about as wide as the shipped ones.
        depth, width = (len(student["layers"]), 384) if student["layers"] else (student["depth"], student["width"])
        total += FIXED + 6 * 12 * depth * width**2 * tokens / FLOPS
        if plan["task"] == "masked_words":
            total += width * VOCABULARY * (6 * HIDDEN * tokens + TABLE) / FLOPS
    return total
