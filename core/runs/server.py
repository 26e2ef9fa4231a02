"""The one run queue of a server, which all learners share. It is opened by the first who needs it.

run_queue().submit(run.name, owner="a session")
close_run_queue()                                   # at the server's end: runs at work write a checkpoint first
"""

from __future__ import annotations

import threading

from core.folders import runs_folder
from core.runs.queue import RunQueue

_guard = threading.Lock()
_opened: RunQueue | None = None


def run_queue() -> RunQueue:
    """The server's run queue; the first call starts its worker processes, which import torch meanwhile."""
    global _opened
    with _guard:
        if _opened is None:
            _opened = RunQueue(runs_folder())
        return _opened


def close_run_queue() -> None:
    """End the workers, if there are any; runs at work write a checkpoint and are offered again next time."""
    global _opened
    with _guard:
        if _opened is not None:
            _opened.close()
        _opened = None
