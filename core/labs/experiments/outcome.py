"""The result of a finished experiment, and the choice of its question that proved right.

outcome("few", runs)                              # runs the students where it must, and keeps their predictions
answer("few", outcome("few", runs))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.labs.experiments.omitted_class import OmittedClass, comeback, comebacks, recall_after
from core.labs.experiments.predictions import Limit, answers, kept, limit
from core.labs.experiments.results import Budget, End, Masks, budgets, finished, masks
from core.memory import RecentlyUsed
from core.runs.run import Run

ASKING = ("matching", "absent")
"""Experiments that run their finished students once more."""

_OUTCOMES = RecentlyUsed(200)


def ready(key: str, runs: Mapping[str, Run]) -> bool:
    """True if `outcome` needs to run no student."""
    return finished(runs.values()) and (key not in ASKING or all(kept(run) for run in runs.values()))


def outcome(
    key: str, runs: Mapping[str, Run], progress: Callable[[float], object] = lambda share: None
) -> Limit | tuple[OmittedClass, ...] | tuple[Budget, ...] | tuple[Masks, ...]:
    """The result of a finished experiment; cached, so that a page may call it on every rerun.

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


def answer(key: str, found: Limit | Sequence) -> int | None:
    """The choice of the experiment's question that proved right, from 0; None where the seeds cannot decide."""
    if key == "matching":
        return {"better": 1, "too_few": None}.get(found.fades.verdict, 2 if found.gain.verdict == "worse" else 0)
    if key == "absent":
        ahead = comeback(found)
        if ahead.verdict != "better":
            return None if ahead.verdict == "too_few" else 0
        return 1 if recall_after(found, "distilled") < 0.5 else 2
    if key == "few":
        first, last = found[0].ends, found[-1].ends
        return _best([first["control"], first["distilled"], last["unlabelled"]])
    if key == "steps":
        middle = found[len(found) // 2].ends
        return _best([middle[arm] for arm in ("control", "distilled", "staged")], lowest=True)
    few, many = found[0].lead, found[-1].lead
    if few.verdict == "too_few":
        return None
    if few.verdict != "better":
        return 2
    return 0 if many.verdict == "better" and many.mean < few.mean / 2 else 1


def _best(ends: Sequence[End], lowest: bool = False) -> int | None:
    """The arm with the highest accuracy, or the lowest, if it differs significantly from the next one."""
    ranked = sorted(range(len(ends)), key=lambda place: ends[place].mean, reverse=not lowest)
    lead = ends[ranked[0]].compared_with(ends[ranked[1]])
    return ranked[0] if lead.verdict == ("worse" if lowest else "better") else None
