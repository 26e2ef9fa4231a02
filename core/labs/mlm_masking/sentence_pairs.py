"""Next-sentence and sentence-order prediction on two sentences: in order, swapped, the first with an unrelated sentence."""

from __future__ import annotations

from dataclasses import dataclass

from core.engine import Engine, Setting
from core.errors import LabError
from core.models.card import ModelCard
from core.models.finished import find_card
from core.trace import Trace

HEADS = {"nsp": "minilm-nsp", "sop": "minilm-sop"}
"""The shipped head for each task, on the shipped teacher's encoder."""

ARRANGEMENTS = ("order", "swapped", "stranger")

EXAMPLE = {
    "first": "The actors are wonderful in this movie.",
    "second": "The director knows how to make us laugh.",
    "stranger": "The tax on land must be paid in March.",
}
"""A pair, and a sentence from elsewhere."""

ALBERT = {"nsp": {"sop": 0.520}, "sop": {"nsp": 0.789}}
"""Accuracy of ALBERT trained on one task and measured on the other, `[trained][measured]` (Lan et al. 2020, table 5)."""

SMALL = 0.1
"""The smallest change of probability that is reported."""


@dataclass(frozen=True)
class Reading:
    """Both heads' predictions on the three arrangements.

    Attributes:
        yes: the probability of "it follows" (NSP) and of "in order" (SOP), `[task][arrangement]`.
        traces: the six passes, `[task][arrangement]`.
    """

    yes: dict[str, dict[str, float]]
    traces: dict[str, dict[str, Trace]]

    @property
    def cut(self) -> bool:
        """True if a pair was truncated."""
        return any(trace.tokens.truncated for of in self.traces.values() for trace in of.values())

    @property
    def told(self) -> bool:
        """True if the NSP head predicts the unrelated sentence with less probability than the next sentence."""
        return self.yes["nsp"]["stranger"] < self.yes["nsp"]["order"]

    def check(self) -> float:
        """The largest `Trace.check`."""
        return max(trace.check() for of in self.traces.values() for trace in of.values())

    @property
    def direction(self) -> int:
        """Effect of swapping on "it follows": 0 a change of at most `SMALL`, 1 a larger fall, 2 a larger rise."""
        change = self.yes["nsp"]["swapped"] - self.yes["nsp"]["order"]
        return 0 if abs(change) <= SMALL else 1 if change < 0 else 2


def arranged(first: str, second: str, stranger: str) -> dict[str, tuple[str, str]]:
    """The pair of sentences of each of `ARRANGEMENTS`."""
    return dict(zip(ARRANGEMENTS, ((first, second), (second, first), (first, stranger)), strict=True))


def read(engine: Engine, setting: Setting, first: str, second: str, stranger: str) -> Reading:
    """Run both heads, on the setting's device and in its precision, whatever teacher it names.

    Raises:
        LabError: `missing_pair` if a head is not installed, `empty_text`, and as `Engine.trace`.
    """
    heads()
    if not all(text.strip() for text in (first, second, stranger)):
        raise LabError("empty_text")
    pairs = arranged(first, second, stranger)
    traces = {
        task: {how: engine.trace(setting, name, *pair) for how, pair in pairs.items()} for task, name in HEADS.items()
    }
    yes = {
        task: {how: float(trace.class_logits.softmax(-1)[0]) for how, trace in of.items()}
        for task, of in traces.items()
    }
    return Reading(yes, traces)


def heads() -> dict[str, ModelCard]:
    """The cards of the heads, by task.

    Raises:
        LabError: `missing_pair` if one is not installed.
    """
    cards = {task: find_card(name) for task, name in HEADS.items()}
    for task, card in cards.items():
        if card is None:
            raise LabError("missing_pair", role=task.upper())
    return cards


def measured() -> dict[str, dict[str, float]]:
    """Accuracy of each head on both tasks, on held-out pairs, `[head][task]`, from the cards.

    Raises:
        LabError: as `heads`.
    """
    return {task: card.metrics["accuracy"][task] for task, card in heads().items()}


def pairs_measured() -> int:
    """Number of held-out pairs behind `measured`.

    Raises:
        LabError: as `heads`.
    """
    return heads()["nsp"].metrics["pairs"]
