"""Soft labels of two models for one masked word at any temperature.

Hinton, Vinyals, Dean 2015 (Distilling the Knowledge in a Neural Network), section 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from core.engine import Engine, Setting
from core.errors import LabError
from core.labs import masked_words as predictions
from core.memory import remembered
from core.theory.temperature import TEMPERATURES, dark_knowledge, effective_classes, entropy, soften

BANDS = (1, 10, 100, 1000)
"""Last ranks of the bands: the best word, the next nine, the next ninety, ..."""

FEW = 10
"""A classification task of ordinary size, to compare a vocabulary with."""


@dataclass(frozen=True)
class MaskedPosition:
    """Logits of teacher and student at one masked position.

    Attributes:
        teacher, student: logits, `[vocabulary]`.
        truth: the id of the word taken as the hard label.
        spell: from ids to the pieces of the vocabulary.
    """

    teacher: Tensor
    student: Tensor
    truth: int
    spell: Callable[[Sequence[int]], list[str]]

    @property
    def words(self) -> int:
        """The size of the vocabulary."""
        return len(self.teacher)

    @property
    def identical(self) -> bool:
        """True if both have the same logits, so that there is nothing to distil."""
        return torch.equal(self.teacher, self.student)

    def word(self, id: int) -> str:
        """One piece of the vocabulary."""
        return self.spell([id])[0]

    def only(self, count: int) -> MaskedPosition:
        """The same position with the teacher's `count` best words as the only classes.

        The true word replaces the last of them if it is not among them.
        """
        ids = self.teacher.topk(min(count, len(self.teacher))).indices
        if self.truth not in ids:
            ids[-1] = self.truth
        truth = int((ids == self.truth).nonzero())
        return MaskedPosition(
            self.teacher[ids], self.student[ids], truth, lambda chosen: self.spell(ids[list(chosen)].tolist())
        )


def open_gap(engine: Engine, setting: Setting, text: str, position: int) -> MaskedPosition:
    """Both models' logits at one position; the teacher's top-1 prediction is taken as the true word.

    Raises:
        LabError: `different_vocabulary`, `no_vocabulary_head`, and as `Engine.trace`.
    """
    predictions.require_shared_vocabulary(engine, setting)
    teacher = engine.trace(setting, setting.teacher, text).logits[position]
    student = engine.trace(setting, setting.student, text).logits[position]
    spell = engine.checkpoint(setting, setting.teacher).tokenizer.convert_ids_to_tokens
    return MaskedPosition(teacher, student, int(teacher.argmax()), spell)


def with_truth(engine: Engine, setting: Setting, gap: MaskedPosition, word: str) -> MaskedPosition:
    """The masked position with another true word: a piece of the vocabulary, or a word that the tokenizer leaves whole.

    Raises:
        LabError: `not_one_token`.
    """
    tokenizer = engine.checkpoint(setting, setting.teacher).tokenizer
    special = set(tokenizer.all_special_ids)
    exact = tokenizer.convert_tokens_to_ids(word.strip())  # the unknown token's id where there is no such piece
    known = exact is not None and exact != tokenizer.unk_token_id
    ids = [exact] if known else tokenizer(" " + word.strip(), add_special_tokens=False)["input_ids"]
    if len(ids) != 1 or ids[0] in special:
        # Pages set the word in a code span, which a backtick would end.
        raise LabError("not_one_token", word=word.strip()[:40].replace("`", "'"))
    return replace(gap, truth=ids[0])


@dataclass(frozen=True)
class SoftLabel:
    """One model's probabilities at one temperature, in numbers.

    Attributes:
        entropy: in nats.
        effective: exp(entropy), the number of equally likely words of the same entropy.
        dark: the mass outside the most likely word.
        top: the mass of the most likely word.
        kept: number of words that keep the rank of their logit (a tie counts as kept).
        bands: the mass of rank 1, 2–10, 11–100, 101–1,000 and beyond, `[band]`; empty bands are left out.
    """

    entropy: float
    effective: float
    dark: float
    top: float
    kept: int
    bands: tuple[float, ...]

    @property
    def best(self) -> float:
        """The mass of the ten best words."""
        return sum(self.bands[:2])

    @property
    def tail(self) -> float:
        """The mass of all others."""
        return sum(self.bands[2:])


@remembered()
def descending(logits: Tensor) -> Tensor:
    """The logits from the largest down, in double precision, `[vocabulary]`: no temperature changes their order.

    In float32, neighbours of a vocabulary run into each other at a high temperature.
    """
    return logits.double().sort(descending=True).values


def soft_label(logits: Tensor, temperature: float) -> SoftLabel:
    """The soft label of one row of logits, `[vocabulary]`, at a temperature."""
    ranked = soften(descending(logits), temperature)
    edges = [0, *[edge for edge in BANDS if edge < len(ranked)], len(ranked)]
    return SoftLabel(
        entropy=float(entropy(ranked)),
        effective=float(effective_classes(ranked)),
        dark=float(dark_knowledge(ranked)),
        top=float(ranked.max()),
        kept=1 + int((ranked[:-1] >= ranked[1:]).sum()),
        bands=tuple(float(ranked[start:end].sum()) for start, end in pairwise(edges)),
    )


def ranked(logits: Tensor, temperature: float, points: int = 160) -> tuple[list[int], list[float]]:
    """Ranks from 1, evenly spaced on a logarithmic scale, and the probabilities found there."""
    probabilities = soften(descending(logits), temperature)
    ranks = torch.logspace(0, math.log10(len(probabilities)), points, dtype=torch.float64).round().long().unique()
    return ranks.tolist(), probabilities[ranks - 1].tolist()


@dataclass(frozen=True)
class Words:
    """The words worth showing, with both models' probabilities, each `[word]`."""

    words: list[str]
    teacher: Tensor
    student: Tensor


