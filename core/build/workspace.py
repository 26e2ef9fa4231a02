"""Where the build keeps what it must not lose and does not ship: encoded text, checkpoints, logs."""

from __future__ import annotations

import os
from pathlib import Path

import torch


def folder() -> Path:
    """`DISTILLERY_BUILD`, or a folder in the user's cache."""
    return Path(os.environ.get("DISTILLERY_BUILD", "~/.cache/distillery/build")).expanduser()


def save(state: dict, file: Path) -> None:
    """Writes a training checkpoint so that a kill in the middle leaves the old one whole.

    Checkpoints of a training that goes on never leave the machine that wrote them; what is shipped is safetensors.
    """
    partial = file.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(file)
