"""One label of a sentence with a blank, and the files of labels: pack after pack, a JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from core.build import workspace

BLANK = "[MASK]"
"""Marks the masked word in a label's sentence."""


@dataclass(frozen=True)
class Label:
    """A sentence with one [MASK], the words that fit there, and their probabilities."""

    text: str
    words: tuple[str, ...]
    p: tuple[float, ...]


def append(file: Path, pack: int, found: Iterable[Label]) -> None:
    """Write a whole pack at once, a JSON object per line."""
    rows = "".join(json.dumps({"pack": pack, **asdict(label)}) + "\n" for label in found)
    with file.open("a", encoding="utf-8") as out:
        out.write(rows)


def packs_done(file: Path) -> int:
    """Number of packs in `file`."""
    return workspace.parts_done(file, "pack")
