"""What the finished students of an experiment say of definitions that nobody learned from, and who agrees with whom.

said = answers(run)                               # computed once, then kept beside the run
agreements(said)[("match", "square")]             # how often two students give the same answer, one a seed
limit(said).matches                               # whether soft labels did what matching the logits does
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
"""Definitions of the test part that are asked."""


@dataclass(frozen=True)
class Answers:
    """Logits on the first definitions of the test part.

    Attributes:
        students: by arm and seed, `[definition, kind]`.
        teacher: `[definition, kind]`.
        labels: `[definition]`.
    """

    students: Mapping[tuple[str, int], Tensor]
    teacher: Tensor
    labels: Tensor

    def of(self, arm: str) -> list[Tensor]:
        """One arm's, a seed each."""
        return [logits for (name, _), logits in sorted(self.students.items()) if name == arm]


def kept(run: Run) -> bool:
    """Whether `answers` needs to ask nobody."""
    return (run.folder / FILE).exists()


def answers(
    run: Run, progress: Callable[[float], object] = lambda share: None, count: int = MEASURED, engine: Engine = ENGINE
) -> Answers:
    """Asks all students of a finished run, or reads what they said before.

    Args:
        progress: is told the share that is done.
        count: how many definitions to ask about.

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
    """The share of definitions to which two students of one seed give the same answer, by pair of arms, one a seed."""
    arms = sorted({arm for arm, _ in said.students})
    return {
        pair: tuple(
            float((one.argmax(-1) == other.argmax(-1)).double().mean())
            for one, other in zip(*(said.of(arm) for arm in pair), strict=True)
        )
        for pair in combinations(arms, 2)
    }


def accuracies(said: Answers, arm: str) -> tuple[float, ...]:
    """The share of right answers of an arm, one a seed."""
    return tuple(float((logits.argmax(-1) == said.labels).double().mean()) for logits in said.of(arm))


@dataclass(frozen=True)
class Limit:
    """Whether soft labels at a high temperature did what matching the logits does, and whether T² was needed.

    Attributes:
        accuracy: by arm, one a seed.
        agreement: by pair of arms, one a seed.
        teacher: the teacher's accuracy.
    """

    accuracy: Mapping[str, tuple[float, ...]]
    agreement: Mapping[tuple[str, str], tuple[float, ...]]
    teacher: float

    def mean(self, arm: str) -> float:
        """An arm's accuracy over the seeds."""
        return fmean(self.accuracy[arm])

    def same(self, one: str, other: str) -> float:
        """How often two arms agree, over the seeds."""
        return fmean(self.agreement[tuple(sorted((one, other)))])

    @property
    def matches(self) -> bool:
        """With T², the student agrees with the one that matches logits clearly more than with any other."""
        same = self.agreement[tuple(sorted(("square", "match")))]
        others = (self.agreement[tuple(sorted(("square", arm)))] for arm in ("plain", "control"))
        return all(over_seeds(same, other).verdict == "better" for other in others)

    @property
    def gain(self) -> Comparison:
        """The accuracy with T² compared with that without."""
        return over_seeds(self.accuracy["square"], self.accuracy["plain"])

    @property
    def fades(self) -> Comparison:
        """Without T²: the distance in accuracy to the student with T² compared with that to the one without a teacher.

        "better" says that the former is clearly larger: without T² the teacher is hardly heard.
        """
        plain, control, square = (self.accuracy[arm] for arm in ("plain", "control", "square"))
        to_square = [abs(a - b) for a, b in zip(plain, square, strict=True)]
        return over_seeds(to_square, [abs(a - b) for a, b in zip(plain, control, strict=True)])


def limit(said: Answers) -> Limit:
    """The outcome of "matching"."""
    arms = {arm: accuracies(said, arm) for arm in ("square", "match", "plain", "control")}
    teacher = float((said.teacher.argmax(-1) == said.labels).double().mean())
    return Limit(arms, agreements(said), teacher)
