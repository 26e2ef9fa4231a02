"""A run at work, in this process: from its last checkpoint on, until it is done or receives a request to pause or stop.

    session = Session(run)
    state = session.train()                       # "finished"
    state = session.train(steps=1)                # "paused", one step later
    state = session.train(wanted=lambda: "pause") # "paused" at once, with a checkpoint

`core.runs.process.worker` runs it in a process of its own.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, MutableMapping
from dataclasses import asdict, replace
from typing import Any, Literal

from safetensors.torch import load_file
from torch import nn

from core.distill.distiller import Arm, Distiller
from core.distill.evaluation import Evaluator
from core.distill.forward import observed
from core.distill.students import open_for, save
from core.distill.training import Step
from core.errors import LabError
from core.files import writing
from core.models.loading import open_tokenizer
from core.runs.card import write_card
from core.runs.process.probe import ProbeWriter
from core.runs.run import Run, State, Status
from core.runs.snapshots import keep
from core.runs.storage import load_state, load_texts, save_state

CHECKPOINT_SECONDS = 10.0
"""Seconds between two checkpoints of a running training: the most that a kill may cost."""

STATUS_SECONDS = 0.25
"""Least time between two writes of the status."""

KEPT = 2
"""Checkpoints kept: the last one, and the one before in case the last cannot be read."""

Wanted = Literal["run", "pause", "stop", "leave"]
"""Requests to a run at work; "leave" is a pause without a request, since the server is gone."""

LEFT: dict[Wanted, State] = {"run": "paused", "pause": "paused", "stop": "stopped", "leave": "interrupted"}
"""The state after each request; "run" when the requested steps are done."""


class Session:
    """Work on one run.

    Attributes:
        status: the run's status.
        error: the code and details of what stopped it, also where the folder could not take them.

    Args:
        run: its folder.
        opened: teachers that are open already, by task and name; others are opened and added.
        checkpoint_seconds: see `CHECKPOINT_SECONDS`.

    Raises:
        LabError: the plan cannot work, or a file is missing or damaged. The run's status then holds the error.
    """

    def __init__(
        self,
        run: Run,
        opened: MutableMapping[tuple[str, str], nn.Module] | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
    ) -> None:
        self.run, self._checkpoint_seconds = run, checkpoint_seconds
        self._opened = {} if opened is None else opened
        self._recent: list[float] = []
        self._status_at = 0.0
        self.status: Status | None = None
        self.error: dict[str, Any] = {}
        try:
            self._open()
        except LabError as error:
            self._fail(error)
            raise

    def _open(self) -> None:
        self.plan = self.run.plan
        self._made = (self.run.folder / "run.json").stat().st_mtime_ns
        self.status = replace(self.run.status(), error={})
        self._teachers = [self._teacher(name) for name in self.plan.teachers]
        self._texts = load_texts(self.run.folder / "texts.safetensors")
        file = self.run.folder / "known_logits.safetensors"
        self._known = load_file(file) if file.exists() else {}
        self._tokenizer = open_tokenizer(self.plan.teachers[0])
        self._held_out: Evaluator | None = None
        self._watcher = ProbeWriter(self.run, self._tokenizer, self._teachers[0], self.plan.task)
        self._teaching = None
        self._index, state = 0, None
        checkpoints = self.run.checkpoints
        while checkpoints:
            try:
                state, facts = load_state(checkpoints[-1])
                break
            except LabError:  # the one before may still be whole
                if len(checkpoints) == 1:
                    raise
                checkpoints.pop()
        if state is not None:
            self._index = facts["seed_index"]
            self._rewind(facts["metrics_bytes"])
            self.status = replace(self.status, done=facts["done"], seconds=facts["seconds"], checkpoint=facts["done"])
        else:
            self._rewind(0)
            self.status = replace(self.status, done=0, seconds=0.0, checkpoint=0)
        self._start_seed()
        if state is not None:
            self.distiller.load_state_dict(state)

    def is_at(self, run: Run) -> bool:
        """Return True if this session is of that run, which has not been continued or made anew since."""
        same = run.folder == self.run.folder and (run.folder / "run.json").stat().st_mtime_ns == self._made
        return same and run.status().done == self.status.done

    def train(self, wanted: Callable[[], Wanted] = lambda: "run", steps: int | None = None) -> State:
        """Train until the run is finished, `steps` more steps are done, or `wanted` returns something else.

        Returns:
            "finished", "paused", "stopped" or "interrupted"; after an error that a learner can do something about, "failed".
        """
        began, before = time.monotonic(), self.status.seconds
        saved = began
        try:
            self._note("running")
            while True:
                request = wanted()
                if not (self.run.folder / "run.json").exists():
                    raise LabError("run_missing", name=self.run.name)
                if request != "run" or steps == 0:
                    return self._leave(LEFT[request])
                started = time.monotonic()
                step = self.distiller.step()
                steps = None if steps is None else steps - 1
                self.status = replace(self.status, done=self.status.done + 1)
                self._log(step)
                self._recent = [*self._recent[-30:], time.monotonic() - started]
                now = time.monotonic()
                self.status = replace(self.status, seconds=before + now - began)
                if self.distiller.finished:
                    self._finish_seed()
                    if self._index + 1 == len(self.plan.seeds):
                        self._drop_checkpoints(0)
                        self._note("finished")
                        return "finished"
                    self._index += 1
                    self._start_seed()
                if now - saved > self._checkpoint_seconds:
                    self._checkpoint()
                    saved = time.monotonic()
                if now - self._status_at > STATUS_SECONDS:
                    self._note("running")
        except LabError as error:
            self._fail(error)
            return "failed"

    def _leave(self, state: State) -> State:
        self._checkpoint()
        if state == "stopped":
            self._save_students()
        self._note(state)
        return state

    def _start_seed(self) -> None:
        """Build the students of the seed in turn, at their start."""
        seed, plan = self.plan.seeds[self._index], self.plan
        students = {name: arm.student.build(self._teachers[0], plan.task, seed) for name, arm in plan.arms.items()}
        self.distiller = Distiller(
            self._teachers,
            {name: Arm(student, plan.arms[name].stages) for name, student in students.items()},
            self._texts,
            plan.training_of(seed),
            device=plan.device,
            known_logits=self._known.get("texts"),
            teaching=self._teaching,
            grouping_seed=plan.seeds[0],
        )
        self._teaching = self.distiller.teaching
        self.status = replace(self.status, seed=seed)

    def _finish_seed(self) -> None:
        self.distiller.finish()
        self._save_students()

    def _save_students(self) -> None:
        seed, held_out, students = self.plan.seeds[self._index], self._measure(), self.distiller.students
        scores = {name: held_out.scores(student) for name, student in students.items()} if held_out else {}
        for arm, student in students.items():
            folder = self.run.student_folder(arm, seed)
            save(student, folder, self._tokenizer)
            write_card(folder, student, self.plan, arm, seed, self.distiller.done, scores, held_out)

    def _measure(self) -> Evaluator | None:
        """The held-out texts with the teacher's answers, computed when first needed."""
        file = self.run.folder / "held_out.safetensors"
        if self._held_out is None and file.exists():
            self._held_out = Evaluator(load_texts(file), self._teachers[0], teacher_logits=self._known.get("held_out"))
        return self._held_out

    def _log(self, step: Step) -> None:
        """Write the step's metrics and, where they are due, a measurement, a snapshot and a look at the watched text."""
        seed, total = self.plan.seeds[self._index], self.plan.training.steps
        lines = [{"seed": seed, **step.to_dict()}]
        last = step.number == total
        held_out = self._measure() if step.number == 1 or step.number % self.plan.measure_every == 0 or last else None
        if held_out is not None:
            scores = {name: asdict(held_out.scores(student)) for name, student in self.distiller.students.items()}
            lines.append(
                {"seed": seed, "number": step.number, "scores": {**scores, "teacher": asdict(held_out.of_teacher)}}
            )
        self._append(lines)
        if self._index == 0 and (step.number == 1 or last or self._is_snapshot(step.number, total)):
            self._snapshot(step.number, seed)
        self._watcher.look(self.distiller.students, seed, step.number)

    def _is_snapshot(self, number: int, total: int) -> bool:
        count = self.plan.snapshots
        return number * count // total > (number - 1) * count // total

    def _snapshot(self, number: int, seed: int) -> None:
        for arm, student in self.distiller.students.items():
            keep(self.run, arm, seed, number, student)

    def _append(self, lines: list[dict]) -> None:
        file = self.run.folder / "metrics.jsonl"
        with writing(self.run.folder), file.open("a", encoding="utf-8") as stream:
            stream.write("".join(json.dumps(line) + "\n" for line in lines))

    def _rewind(self, size: int) -> None:
        """Forget the metrics of steps that will be done again."""
        file = self.run.folder / "metrics.jsonl"
        if file.exists():
            with writing(self.run.folder), file.open("r+b") as stream:
                stream.truncate(size)

    def _checkpoint(self) -> None:
        done = self.status.done
        file = self.run.folder / "metrics.jsonl"
        facts = {
            "seed_index": self._index,
            "done": done,
            "seconds": self.status.seconds,
            "metrics_bytes": file.stat().st_size if file.exists() else 0,
        }
        target = self.run.folder / "checkpoints" / f"{done:09}"
        if not target.exists():
            save_state(self.distiller.state_dict(), target, facts)
        self.status = replace(self.status, checkpoint=done)
        self._drop_checkpoints(KEPT)

    def _drop_checkpoints(self, kept: int) -> None:
        checkpoints = self.run.checkpoints
        for folder in checkpoints[: len(checkpoints) - kept]:
            shutil.rmtree(folder, ignore_errors=True)

    def _note(self, state: State) -> None:
        per_second = len(self._recent) / sum(self._recent) if self._recent else 0.0
        left = (self.status.steps - self.status.done) / per_second if per_second else 0.0
        self.status = replace(self.status, state=state, per_second=per_second, seconds_left=left)
        self.run.write_status(self.status)
        self._status_at = time.monotonic()

    def _fail(self, error: LabError) -> None:
        self.error = {"code": error.code, "details": error.details}
        if error.code == "run_missing":  # what was written while somebody deleted it goes too
            shutil.rmtree(self.run.folder, ignore_errors=True)
            return
        try:
            status = self.run.status() if self.status is None else self.status
            self.run.write_status(replace(status, state="failed", error=self.error))
        except (LabError, OSError):
            return  # the folder is gone or the disk is full: whoever asked is told by the return value

    def _teacher(self, name: str) -> nn.Module:
        key = (self.plan.task, name)
        if key not in self._opened:
            self._opened[key] = observed(open_for(name, self.plan.task, self.plan.device))
        return self._opened[key]
