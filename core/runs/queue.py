"""The run_queue: worker processes and the queue before them. Importing it costs nothing: the workers import torch.

    run_queue = RunQueue(folder)                    # starts the workers; one on two cores
    run_queue.submit(run.name, owner="session 7")
    [view.place for view in run_queue.views()], run_queue.view(run.name).wait_seconds
    run_queue.close()                               # runs at work write a checkpoint and are offered again next time

The order is fair between owners: whoever was served longest ago comes next, so one who starts ten runs does not keep the
others waiting for all ten.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.runs.estimates import Estimates
from core.runs.index import all_runs, open_run
from core.runs.process.worker_process import WorkerProcess
from core.runs.run import RESUMABLE, Run, Status

FALSE_STARTS = 3
"""Workers in a row that ended before they were ready: then something is wrong for good, and no more are started."""


@dataclass(frozen=True)
class RunView:
    """A run as a page shows it.

    Attributes:
        name, title: of the run.
        status: its status; its `state` is "queued" while it waits.
        place: in the queue from 1 on; 0 if it does not wait.
        wait_seconds: until it begins, by what the runs before it still need; 0 if it does not wait.
        plan: what it is to do, as JSON holds it.
    """

    name: str
    title: str
    status: Status
    place: int = 0
    wait_seconds: float = 0.0
    plan: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def state(self) -> str:
        """The status' state."""
        return self.status.state

    @property
    def resumable(self) -> bool:
        """True if it can go on."""
        return self.state in RESUMABLE


@dataclass(frozen=True)
class _Ticket:
    """A run that waits.

    Attributes:
        number: rises with each submission.
        steps: how many to do; all if None.
    """

    name: str
    owner: str
    number: int
    steps: int | None = None


