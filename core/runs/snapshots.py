"""A run's students as they were on their way: how a snapshot is written, and the only way that one is opened.

student = student_at(run, "distilled", seed=0, step=120)       # a model of its own, in eval mode on the CPU
with kept(run, "distilled", 0, teacher).at(120) as student:    # one model a student, whose weights are exchanged: quicker
    ...

`run.snapshots(arm)` lists the steps. A file holds the student's state in half precision, as it was in training: where only the
words in use train, the rows of those words instead of the whole table (see `core.distill.inputs.words`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from core.distill.forward import observed
from core.distill.inputs.words import with_words_in_use
from core.distill.students import open_for
from core.errors import LabError
from core.files import writing
from core.memory import RecentlyUsed
from core.runs.run import Run
from core.runs.storage import load_texts, save_tensors

KEPT_BYTES = 512 * 1024**2
"""Bytes that the models behind `kept` may take together."""


def keep(run: Run, arm: str, seed: int, step: int, student: nn.Module) -> None:
    """Write the student of a step, rounded to half precision.

    Raises:
        LabError: `no_space`, `run_missing`.
    """
    file = run.snapshot_file(arm, seed, step)
    with writing(run.folder):
        file.parent.mkdir(parents=True, exist_ok=True)
    state = student.state_dict().items()
    save_tensors({name: each.to(torch.float16) if each.is_floating_point() else each for name, each in state}, file)


def student_at(run: Run, arm: str, seed: int, step: int, teacher: nn.Module | None = None) -> nn.Module:
    """A student as it was after a step of which a snapshot was kept, in eval mode on the CPU.

    Args:
        teacher: the opened teacher, if at hand; the student may start from its layers.

    Raises:
        LabError: `run_missing` if there is no such snapshot, `broken_run` if it cannot be read.
    """
    state, plan = _state(run, arm, seed, step), run.plan
    teacher = teacher if teacher is not None else open_for(plan.teachers[0], plan.task)
    student = plan.arms[arm].student.build(teacher, plan.task, seed)
    if any(name.endswith(".rows") for name in state):
        with_words_in_use(student, load_texts(run.folder / "texts.safetensors").vocabulary)
    student.load_state_dict(state)
    return observed(student).cpu().eval().requires_grad_(False)  # a student of layers is where its teacher is


class Kept:
    """A student of a run that is built once and takes the weights of any kept step.

    Args:
        teacher: the opened teacher.

    Raises:
        LabError: `run_missing` if the run kept none of its students, and as `student_at`.
    """

    def __init__(self, run: Run, arm: str, seed: int, teacher: nn.Module) -> None:
        self._run, self._arm, self._seed, self._turn = run, arm, seed, threading.Lock()
        self._step = next(iter(run.snapshots(arm, seed)), 0)
        self._model = student_at(run, arm, seed, self._step, teacher)
        self.size_bytes = sum(tensor.nbytes for tensor in (*self._model.parameters(), *self._model.buffers()))

    @contextmanager
    def at(self, step: int) -> Iterator[nn.Module]:
        """The student after a step; inside the block no other thread changes its weights.

        Raises:
            LabError: as `student_at`.
        """
        with self._turn:
            if step != self._step:
                self._model.load_state_dict(_state(self._run, self._arm, self._seed, step))
                self._step = step
            yield self._model


_KEPT = RecentlyUsed(KEPT_BYTES, lambda student: student.size_bytes)


def kept(run: Run, arm: str, seed: int, teacher: nn.Module) -> Kept:
    """A student whose weights can be exchanged, shared by all who ask for it.

    Raises:
        LabError: as `Kept`.
    """
    return _KEPT.get((str(run.folder), arm, seed), lambda: Kept(run, arm, seed, teacher))


def _state(run: Run, arm: str, seed: int, step: int) -> dict[str, Tensor]:
    """The weights of a step in float32, in which the models compute."""
    file = run.snapshot_file(arm, seed, step)
    if not file.exists():
        raise LabError("run_missing", name=f"{run.name}/{file.relative_to(run.folder)}")
    try:
        state = load_file(file)
    except (OSError, SafetensorError) as error:
        raise LabError("broken_run", name=run.name, reason=f"{file.name}: {error}") from error
    return {name: tensor.to(torch.float32) for name, tensor in state.items()}
