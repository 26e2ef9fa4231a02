"""The process in which runs are worked on, one at a time: `python -m core.runs.process.worker`.

It reads one JSON object per line: {"run": folder} works on a run, with "steps" for that number only;
{"run": folder, "wanted": "pause"} (or "stop") is for the run at work. It answers with a line each: {"ready": true} once
it has imported everything, {"run", "state"} whenever a run was left. A paused run stays open until another one comes, so
that a single step is quick. When its input ends, because the server was closed or killed, it writes a checkpoint and ends
too.

    echo '{"run": "runs/first", "steps": 10}' | python -m core.runs.process.worker
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from functools import partial
from pathlib import Path
from typing import Any, TextIO

LOCK_SECONDS = 60.0
"""Seconds to wait for another process that is at work on the same run."""


def main() -> None:
    """Work until the input ends."""
    # Only this module may write to the pipe: a library's print must not look like an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    inbox = Inbox(sys.stdin)
    import torch
    from filelock import FileLock

    from core.errors import LabError
    from core.runs.process.session import Session
    from core.runs.run import Run

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if hasattr(os, "nice"):
        os.nice(5)  # pages go first
    _say(answers, ready=True)
    opened: dict = {}
    session: Session | None = None
    while (job := inbox.next_job()) is not None:
        folder = job["run"]
        try:
            run = Run(folder)
            # The worker of a server that was just killed may still be writing its checkpoint.
            with FileLock(run.folder / "lock", timeout=LOCK_SECONDS):
                if session is None or not session.is_at(run):
                    session = None  # frees the memory of the one before
                    session = Session(run, opened, **job.get("options", {}))
                state = session.train(partial(inbox.wanted, folder), job.get("steps"))
            _say(answers, run=folder, state=state, **({"error": session.error} if session.error else {}))
            if state != "paused":
                session = None
        except LabError as error:
            session = None
            _say(answers, run=folder, state="failed", error={"code": error.code, "details": error.details})
        except Exception as error:  # one run's mishap must not take the process, and the next run, with it
            session = None
            traceback.print_exc()
            details = {"name": Path(folder).name, "reason": f"{type(error).__name__}: {error}"}
            _say(answers, run=folder, state="failed", error={"code": "broken_run", "details": details})


class Inbox:
    """Requests from the server, read by a thread of its own so that a run at work can look at any time."""

    def __init__(self, stream: TextIO) -> None:
        self._jobs: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._wishes: dict[str, str] = {}
        self._closed = False
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def wanted(self, folder: str) -> str:
        """Request to the run at work; "leave" once the input has ended."""
        return "leave" if self._closed else self._wishes.get(folder, "run")

    def next_job(self) -> dict[str, Any] | None:
        """Wait for the next run; None once the input has ended."""
        return None if self._closed else self._jobs.get()

    def _read(self, stream: TextIO) -> None:
        for line in stream:
            message = json.loads(line)
            wish = message.pop("wanted", None)
            self._wishes[message["run"]] = wish or "run"
            if wish is None:
                self._jobs.put(message)
        self._closed = True
        self._jobs.put(None)


def _say(answers: TextIO, **facts: Any) -> None:
    try:
        print(json.dumps(facts), file=answers, flush=True)
    except BrokenPipeError:
        return  # the server is gone; the end of the input will say so too


if __name__ == "__main__":
    main()
