"""Definitions of nouns, each labelled with one of 16 supersenses: the course's classification task.

From WordNet 3.0, whose lexicographers filed every noun under one; `core/build/text/kinds_data.py` chose and split them, and
`assets/data/kinds/README.md` explains how. Importing this module is cheap: torch is imported by `teacher_logits`.
"""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data import SHIPPED
from core.errors import LabError

if TYPE_CHECKING:
    from torch import Tensor

KINDS = (
    "animal",
    "plant",
    "food",
    "substance",
    "body",
    "person",
    "artifact",
    "location",
    "act",
    "event",
    "phenomenon",
    "state",
    "attribute",
    "feeling",
    "cognition",
    "communication",
)
"""The classes, in the order of the models' logits; similar ones are next to each other."""

PARTS = ("teacher", "transfer", "validation", "test")
"""Splits: the teacher's labelled texts; the students' texts, on whose labels the teacher was not trained; and those on which
no model is trained."""

FOLDER = SHIPPED / "kinds"
TABLE = "definitions.csv.gz"
LOGITS = "teacher_logits.safetensors"
RESULTS = "experiment.json"


@dataclass(frozen=True)
class Definition:
    """One definition: the text, a word that it defines, and the kind's index in `KINDS`."""

    text: str
    word: str
    kind: int


@cache
def definitions(part: str, folder: Path = FOLDER) -> tuple[Definition, ...]:
    """The definitions of one of `PARTS`, in their order.

    Raises:
        LabError: `missing_data` if the file is not there.
        KeyError: there is no such part.
    """
    return _table(folder)[part]


@cache
def _table(folder: Path) -> dict[str, tuple[Definition, ...]]:
    if not (folder / TABLE).exists():
        raise LabError("missing_data", name=f"kinds/{TABLE}")
    parts: dict[str, list[Definition]] = {part: [] for part in PARTS}
    with gzip.open(folder / TABLE, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            parts[row["part"]].append(Definition(row["definition"], row["word"], KINDS.index(row["kind"])))
    return {part: tuple(rows) for part, rows in parts.items()}


@cache
def teacher_logits(part: str, folder: Path = FOLDER) -> Tensor:
    """The shipped teacher's logits for "transfer", "validation" or "test", `[definition, kind]`, in float32.

    They are stored in half precision, which keeps three digits.

    Raises:
        LabError: `missing_data` if the file is not there.
        KeyError: the teacher's own texts, or no such part.
    """
    import torch
    from safetensors.torch import load_file

    if not (folder / LOGITS).exists():
        raise LabError("missing_data", name=f"kinds/{LOGITS}")
    return load_file(folder / LOGITS)[part].to(torch.float32)


@cache
def experiment(folder: Path = FOLDER) -> dict[str, Any]:
    """Results written by `core.build.train.kinds_experiment`: `recipe`, `teacher`, and `runs`, one per student.

    Raises:
        LabError: `missing_data` if the file is not there.
    """
    if not (folder / RESULTS).exists():
        raise LabError("missing_data", name=f"kinds/{RESULTS}")
    return json.loads((folder / RESULTS).read_text(encoding="utf-8"))
