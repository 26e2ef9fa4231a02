"""Students that runs have made, as model cards: the part of the catalogue that grows while the lab is used.

named("20260314-150926-abcdef/distilled-0")    # a run's folder and a student in it; or the name of a shipped model
students_of(folder)                            # who owns a run, and the cards of its finished students

A student is listed once its run is finished, for then it changes no more. `core.runs.index` lists the runs.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import yaml

from core.folders import runs_folder
from core.models.card import ModelCard, catalog, read_card

_NAME = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+")
"""A run's folder and a student's in it; nothing that could lead elsewhere."""

RUNS_KEPT = 4096
"""Runs whose cards are kept in memory."""


def find_card(name: str) -> ModelCard | None:
    """The card of a shipped model or of a finished student, or None."""
    for one in catalog():
        if one.name == name:
            return one
    if not _NAME.fullmatch(name):
        return None
    _, cards = students_of(runs_folder() / name.partition("/")[0])
    return next((one for one in cards if one.name == name), None)


def students_of(folder: Path) -> tuple[str, tuple[ModelCard, ...]]:
    """The owner of a run and the cards of its finished students; "" and none if the folder is no run, or gone.

    The status file is looked at, but read only if it has changed.
    """
    file = folder / "status.json"
    try:
        changed = file.stat().st_mtime_ns
    except OSError:
        return "", ()
    return _read(file, changed)


@lru_cache(RUNS_KEPT)
def _read(file: Path, changed: int) -> tuple[str, tuple[ModelCard, ...]]:
    """Owner and cards named by one status file; the time of its last change makes a changed file another key."""
    try:
        status = json.loads(file.read_text(encoding="utf-8"))
        if status["state"] != "finished":
            return status["owner"], ()
        cards = [_card(readme.parent) for readme in sorted(file.parent.glob("students/*/README.md"))]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):  # a damaged run has nothing to offer
        return "", ()
    return status["owner"], tuple(sorted(cards, key=lambda card: (card.name.split("/")[1] != "distilled-0", card.name)))


def _card(folder: Path) -> ModelCard:
    return replace(read_card(folder), name=f"{folder.parent.parent.name}/{folder.name}")
