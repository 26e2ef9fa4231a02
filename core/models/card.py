"""Model cards: what the lab ships, where it comes from, and how good it was measured to be."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.errors import LabError

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "models"

TASKS = ("words", "kinds", "sentiment", "pairs")
"""Tasks of shipped models: the masked word, the supersense of a definition's noun, the sentiment of a review, and
whether one sentence follows another."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader, in C where PyYAML was built with it: hundreds of students' cards are read when a server starts."""

FIRST = ("minilm-teacher", "minilm-student")
"""The pair that the lab opens with."""

OPENED_EARLY = (*FIRST, "kinds-teacher", "kinds-student")
"""Models that pages show before one is chosen; an opened one of the teacher's size takes 90 MB, so others wait to be chosen."""


@dataclass(frozen=True)
class ModelCard:
    """Facts about a checkpoint that are known before its weights are read.

    Attributes:
        name: by which `load` finds it: of a shipped model its folder's name, see `core.models.finished` for others.
        title: the learner's title of the run that made it; "" for a shipped model.
        role: "teacher", "student", or "" for a checkpoint from elsewhere.
        task: its task, one of `TASKS` as a rule; "" for a checkpoint from elsewhere.
        labels: the names of its classes, in the order of its logits; none for a model that predicts words.
        layers, width, heads, vocabulary: the model's shape.
        parameters: number of weights, tied ones counted once.
        size_bytes: the size of its files on disk; a shard that two models share counts for both.
        licence, origin: of the weights.
        metrics: measured quality, as `core.build` wrote it into the card.
        folder: the folder of the files.
        hashes: the SHA-256 of each weight file, by its path from `folder`.
    """

    name: str
    role: str
    layers: int
    width: int
    heads: int
    vocabulary: int
    parameters: int
    size_bytes: int
    licence: str
    origin: str
    folder: Path
    metrics: dict[str, Any] = field(default_factory=dict, compare=False)
    task: str = ""
    labels: tuple[str, ...] = ()
    title: str = ""
    hashes: dict[str, str] = field(default_factory=dict, compare=False)


@cache
def catalog() -> list[ModelCard]:
    """The shipped models, read from the front matter of `assets/models/*/README.md`.

    Teachers come first, those that predict words before the classifiers, and of each kind the one that the lab opens with.
    """
    cards = [read_card(readme.parent) for readme in SHIPPED.glob("*/README.md")]
    tasks = {task: place for place, task in enumerate(TASKS)}
    return sorted(
        cards,
        key=lambda card: (card.role != "teacher", tasks.get(card.task, len(tasks)), card.name not in FIRST, card.name),
    )


def read_card(folder: Path) -> ModelCard:
    """The card in a model's folder."""
    _, front, prose = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    facts = yaml.load(front, Loader=_LOADER)
    described = {"task": "words", **facts["distillery"]}
    described["labels"] = tuple(described.get("labels", ()))
    hashes = dict(re.findall(r"^\| `([^`]+)` \| `([0-9a-f]{64})` \|$", prose, flags=re.MULTILINE))
    return ModelCard(name=folder.name, licence=facts["license"], folder=folder, hashes=hashes, **described)


def verify(card: ModelCard) -> None:
    """Compare a model's weight files with the hashes in its card.

    A file's whole content is hashed once in a process, and again only if its size or time of change differ: about 0.1 s for
    all that is shipped. It proves that the files are those that were measured, not that they are harmless: who can change the
    weights can change the card.

    Raises:
        LabError: `missing_checkpoint` or `changed_checkpoint`, naming the first such file.
    """
    for name, expected in card.hashes.items():
        file = (card.folder / name).resolve()
        if not file.is_file():
            raise LabError("missing_checkpoint", name=f"{card.name}/{name}")
        facts = file.stat()
        found = _sha256(file, facts.st_size, facts.st_mtime_ns)
        if found != expected:
            raise LabError("changed_checkpoint", name=card.name, file=name, found=found[:12], expected=expected[:12])


@cache
def _sha256(file: Path, size: int, changed: int) -> str:
    """The hash of a file's content; size and time of change make a changed file another key."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
