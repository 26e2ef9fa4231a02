"""Other load of the machine during a timing."""

from __future__ import annotations

import os


def load() -> float:
    """Processes that want a core, the mean of the last minute; NaN where the system does not report it."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return float("nan")
