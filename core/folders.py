"""Folders of what a learner makes: progress, and the runs of their students."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

FOLDER_VARIABLE = "DISTILLERY_DATA"
"""Names the folder, where the user's own data folder is not the place for it."""


def data_folder() -> Path:
    """The folder that `DISTILLERY_DATA` names, else the user's data folder."""
    named = os.environ.get(FOLDER_VARIABLE, "").strip()
    return Path(named).expanduser() if named else Path(platformdirs.user_data_dir("distillery", appauthor=False))


def runs_folder() -> Path:
    """Folder of the runs, each in a folder of its own."""
    return data_folder() / "runs"
