"""What a finished experiment found, and which of its question's answers came true.

outcome("few", runs)                              # asks the students where it must, and keeps what they said
answer("few", outcome("few", runs))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.labs.experiments.omitted_class import Comeback, comebacks, recall_after
from core.labs.experiments.predictions import Limit, answers, kept, limit
from core.labs.experiments.results import Budget, Masks, budgets, finished, masks
from core.memory import RecentlyUsed
from core.runs.run import Run

ASKING = ("matching", "absent")
"""Experiments whose students are asked once more when they are finished."""

_OUTCOMES = RecentlyUsed(200)


def ready(key: str, runs: Mapping[str, Run]) -> bool:
    """Whether `outcome` has nothing to ask any student."""
    return finished(runs.values()) and (key not in ASKING or all(kept(run) for run in runs.values()))


def outcome(
    key: str, runs: Mapping[str, Run], progress: Callable[[float], object] = lambda share: None
) -> Limit | tuple[Comeback, ...] | tuple[Budget, ...] | tuple[Masks, ...]:
    """What a finished experiment found; kept, so that a page may ask again and again.

    Raises:
        LabError: as `answers` and `ends`.
    """

    def find():
        if key == "matching":
            return limit(answers(runs["all"], progress))
        if key == "absent":
            ((kind, run),) = runs.items()
            return comebacks(answers(run, progress), kind)
        return masks(runs) if key == "masks" else budgets(runs)

    return _OUTCOMES.get((key, *(str(run.folder) for run in runs.values())), find)


def answer(key: str, found: Limit | Sequence) -> int:
    """Which choice of the experiment's question came out, as a number from 0."""
    if key == "matching":
        return 1 if found.fades else 2 if found.mean("plain") > found.mean("square") else 0
    if key == "absent":
        ahead = [one for one in found if one.arm == "distilled"], [one for one in found if one.arm == "control"]
        better = all(one.recall_after > other.recall_after for one, other in zip(*ahead, strict=True))
        return 0 if not better else 1 if recall_after(found, "distilled") < 0.5 else 2
    if key == "few":
        first, last = found[0].ends, found[-1].ends
        scores = (first["control"].mean, first["distilled"].mean, last["unlabelled"].mean)
        return scores.index(max(scores))
    if key == "steps":
        middle = found[len(found) // 2].ends
        scores = [middle[arm].mean for arm in ("control", "distilled", "staged")]
        return scores.index(min(scores))
    few, many = found[0], found[-1]
    if few.verdict != "dynamic":
        return 2
    return 0 if many.verdict == "dynamic" and many.mean > few.mean / 2 else 1
