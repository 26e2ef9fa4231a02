"""Plan of the teacher's training on masked examples, read from `rounds.toml`: round after round, and the means of their
results."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from core.build.labels.draws import drawn
from core.build.train.filling import Filling
from core.build.workspace import labels_file


@dataclass(frozen=True)
class Round:
    """A training on blanks.

    Attributes:
        start: the model that it goes on from.
        labels: their names; what is named twice counts twice.
        plan: how it goes.
        minutes: about how long it takes on two idle cores.
        reads: what a card calls its labels.
    """

    start: str
    labels: tuple[str, ...]
    plan: Filling
    minutes: int
    reads: str

    @property
    def files(self) -> list[Path]:
        """Its labels."""
        return [labels_file(name) for name in self.labels]


@dataclass(frozen=True)
class Written:
    """One draw of the labels that SmolLM2 leaves while it writes, and about how many minutes each kind of them takes."""

    draw: int
    minutes: dict[str, int]


@dataclass(frozen=True)
class Judged:
    """One draw of labels of a `kind` that SmolLM2 judges; the `guesser` is the model that proposes words too."""

    kind: str
    draw: int
    guesser: str
    minutes: int

    @property
    def name(self) -> str:
        """The name of the file of labels and of the stage that writes it."""
        return drawn(self.kind, self.draw)


def _round(found: dict) -> Round:
    labels = tuple(name for name, times in found["labels"].items() for _ in range(times))
    return Round(found["start"], labels, Filling(**found["plan"]), found["minutes"], found["reads"])


_FILE = tomllib.loads((Path(__file__).parent / "rounds.toml").read_text(encoding="utf-8"))
_MODELS: dict[str, dict] = _FILE["models"]

ROUNDS = {name: _round(found) for name, found in _MODELS.items() if "start" in found}
"""The trainings on blanks, by folder."""

MEANS = {name: tuple(found["mean_of"]) for name, found in _MODELS.items() if "mean_of" in found}
"""Models whose weights are the mean of others', all of which end with a learning rate of zero and have read last words."""

ROWS = {name: found["row"] for name, found in _MODELS.items() if "row" in found}
"""The rounds and means that are measured, in the order in which they came to be, and what a card calls them."""

WRITTEN = tuple(Written(**found) for found in _FILE["written"])
JUDGED = tuple(Judged(**found) for found in _FILE["judged"])


def made_of(name: str) -> tuple[str, ...]:
    """The trainings whose weights one of `MEANS` is made of; a training is made of itself."""
    return tuple(part for each in MEANS[name] for part in made_of(each)) if name in MEANS else (name,)