def words_at(gap: MaskedPosition, temperature: float, count: int = 8) -> Words:
    """The teacher's best words, then the student's first two and the true word where they are missing."""
    ids = [*gap.teacher.topk(count).indices.tolist(), *gap.student.topk(2).indices.tolist(), gap.truth]
    ids = list(dict.fromkeys(ids))
    return Words(gap.spell(ids), soften(gap.teacher, temperature)[ids], soften(gap.student, temperature)[ids])


def most(gap: MaskedPosition) -> float:
    """The entropy of the uniform distribution over the words, in nats."""
    return math.log(gap.words)


def entropies(logits: Tensor, temperatures: Sequence[float] = TEMPERATURES) -> list[float]:
    """The entropy in nats at each temperature, `[temperature]`."""
    return [float(entropy(soften(logits, temperature))) for temperature in temperatures]


@dataclass(frozen=True)
class View:
    """All results at one masked position and one temperature.

    Attributes:
        teacher, student: both soft labels.
        before: the teacher's at T = 1.
        few: the teacher's at this temperature with its ten best words as the only classes.
        words: the words worth showing.
        curves: ranks, probabilities and their model ("student", "teacher", or "before" for the teacher at T = 1).
        distance, probability: the true word's logit below the largest one, and its probability, by the teacher.
    """

    teacher: SoftLabel
    student: SoftLabel
    before: SoftLabel
    few: SoftLabel
    words: Words
    curves: tuple[tuple[list[int], list[float], str], ...]
    distance: float
    probability: float


def view(gap: MaskedPosition, temperature: float) -> View:
    """All results of one masked position at a temperature."""
    distance = gap.teacher[gap.truth] - gap.teacher.max()
    return View(
        teacher=soft_label(gap.teacher, temperature),
        student=soft_label(gap.student, temperature),
        before=soft_label(gap.teacher, 1),
        few=soft_label(gap.only(FEW).teacher, temperature),
        words=words_at(gap, temperature),
        curves=(
            (*ranked(gap.student, temperature), "student"),
            (*ranked(gap.teacher, temperature), "teacher"),
            (*ranked(gap.teacher, 1), "before"),
        ),
        distance=float(distance),
        probability=float(soften(gap.teacher.double(), temperature)[gap.truth]),
    )
