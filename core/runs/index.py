"""The runs of a folder: the only listing, and the only way to open one by its name. Importing this costs nothing.

open_run("20261122-081500-a1b2c3")                # the name may come from an address
[run.name for run in finished_runs("an owner")]   # the latest first
finished_students("an owner")                     # their students, as model cards
at_work()                                         # how many runs train at this moment

Nothing here starts a worker process. Each function takes the folder of the runs; without one, it is `runs_folder()`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from core.errors import LabError
from core.folders import runs_folder
from core.models.card import ModelCard
from core.models.finished import students_of
from core.runs.run import Run, Status

FRESH_SECONDS = 30
"""A run at work writes its status several times per second; one that has not for this time is no longer at work."""


def open_run(name: str, folder: Path | None = None) -> Run:
    """The run of this name.

    Raises:
        LabError: `run_missing` if there is none, or if the name leads out of the folder.
    """
    # A name out of an address must not lead elsewhere: it is one part of a path, and no part that means another folder.
    if Path(name).name != name or name in ("", ".", "..") or "\0" in name:
        raise LabError("run_missing", name=name)
    return Run((runs_folder() if folder is None else folder) / name)


def all_runs(folder: Path | None = None) -> list[tuple[Run, Status]]:
    """Every run with its status, the latest first; those that were deleted meanwhile or cannot be read are left out."""
    found = []
    for file in (runs_folder() if folder is None else folder).glob("*/run.json"):
        try:
            run = Run(file.parent)
            found.append((run, run.status()))
        except LabError:
            continue  # whoever asks for it by its name is told
    return sorted(found, key=lambda pair: -pair[1].submitted)


def finished_runs(owner: str, folder: Path | None = None) -> list[Run]:
    """An owner's finished runs, the latest first."""
    return [run for run, status in all_runs(folder) if status.owner == owner and status.state == "finished"]


def finished_students(owner: str | None = None, folder: Path | None = None) -> list[ModelCard]:
    """The cards of finished students, those of the latest run first; only of this owner's runs, if one is given.

    Each call looks at every run's status file but reads only those that have changed.
    """
    folder = runs_folder() if folder is None else folder
    if not folder.is_dir():
        return []
    found = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name, reverse=True):
        whose, cards = students_of(Path(entry.path))
        if owner is None or whose == owner:
            found += cards
    return found


def at_work(folder: Path | None = None) -> int:
    """Count the runs that are being trained on this machine."""
    now = time.time()
    return sum(status.state == "running" and now - status.updated < FRESH_SECONDS for _, status in all_runs(folder))
