"""Predictions of an experiment's finished students on held-out definitions, and their agreement with each other.

said = answers(run)                               # computed once, then kept in the run's folder
agreements(said)[("match", "square")]             # the share of equal predictions of two students, one per seed
limit(said).matches                               # true if soft labels had the effect of matching the logits
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from core.data.kinds import definitions, teacher_logits
from core.distill.evaluation import Evaluator
from core.distill.inputs.encoding import encode
from core.distill.students import open_for
from core.engine import ENGINE, Engine, Setting
from core.measure.verdict import Comparison, over_seeds
from core.runs.run import Run
from core.runs.storage import BETWEEN, save_tensors

FILE = "answers.safetensors"

MEASURED = 1500
"""Definitions of the test split to predict."""


@dataclass(frozen=True)
class Answers:
    """Logits on the first definitions of the test split.

    Attributes:
        students: by arm and seed, `[definition, class]`.
        teacher: `[definition, class]`.
        labels: `[definition]`.
    """

    students: Mapping[tuple[str, int], Tensor]
    teacher: Tensor
    labels: Tensor

    def of(self, arm: str) -> list[Tensor]:
        """Logits of one arm, one per seed."""
        return [logits for (name, _), logits in sorted(self.students.items()) if name == arm]


def kept(run: Run) -> bool:
    """True if the answers of a run are stored, so that `answers` only reads them."""
    return (run.folder / FILE).exists()


def answers(
    run: Run, progress: Callable[[float], object] = lambda share: None, count: int = MEASURED, engine: Engine = ENGINE
) -> Answers:
    """Run all students of a finished run on the definitions, or read their stored logits.

    Args:
        progress: called with the share that is done.
        count: number of definitions.

    Raises:
        LabError: `run_missing`, `broken_checkpoint`, `no_space`, `missing_data`.
    """
    rows = definitions("test")[:count]
    file, found = run.folder / FILE, {}
    if file.exists():
        try:
            found = load_file(file)
        except (OSError, SafetensorError):  # half a file counts as none
            found = {}
    if not found or len(next(iter(found.values()))) != len(rows):
        found = _asked(run, rows, progress, engine)
        save_tensors(found, file)
    students = {}
    for name, logits in found.items():
        arm, seed = name.split(BETWEEN)
        students[arm, int(seed)] = logits
    labels = torch.tensor([row.kind for row in rows])
    return Answers(students, teacher_logits("test")[: len(rows)], labels)


def _asked(run: Run, rows, progress: Callable[[float], object], engine: Engine) -> dict[str, Tensor]:
    plan = run.written_plan
    teacher = plan["teachers"][0]
    tokenizer = engine.checkpoint(Setting(teacher, ""), teacher).tokenizer
    held_out = Evaluator(encode(tokenizer, [row.text for row in rows], [row.kind for row in rows]))
    wanted = [(arm, seed) for arm in plan["arms"] for seed in plan["seeds"]]
    found = {}
    for number, (arm, seed) in enumerate(wanted):
        progress(number / len(wanted))
        student = open_for(run.student_folder(arm, seed), plan["task"])
        found[f"{arm}{BETWEEN}{seed}"] = held_out.logits(student)
    progress(1.0)
    return found


def agreements(said: Answers) -> dict[tuple[str, str], tuple[float, ...]]:
    """The share of definitions on which two students of one seed agree, by pair of arms, one per seed."""
    arms = sorted({arm for arm, _ in said.students})
    return {
        pair: tuple(
            float((one.argmax(-1) == other.argmax(-1)).double().mean())
            for one, other in zip(*(said.of(arm) for arm in pair), strict=True)
        )
        for pair in combinations(arms, 2)
    }


def accuracies(said: Answers, arm: str) -> tuple[float, ...]:
    """The accuracy of an arm, one per seed."""
    return tuple(float((logits.argmax(-1) == said.labels).double().mean()) for logits in said.of(arm))


@dataclass(frozen=True)
class Limit:
    """Test of the high-temperature limit: soft labels against matching the logits, with and without T².

    Attributes:
        accuracy: by arm, one per seed.
        agreement: by pair of arms, one per seed.
        teacher: the teacher's accuracy.
    """

    accuracy: Mapping[str, tuple[float, ...]]
    agreement: Mapping[tuple[str, str], tuple[float, ...]]
    teacher: float

    def mean(self, arm: str) -> float:
        """An arm's mean accuracy over the seeds."""
        return fmean(self.accuracy[arm])

    def same(self, one: str, other: str) -> float:
        """The mean agreement of two arms over the seeds."""
        return fmean(self.agreement[tuple(sorted((one, other)))])

    @property
    def matches(self) -> bool:
        """True if the student with T² agrees with the one that matches logits significantly more than with any other."""
        same = self.agreement[tuple(sorted(("square", "match")))]
        others = (self.agreement[tuple(sorted(("square", arm)))] for arm in ("plain", "control"))
        return all(over_seeds(same, other).verdict == "better" for other in others)

    @property
    def gain(self) -> Comparison:
        """The accuracy with T² compared with that without."""
        return over_seeds(self.accuracy["square"], self.accuracy["plain"])

    @property
    def fades(self) -> Comparison:
        """The distance in accuracy from the student without T² to the one with T², compared with that to the control.

        "better" means that the former is significantly larger: without T² the teacher has hardly any effect.
        """
        plain, control, square = (self.accuracy[arm] for arm in ("plain", "control", "square"))
        to_square = [abs(a - b) for a, b in zip(plain, square, strict=True)]
        return over_seeds(to_square, [abs(a - b) for a, b in zip(plain, control, strict=True)])


def limit(said: Answers) -> Limit:
    """The outcome of "matching"."""
    arms = {arm: accuracies(said, arm) for arm in ("square", "match", "plain", "control")}
    teacher = float((said.teacher.argmax(-1) == said.labels).double().mean())
    return Limit(arms, agreements(said), teacher)
