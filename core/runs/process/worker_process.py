"""One worker process as the run queue sees it.

For example:

    worker = WorkerProcess(folder, on_answer, on_death)
    worker.work_on(run.folder)             # once `worker.ready`
    worker.ask(run.folder, "pause")
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


class WorkerProcess:
    """Process of `core.runs.process.worker`, with a record of its work.

    Attributes:
        ready: whether it has imported what it needs.
        was_ready: the same, also after its end.
        at_work: the name of the run that it works on, or None.
        holding: the name of a paused run that it still has open, or None.

    Args:
        folder: for its log.
        on_answer: called with the worker and each of its answers, from a thread of its own.
        on_death: called with the worker and the run it was at work on, when the process ends.
    """

    def __init__(
        self,
        folder: Path,
        on_answer: Callable[[WorkerProcess, dict[str, Any]], None],
        on_death: Callable[[WorkerProcess, str | None], None],
    ) -> None:
        self.ready = self.was_ready = False
        self.at_work: str | None = None
        self.holding: str | None = None
        self._on_answer, self._on_death = on_answer, on_death
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        with (folder / "worker.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.runs.process.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=environment,
                text=True,
            )
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The process' number."""
        return self._process.pid

    def work_on(self, run: Path, steps: int | None, options: dict[str, Any]) -> None:
        """Hand over a run; only to a worker that is ready and not at work."""
        self.at_work, self.holding = run.name, None
        self._send({"run": str(run), "steps": steps, "options": options})

    def ask(self, run: Path, wanted: str) -> None:
        """Request a "pause" or a "stop" of the run at work."""
        self._send({"run": str(run), "wanted": wanted})

    def end(self) -> None:
        """Close its input: it writes a checkpoint and ends."""
        with self._writing:
            if not self._process.stdin.closed:
                try:
                    self._process.stdin.close()
                except BrokenPipeError:
                    return

    def join(self, seconds: float) -> None:
        """Wait for its end, and end it by force after `seconds`."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(1.0)

    def _send(self, message: dict[str, Any]) -> None:
        with self._writing:
            try:
                self._process.stdin.write(json.dumps(message) + "\n")
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):
                return  # it is gone; the listener has noticed, or is about to

    def _listen(self) -> None:
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("ready"):
                self.ready = self.was_ready = True
            else:
                name = Path(answer["run"]).name
                self.at_work, self.holding = None, name if answer["state"] == "paused" else None
            self._on_answer(self, answer)
        self._process.wait()
        at_work, self.at_work, self.ready = self.at_work, None, False
        self._on_death(self, at_work)
