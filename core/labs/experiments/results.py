"""Measurements of an experiment's runs: curves while they run, and conclusions once they are finished.

runs = opened("few", names)
curves(runs["60"])                             # held-out accuracy and loss by arm and seed, so far
ends(runs)[("60", "distilled")].values         # at the end, one per seed
budgets(runs)[0].gains["distilled"].verdict    # significant or not over the seeds, see `core.measure.verdict`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from core.measure.verdict import Comparison, over_seeds
from core.runs.queue import RunView
from core.runs.run import Run

TEACHER = "teacher"


@dataclass(frozen=True)
class Curve:
    """One student's training curve, measured on the held-out definitions.

    Attributes:
        arm, seed: of the student.
        steps: steps of the measurements, `[measurement]`.
        accuracy, loss: shares and nats, `[measurement]`.
        learned: the hard loss on its own texts, a mean over the steps since the last measurement, `[measurement]`; empty
            for an arm without a hard loss.
    """

    arm: str
    seed: int
    steps: tuple[int, ...]
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    learned: tuple[float, ...]


@dataclass(frozen=True)
class Curves:
    """All students of one run, and the teacher.

    Attributes:
        teacher_accuracy, teacher_loss: on the same definitions; None before the first measurement.
        steps: of each seed, in all.
        rows: number of texts measured on; 0 before the first measurement.
    """

    students: tuple[Curve, ...]
    teacher_accuracy: float | None
    teacher_loss: float | None
    steps: int
    rows: int

    def of(self, arm: str) -> tuple[Curve, ...]:
        """The curves of one arm, one per seed."""
        return tuple(curve for curve in self.students if curve.arm == arm)


def curves(run: Run) -> Curves:
    """The curves of a run's students, as measured until now.

    Raises:
        LabError: `run_missing`, `broken_run`.
    """
    plan, (lines, _) = run.written_plan, run.metrics()
    arms = list(plan["arms"])
    rows: dict[tuple[str, int], list[tuple[int, float, float, float | None]]] = {}
    since: dict[tuple[str, int], list[float]] = {}
    teacher = None
    for line in lines:
        seed = line["seed"]
        for arm in arms:
            if "scores" in line:
                scores, hard = line["scores"][arm], since.pop((arm, seed), [])
                learned = fmean(hard) if hard else None
                rows.setdefault((arm, seed), []).append((line["number"], scores["accuracy"], scores["loss"], learned))
                teacher = line["scores"][TEACHER]
            elif "hard" in line["arms"][arm]["terms"]:
                since.setdefault((arm, seed), []).append(line["arms"][arm]["terms"]["hard"])
    students = []
    for (arm, seed), measured in rows.items():
        steps, accuracy, loss, learned = zip(*measured, strict=True)
        known = learned if all(value is not None for value in learned) else ()
        students.append(Curve(arm, seed, steps, accuracy, loss, known))
    by_arm = sorted(students, key=lambda curve: (arms.index(curve.arm), curve.seed))
    level = (None, None) if teacher is None else (teacher["accuracy"], teacher["loss"])
    return Curves(tuple(by_arm), *level, plan["training"]["steps"], 0 if teacher is None else teacher["rows"])


@dataclass(frozen=True)
class End:
    """One arm of one part at its end.

    Attributes:
        accuracy, loss, learned: one per seed, in the order of the seeds; see `Curve`.
        rows: number of texts that the accuracy is a share of.
    """

    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    learned: tuple[float, ...]
    rows: int

    def compared_with(self, other: End) -> Comparison:
        """This arm's accuracy against another's, seed by seed."""
        return over_seeds(self.accuracy, other.accuracy, grain=1 / self.rows)

    @property
    def mean(self) -> float:
        """Mean accuracy over the seeds."""
        return fmean(self.accuracy)

    @property
    def mean_loss(self) -> float:
        """Mean held-out loss over the seeds."""
        return fmean(self.loss)

    @property
    def mean_learned(self) -> float:
        """Mean loss on its own texts over the seeds; NaN for an arm without a hard loss."""
        return fmean(self.learned) if self.learned else float("nan")


def ends(runs: Mapping[str, Run]) -> dict[tuple[str, str], End]:
    """The last measurements of finished runs, by part and arm.

    Raises:
        LabError: `run_missing`, `broken_run`.
    """
    found = {}
    for part, run in runs.items():
        seen = curves(run)
        for arm in dict.fromkeys(curve.arm for curve in seen.students):
            ways = seen.of(arm)
            found[part, arm] = End(
                tuple(way.accuracy[-1] for way in ways),
                tuple(way.loss[-1] for way in ways),
                tuple(way.learned[-1] for way in ways if way.learned),
                seen.rows,
            )
    return found


@dataclass(frozen=True)
class Budget:
    """One part of an experiment with a number for a name: labels, steps or texts.

    Attributes:
        number: the part's.
        ends: by arm.
        gains: the accuracy of each arm compared with the control's.
    """

    number: int
    ends: Mapping[str, End]
    gains: Mapping[str, Comparison]


def budgets(runs: Mapping[str, Run]) -> tuple[Budget, ...]:
    """The parts of "few" or "steps", each arm compared with the control, from the smallest number to the largest."""
    found = ends(runs)
    made = []
    for part in sorted(runs, key=int):
        arms = {arm: end for (where, arm), end in found.items() if where == part}
        gains = {arm: end.compared_with(arms["control"]) for arm, end in arms.items() if arm != "control"}
        made.append(Budget(int(part), arms, gains))
    return tuple(made)


@dataclass(frozen=True)
class Masks:
    """Static compared with dynamic masks over the same texts.

    Attributes:
        texts: number of texts.
        epochs: passes over them.
        static, dynamic: the student of each at its end.
        lead: the held-out loss of the dynamic one compared with the static one's, in nats.
    """

    texts: int
    epochs: float
    static: End
    dynamic: End
    lead: Comparison

    @property
    def by_heart(self) -> bool:
        """True if static masks were memorised: the loss on its own texts is over 1 nat lower than with dynamic ones."""
        return self.dynamic.mean_learned - self.static.mean_learned > 1


def masks(runs: Mapping[str, Run]) -> tuple[Masks, ...]:
    """The outcome of "masks", from the fewest texts to the most.

    Raises:
        LabError: `run_missing`, `broken_run`.
    """
    found, made = ends(runs), []
    for texts in sorted({int(part.split("-")[0]) for part in runs}):
        training = runs[f"{texts}-static"].written_plan["training"]
        static, dynamic = (found[f"{texts}-{way}", "control"] for way in ("static", "dynamic"))
        lead = over_seeds(dynamic.loss, static.loss, smaller_is_better=True)
        made.append(Masks(texts, training["steps"] * training["batch_size"] / texts, static, dynamic, lead))
    return tuple(made)


def losses(ways: Mapping[str, Curves]) -> dict[str, list[tuple[tuple[int, ...], tuple[float, ...]]]]:
    """Steps and held-out loss by name, one pair per student."""
    return {name: [(way.steps, way.loss) for way in seen.students] for name, seen in ways.items()}


def together(views: Sequence[RunView]) -> RunView:
    """The runs of one experiment as if they were one: their state, progress and time left.

    The time of a waiting part is estimated from the pace of the running one, in steps of one student per second.
    """
    states = [view.state for view in views]
    ranked = ("running", "queued", "failed", "interrupted", "paused", "stopped", "new", "finished")
    shown = views[states.index(next(state for state in ranked if state in states))]
    pace = shown.status.per_second * len(shown.plan["arms"])
    waiting = sum(
        (view.status.steps - view.status.done) * len(view.plan["arms"]) for view in views if view.state == "queued"
    )
    status = replace(
        shown.status,
        done=sum(view.status.done for view in views),
        steps=sum(view.status.steps for view in views),
        seconds=sum(view.status.seconds for view in views),
        seconds_left=shown.status.seconds_left + waiting / pace if pace else 0.0,
    )
    return replace(shown, status=status)


def finished(runs: Iterable[Run]) -> bool:
    """True if all runs are finished."""
    return all(run.status().state == "finished" for run in runs)
