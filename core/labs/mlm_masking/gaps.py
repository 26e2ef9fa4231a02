"""Masked language modelling on one text: what two models say in the gaps, and what one gap costs the other.

Devlin et al. 2019 (BERT), section 3.1. What a draw of the masking does is in `core.labs.mlm_masking.masking`, where the words
come from in `core.labs.mlm_masking.context`.
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
    """What one model says at one position whose true word is known.

    Attributes:
        best: its best words.
        rank: the true word's place, from 1.
        probability: of the true word.
        loss: −ln of it, in nats.
        shown: the probability of what stands there for the model to see, [MASK] or a word.
    """

    best: list[Guess]
    rank: int
    probability: float
    loss: float
    shown: float


@dataclass(frozen=True)
class MaskedPosition:
    """One position that both models were asked about: the true word, what stood there, and both answers."""

    position: int
    truth: str
    shown: str
    teacher: Answer
    student: Answer

    @property
    def right(self) -> str:
        """Whose first choice is the true word: "both", "teacher", "student" or "none"."""
        return {(True, True): "both", (True, False): "teacher", (False, True): "student"}.get(
            (self.teacher.rank == 1, self.student.rank == 1), "none"
        )


@dataclass(frozen=True)
class Filled:
    """Both models' answers at the asked positions, with the mean loss of each (NaN where nothing was asked)."""

    gaps: list[MaskedPosition]
    teacher_loss: float
    student_loss: float
    teacher: Trace
    student: Trace


def mask_id(engine: Engine, setting: Setting) -> int:
    """The id of [MASK], which both models share.

    Raises:
        LabError: `different_vocabulary`, or `no_vocabulary_head` where a model predicts no hidden words.
    """
    require_shared_vocabulary(engine, setting)
    found = engine.checkpoint(setting, setting.teacher).tokenizer.mask_token_id
    if found is None:
        raise LabError("no_vocabulary_head", name=setting.teacher)
    return found


def maskable(engine: Engine, setting: Setting, tokens: Tokens) -> list[int]:
    """The positions that can be hidden: no [CLS], no [SEP], and no [MASK] that the learner typed."""
    barred = tokens.special | (tokens.ids == mask_id(engine, setting))
    return (~barred).nonzero().flatten().tolist()


def first_choice(tokens: Tokens, allowed: Sequence[int], words: Sequence[str] = ()) -> list[int]:
    """What to hide at first: the first of `words` that is in the text, else its longest word (at least one position)."""
    for word in words:
        found = [position for position in allowed if tokens.pieces[position] == word]
        if found:
            return found[:1]
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
    """What a pass says at one position, judged against the true word's id."""
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
    """Reads `ids` in the text's place with both models and asks what really stood at `positions`.

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
    """Hides `positions` and asks both models for the words.

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
    """Two words hidden together, seen by one model; all losses in nats.

    Attributes:
        first_alone, second_alone: each word's loss while the other is visible.
        first_together, second_together: its loss while both are hidden.
    """

    first_alone: float
    second_alone: float
    first_together: float
    second_together: float

    @property
    def independent(self) -> float:
        """−ln p(a | rest) − ln p(b | rest): the masked model's loss, each gap on its own."""
        return self.first_together + self.second_together

    @property
    def chained(self) -> float:
        """−ln p(a | rest) − ln p(b | a, rest): one gap filled first, as a left-to-right model would."""
        return self.first_together + self.second_alone

    @property
    def effect(self) -> float:
        """What hiding the second word adds to the first one's loss."""
        return self.first_together - self.first_alone

    @property
    def price(self) -> float:
        """ln p(b | a, rest) − ln p(b | rest): what the assumption of independence costs on these two words."""
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
