"""Model cards: what the lab ships, where it comes from, and how good it was measured to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "models"


@dataclass(frozen=True)
class ModelCard:
    """What is known of a checkpoint before its weights are read.

    Attributes:
        name: the folder's name, by which `load` finds a shipped model.
        role: "teacher", "student", or "" for a checkpoint from elsewhere.
        layers, width, heads, vocabulary: the model's shape.
        parameters: number of weights, tied ones counted once.
        size_bytes: what its files take on disk; a shard that two models share counts for both.
        licence, origin: of the weights.
        metrics: measured quality, as `core.build` wrote it into the card.
        folder: where the files lie.
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


@cache
def catalog() -> list[ModelCard]:
    """The shipped models, teachers first, read from the front matter of `assets/models/*/README.md`."""
    cards = [read_card(readme.parent) for readme in SHIPPED.glob("*/README.md")]
    return sorted(cards, key=lambda card: (card.role != "teacher", card.name))


def read_card(folder: Path) -> ModelCard:
    """The card of one shipped model."""
    _, front, _ = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    facts = yaml.safe_load(front)
    return ModelCard(name=folder.name, licence=facts["license"], folder=folder, **facts["distillery"])
