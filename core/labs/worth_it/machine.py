"""What else the machine was doing while something was timed on it."""

from __future__ import annotations

import os
import time

from core.errors import LabError
from core.folders import runs_folder
from core.runs.run import Run

FRESH_SECONDS = 30
"""A run at work writes its status several times a second; one that has not for so long is no longer at work."""


def trainings() -> int:
    """How many runs are being trained on this machine by this server's workers."""
    found = 0
    for file in runs_folder().glob("*/run.json"):
        try:
            status = Run(file.parent).status()
        except (LabError, TypeError):
            continue
        found += status.state == "running" and time.time() - status.updated < FRESH_SECONDS
    return found


def load() -> float:
    """Processes that want a core, the mean of the last minute; NaN where the system does not say."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return float("nan")
