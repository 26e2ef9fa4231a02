"""The one workshop of a server, whose queue all learners share. It is opened by the first who needs it.

workshop().submit(run.name, owner="a session")
close_workshop()                                   # at the server's end: runs at work write a checkpoint first
"""

from __future__ import annotations

import threading

from core.folders import runs_folder
from core.runs.queue import Workshop

_guard = threading.Lock()
_opened: Workshop | None = None


def workshop() -> Workshop:
    """The server's workshop; the first call starts its worker processes, which import torch beside."""
    global _opened
    with _guard:
        if _opened is None:
            _opened = Workshop(runs_folder())
        return _opened


def close_workshop() -> None:
    """Ends the workers, if there are any; runs at work write a checkpoint and are offered again next time."""
    global _opened
    with _guard:
        if _opened is not None:
            _opened.close()
        _opened = None
