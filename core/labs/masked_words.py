"""Predictions of a model at a masked position, and a comparison of the student's with the teacher's."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from core.engine import Engine, Setting
from core.errors import LabError
from core.models import Checkpoint
from core.theory.temperature import soften
from core.trace import Tokens, Trace


@dataclass(frozen=True)
class Guess:
    """One word with the probability that a model gives it."""

    word: str
    id: int
    probability: float


@dataclass(frozen=True)
class Comparison:
    """Teacher and student at one position.

    Attributes:
        words: the best words of both, the teacher's first, `[word]`.
        teacher, student: their probabilities, `[word]`.
        teacher_best, student_best: each model's own ranking.
        shared: number of best words that both have.
    """

    words: list[str]
    teacher: Tensor
    student: Tensor
    teacher_best: list[Guess]
    student_best: list[Guess]
    shared: int


def masked_positions(engine: Engine, setting: Setting, name: str, tokens: Tokens) -> list[int]:
    """Positions of the model's mask token in the text.

    Raises:
        LabError: `no_mask` if it holds none, `no_vocabulary_head` if the model has no such token.
    """
    mask_id = engine.checkpoint(setting, name).tokenizer.mask_token_id
    if mask_id is None:
        raise LabError("no_vocabulary_head", name=name)
    positions = (tokens.ids == mask_id).nonzero().flatten().tolist()
    if not positions:
        raise LabError("no_mask")
    return positions


_VOCABULARIES: WeakKeyDictionary[Checkpoint, int] = WeakKeyDictionary()


def _vocabulary(checkpoint: Checkpoint) -> int:
    """A fingerprint of the vocabulary: copying its 30,000 entries out of the tokenizer takes 0.1 s, so it is done once."""
    if checkpoint not in _VOCABULARIES:
        _VOCABULARIES[checkpoint] = hash(frozenset(checkpoint.tokenizer.get_vocab().items()))
    return _VOCABULARIES[checkpoint]


def require_shared_vocabulary(engine: Engine, setting: Setting) -> None:
    """Raise a `LabError` unless teacher and student predict words of one vocabulary."""
    checkpoints = [engine.checkpoint(setting, name) for name in (setting.teacher, setting.student)]
    for checkpoint in checkpoints:
        if not checkpoint.predicts_words:
            raise LabError("no_vocabulary_head", name=checkpoint.card.name)
    if _vocabulary(checkpoints[0]) != _vocabulary(checkpoints[1]):
        raise LabError("different_vocabulary", teacher=setting.teacher, student=setting.student)


def best_words(engine: Engine, setting: Setting, name: str, logits: Tensor, count: int = 5) -> list[Guess]:
    """The `count` most likely words for one position's logits `[vocabulary]`, the most likely first."""
    values, ids = soften(logits).topk(count)
    words = engine.checkpoint(setting, name).tokenizer.convert_ids_to_tokens(ids.tolist())
    return [Guess(*guess) for guess in zip(words, ids.tolist(), values.tolist(), strict=True)]


def compare(
    engine: Engine, setting: Setting, teacher: Trace, student: Trace, position: int, count: int = 5
) -> Comparison:
    """The best words of both models at one position, with both probabilities for each.

    Raises:
        LabError: `different_vocabulary` or `no_vocabulary_head`.
    """
    require_shared_vocabulary(engine, setting)
    teacher_best = best_words(engine, setting, setting.teacher, teacher.logits[position], count)
    student_best = best_words(engine, setting, setting.student, student.logits[position], count)
    words = {guess.id: guess.word for guess in [*teacher_best, *student_best]}
    ids = torch.tensor(list(words))
    return Comparison(
        words=list(words.values()),
        teacher=soften(teacher.logits[position])[ids],
        student=soften(student.logits[position])[ids],
        teacher_best=teacher_best,
        student_best=student_best,
        shared=len({guess.id for guess in teacher_best} & {guess.id for guess in student_best}),
    )
