"""Folder of the build's data that must not be lost and are not shipped: encoded text, checkpoints, logs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch


def folder() -> Path:
    """`DISTILLERY_BUILD`, or a folder in the user's cache."""
    return Path(os.environ.get("DISTILLERY_BUILD", "~/.cache/distillery/build")).expanduser()


def labels_file(name: str) -> Path:
    """A file of labels, a JSON object per line; `labels.draws` makes each of them."""
    return folder() / "blanks" / f"{name}.jsonl"


def rows(file: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file with one per line.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def last_row(file: Path) -> dict[str, Any]:
    """The last of `rows`, as the progress in a training's log; empty where there is none."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return json.loads(lines[-1]) if lines else {}


def parts_done(file: Path, number: str) -> int:
    """Number of parts in `file` that were written whole, by the largest `number` (from 0) of its rows; 0 without a file."""
    return max((row[number] + 1 for row in rows(file)), default=0) if file.exists() else 0


def save(state: dict, file: Path) -> None:
    """Write a training checkpoint so that a kill in the middle leaves the old one whole.

    Checkpoints of a training that goes on never leave the machine that wrote them; what is shipped is safetensors.
    """
    partial = file.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(file)
