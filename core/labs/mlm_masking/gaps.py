"""Masked language modelling on one text: two models' predictions at masked positions, and the cost of a second mask.

Devlin et al. 2019 (BERT), section 3.1. Draws of the masking are in `core.labs.mlm_masking.masking`, the sources of a prediction
in `core.labs.mlm_masking.context`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from core.engine import Engine, Setting
from core.errors import LabError
from core.labs.masked_words import Guess, best_words, require_shared_vocabulary
from core.trace import Tokens, Trace


@dataclass(frozen=True)
class Answer:
    """One model's prediction at one position with a known true word.

    Attributes:
        best: its best words.
        rank: of the true word, from 1.
        probability: of the true word.
        loss: −ln of it, in nats.
        shown: the probability of the input token there, [MASK] or a word.
    """

    best: list[Guess]
    rank: int
    probability: float
    loss: float
    shown: float


@dataclass(frozen=True)
class MaskedPosition:
    """Both models' predictions at one position, with the true word and the input token there."""

    position: int
    truth: str
    shown: str
    teacher: Answer
    student: Answer

    @property
    def right(self) -> str:
        """Models whose top-1 prediction is the true word: "both", "teacher", "student" or "none"."""
        return {(True, True): "both", (True, False): "teacher", (False, True): "student"}.get(
            (self.teacher.rank == 1, self.student.rank == 1), "none"
        )


@dataclass(frozen=True)
class Filled:
    """Both models' predictions at some positions, with the mean loss of each (NaN without positions)."""

    gaps: list[MaskedPosition]
    teacher_loss: float
    student_loss: float
    teacher: Trace
    student: Trace


def mask_id(engine: Engine, setting: Setting) -> int:
    """The id of [MASK], which both models share.

    Raises:
        LabError: `different_vocabulary`, or `no_vocabulary_head` where a model predicts no masked words.
    """
    require_shared_vocabulary(engine, setting)
    id_ = engine.checkpoint(setting, setting.teacher).tokenizer.mask_token_id
    if id_ is None:
        raise LabError("no_vocabulary_head", name=setting.teacher)
    return id_


def maskable(engine: Engine, setting: Setting, tokens: Tokens) -> list[int]:
    """The positions that can be masked: no [CLS], no [SEP], and no [MASK] that the learner typed."""
    barred = tokens.special | (tokens.ids == mask_id(engine, setting))
    return (~barred).nonzero().flatten().tolist()


def first_choice(tokens: Tokens, allowed: Sequence[int], words: Sequence[str] = ()) -> list[int]:
    """The position to mask at first: of the first of `words` that is in the text, else of its longest word; `[]` if none."""
    for word in words:
        positions = [position for position in allowed if tokens.pieces[position] == word]
        if positions:
            return positions[:1]
    return [max(allowed, key=lambda position: len(tokens.pieces[position].removeprefix("##")))] if allowed else []


def groups_of(tokens: Tokens) -> list[int]:
    """A number for each position that the pieces of one word share and nothing else does, `[position]`."""
    groups: list[int] = []
    for position in range(len(tokens.pieces)):
        joined = position > 0 and _same_word(tokens, position - 1, position)
        groups.append(groups[-1] if joined else position)
    return groups


def _same_word(tokens: Tokens, first: int, second: int) -> bool:
    word = int(tokens.word_ids[first])
    return (
        word >= 0 and word == int(tokens.word_ids[second]) and bool(tokens.segments[first] == tokens.segments[second])
    )


def answer(
    engine: Engine, setting: Setting, name: str, trace: Trace, position: int, truth: int, count: int = 5
) -> Answer:
    """The prediction of a pass at one position, compared with the true word's id."""
    logits = trace.logits[position]
    log_p = logits.double().log_softmax(-1)  # [vocabulary]
    return Answer(
        best=best_words(engine, setting, name, logits, count),
        rank=int((logits > logits[truth]).sum()) + 1,
        probability=float(log_p[truth].exp()),
        loss=-float(log_p[truth]),
        shown=float(log_p[trace.tokens.ids[position]].exp()),
    )


def judge(engine: Engine, setting: Setting, text: str, ids: Tensor, positions: Sequence[int], count: int = 5) -> Filled:
    """Run both models on `ids` in the text's place and compare their predictions at `positions` with the text.

    Raises:
        LabError: as `Engine.trace` and `mask_id`.
    """
    mask_id(engine, setting)
    names = (setting.teacher, setting.student)
    original = engine.tokens(setting, names[0], text)
    traces = [engine.trace(setting, name, text, ids=ids.tolist()) for name in names]
    gaps = []
    for position in positions:
        truth = int(original.ids[position])
        said = [
            answer(engine, setting, name, trace, position, truth, count)
            for name, trace in zip(names, traces, strict=True)
        ]
        gaps.append(MaskedPosition(position, original.pieces[position], traces[0].tokens.pieces[position], *said))
    return Filled(gaps, _mean([g.teacher.loss for g in gaps]), _mean([g.student.loss for g in gaps]), *traces)


def fill_gaps(engine: Engine, setting: Setting, text: str, positions: Sequence[int], count: int = 5) -> Filled:
    """Mask `positions` and predict the words with both models.

    Raises:
        LabError: `no_mask` if none is hidden, and as `judge`.
    """
    if not positions:
        raise LabError("no_mask")
    return judge(engine, setting, text, hide(engine, setting, text, positions), positions, count)


def hide(engine: Engine, setting: Setting, text: str, positions: Sequence[int]) -> Tensor:
    """The text's ids with [MASK] at `positions`, `[position]`."""
    ids = engine.tokens(setting, setting.teacher, text).ids.clone()
    ids[list(positions)] = mask_id(engine, setting)
    return ids


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


@dataclass(frozen=True)
class Pair:
    """Two words masked together, and one model's losses, all in nats.

    Attributes:
        first_alone, second_alone: each word's loss while the other is visible.
        first_together, second_together: its loss while both are masked.
    """

    first_alone: float
    second_alone: float
    first_together: float
    second_together: float

    @property
    def independent(self) -> float:
        """−ln p(a | rest) − ln p(b | rest): the masked model's loss, each position on its own."""
        return self.first_together + self.second_together

    @property
    def chained(self) -> float:
        """−ln p(a | rest) − ln p(b | a, rest): one position filled first, as a left-to-right model would."""
        return self.first_together + self.second_alone

    @property
    def effect(self) -> float:
        """Rise of the first word's loss from masking the second."""
        return self.first_together - self.first_alone

    @property
    def price(self) -> float:
        """ln p(b | a, rest) − ln p(b | rest): the cost of assuming independence of these two words, in nats."""
        return self.independent - self.chained


def hide_pair(engine: Engine, setting: Setting, text: str, first: int, second: int) -> tuple[Pair, Pair]:
    """Teacher's and student's losses at two positions, hidden one at a time and both at once."""
    alone = [fill_gaps(engine, setting, text, [position]).gaps[0] for position in (first, second)]
    together = {gap.position: gap for gap in fill_gaps(engine, setting, text, sorted((first, second))).gaps}
    both = [together[first], together[second]]
    return tuple(  # type: ignore[return-value]
        Pair(*(getattr(gap, who).loss for gap in (*alone, *both))) for who in ("teacher", "student")
    )


def direction(change: float, tolerance: float = 0.05) -> int:
    """0 where a loss rises, 1 where it falls, 2 where it stays within `tolerance` nats."""
    return 2 if abs(change) <= tolerance else int(change < 0)