class RunQueue:
    """Queue of runs, which are worked on in processes of their own, `slots` at a time.

    Args:
        folder: of the runs, each in a folder of its own.
        slots: worker processes; one for every two cores if None, but at least one.
        options: passed on to `core.runs.process.session.Session`.
    """

    def __init__(self, folder: Path | str, slots: int | None = None, options: dict[str, Any] | None = None) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._options = options or {}
        self._lock = threading.RLock()
        self._waiting: list[_Ticket] = []
        self._served: dict[str, int] = {}
        self._errors: dict[str, dict[str, Any]] = {}
        self._estimates = Estimates()
        self._count = 0
        self._closing = False
        self._false_starts = 0
        self._mark_interrupted()
        count = slots or max(1, (os.cpu_count() or 1) // 2)
        self._workers = [WorkerProcess(self.folder, self._on_answer, self._on_death) for _ in range(count)]

    def submit(self, name: str, owner: str = "", steps: int | None = None) -> None:
        """Put a run into the queue: a new one, or one that can go on.

        Args:
            owner: who starts it; the queue is fair between owners.
            steps: pause after this number of steps.

        Raises:
            LabError: `run_missing`.
        """
        run = self._run(name)
        with self._lock:
            at_work = any(worker.at_work == name for worker in self._workers)
            # A worker notes "paused" on disk a moment before it says so: who asks in between must not be forgotten.
            if any(t.name == name for t in self._waiting) or (at_work and run.status().state not in RESUMABLE):
                return
            self._count += 1
            self._errors.pop(name, None)
            status = replace(run.status(), state="queued", owner=owner, submitted=time.time(), error={})
            run.write_status(status)
            self._waiting.append(_Ticket(name, owner, self._count, steps))
            self._dispatch()

    def resume(self, name: str, owner: str = "") -> None:
        """Let a run go on; the same as `submit`."""
        self.submit(name, owner)

    def step(self, name: str, owner: str = "") -> None:
        """Do a single step of a run that is not at work."""
        self.submit(name, owner, steps=1)

    def pause(self, name: str) -> None:
        """Request a checkpoint and a pause of a run; one that waits leaves the queue."""
        self._ask(name, "pause")

    def stop(self, name: str) -> None:
        """Request the end of a run where it is; its students are saved as they are. It can still go on later."""
        self._ask(name, "stop")

    def delete(self, name: str) -> None:
        """Stop a run and remove its folder."""
        with self._lock:
            self._waiting = [ticket for ticket in self._waiting if ticket.name != name]
            for worker in self._workers:
                if worker.at_work == name:
                    worker.ask(self.folder / name, "pause")
        try:
            self._run(name).delete()
        except LabError:
            return

    def view(self, name: str) -> RunView:
        """One run as a page shows it.

        Raises:
            LabError: `run_missing`, `broken_run`.
        """
        run = self._run(name)
        return self._view(run, run.status(), self._waits())

    def views(self, owner: str | None = None) -> list[RunView]:
        """All runs, the latest first; folders that cannot be read are left out.

        Args:
            owner: only of this owner's, if one is given.
        """
        waits, found = self._waits(), []
        for run, status in all_runs(self.folder):
            if owner is not None and status.owner != owner:
                continue
            try:
                found.append(self._view(run, status, waits))
            except LabError:
                continue
        return found

    def interrupted(self) -> list[RunView]:
        """The runs that a server's end cut off: offered for resumption."""
        return [view for view in self.views() if view.state == "interrupted"]

    def estimate(self, plan: Mapping[str, Any]) -> float:
        """Seconds that a run with this plan (as JSON holds it) would take, by what runs here have shown."""
        return self._estimates.seconds(plan)

    @property
    def ready(self) -> bool:
        """True once every worker has imported what it needs."""
        return all(worker.ready for worker in self._workers)

    def close(self, seconds: float = 20.0) -> None:
        """End the workers; runs at work write a checkpoint first."""
        with self._lock:
            self._closing = True
        for worker in self._workers:
            worker.end()
        deadline = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0.1, deadline - time.monotonic()))
        self._mark_interrupted()

    def _run(self, name: str) -> Run:
        return open_run(name, self.folder)

    def _view(self, run: Run, status: Status, waits: dict[str, tuple[int, float]]) -> RunView:
        if run.name in self._errors:
            status = replace(status, state="failed", error=self._errors[run.name])
        place, seconds = waits.get(run.name, (0, 0.0))
        plan = run.written_plan
        return RunView(run.name, plan["title"], status, place, seconds, plan)

    def _ask(self, name: str, wanted: str) -> None:
        run = self._run(name)
        with self._lock:
            waited = any(ticket.name == name for ticket in self._waiting)
            self._waiting = [ticket for ticket in self._waiting if ticket.name != name]
            for worker in self._workers:
                if worker.at_work == name:
                    worker.ask(run.folder, wanted)
            if waited:
                run.write_status(replace(run.status(), state="paused" if wanted == "pause" else "stopped"))

    def _order(self) -> list[_Ticket]:
        """The queue as it will be served: at each turn the owner who was served longest ago, then the older ticket."""
        served, left, order = dict(self._served), list(self._waiting), []
        turn = max(served.values(), default=0)
        while left:
            ticket = min(left, key=lambda each: (served.get(each.owner, 0), each.number))
            left.remove(ticket)
            order.append(ticket)
            turn += 1
            served[ticket.owner] = turn
        return order

    def _waits(self) -> dict[str, tuple[int, float]]:
        """By the name of each run that waits: its place, and the seconds until it begins."""
        with self._lock:
            free = sorted(self._left(worker.at_work) for worker in self._workers)
            found = {}
            for place, ticket in enumerate(self._order(), start=1):
                begins = free.pop(0)
                found[ticket.name] = (place, begins)
                free = sorted([*free, begins + self._left(ticket.name, ticket.steps)])
            return found

    def _left(self, name: str | None, steps: int | None = None) -> float:
        """Seconds of work that a run still needs; 0 for none, or one that is gone."""
        if name is None:
            return 0.0
        try:
            run = self._run(name)
            status, plan = run.status(), run.written_plan
        except LabError:
            return 0.0
        if status.state == "running":
            self._estimates.learn(plan, status.per_second)
        seconds = self._estimates.seconds(plan, status.done, status.per_second)
        return seconds if steps is None else seconds * min(1.0, steps / max(status.steps - status.done, 1))

    def _dispatch(self) -> None:
        """Give waiting runs to idle workers, a paused run to the one that still has it open."""
        for ticket in self._order():
            idle: Sequence[WorkerProcess] = [w for w in self._workers if w.ready and w.at_work is None]
            if not idle or self._closing:
                return
            worker = next((each for each in idle if each.holding == ticket.name), idle[0])
            self._waiting.remove(ticket)
            self._served[ticket.owner] = max(self._served.values(), default=0) + 1
            worker.work_on(self.folder / ticket.name, ticket.steps, self._options)

    def _on_answer(self, worker: WorkerProcess, answer: dict[str, Any]) -> None:
        with self._lock:
            if "error" in answer:  # the folder may be past telling
                self._errors[Path(answer["run"]).name] = answer["error"]
            self._dispatch()

    def _on_death(self, worker: WorkerProcess, name: str | None) -> None:
        """A worker ended unasked: its run can go on from its last checkpoint, and a new worker takes its place."""
        with self._lock:
            if self._closing:
                return
            if name is not None:
                self._note_interrupted(name, {"code": "worker_died", "details": {"name": name}})
            self._false_starts = 0 if worker.was_ready else self._false_starts + 1
            if self._false_starts >= FALSE_STARTS:
                return
            self._workers[self._workers.index(worker)] = WorkerProcess(self.folder, self._on_answer, self._on_death)

    def _mark_interrupted(self) -> None:
        """Mark the runs that were at work or waiting when the server ended."""
        for run, status in all_runs(self.folder):
            if status.state in ("running", "queued"):
                self._note_interrupted(run.name, {})

    def _note_interrupted(self, name: str, error: dict[str, Any]) -> None:
        try:
            run = self._run(name)
            run.write_status(replace(run.status(), state="interrupted", error=error))
        except LabError:
            return
