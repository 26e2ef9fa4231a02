"""A hint at which rubric points an answer seems to lack. It knows words and themes, not whether a sentence is true.

Measured on this project's own questions (English: 144 points of 30 questions, Chinese: all): how often a point scores higher
against the full answer to its question, which holds it, than a point against an answer that lacks it, which is the full
answer to another question of the topic, or the other points of its own rubric:

    rare words in common, English    0.90, 0.93       rare pairs of signs in common, Chinese   0.92, 0.86
    the teacher's sentence vectors   0.72, 0.73
    both together                    0.90, 0.93

Answer and points were written by one hand, so words in common look better here than for a learner's own words, where the
vectors can find paraphrases. English uses both, Chinese only the words: the teacher was trained on English alone.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from core.errors import LabError

if TYPE_CHECKING:
    from torch import Tensor

    from core.engine import Engine, Setting

FOUND = {"en": 0.95, "zh": 0.20}
"""From this score on a point counts as covered: 76 % (English) and 58 % (Chinese) of the points that are, 6 to 13 % and 2 to
9 % of those that are not."""

MISSING = {"en": 0.80, "zh": 0.08}
"""Below this score a point seems missing."""

LONGEST_SENTENCES = 40
"""Of an answer; each costs a pass of the model."""


def method(language: str) -> str:
    """Method by which points are compared in a language: "both" (words and vectors) or "words"."""
    return "both" if language == "en" else "words"


def hints(
    engine: Engine,
    setting: Setting,
    name: str,
    answer: str,
    points: Sequence[str],
    others: Iterable[str],
    language: str,
) -> list[str]:
    """Classify each point as "found", "unsure" or "missing".

    Args:
        name: the model whose sentence vectors are compared, in English.
        answer: what the learner wrote.
        points: the rubric, `[point]`.
        others: texts on the same subjects, which tell rare words from common ones.
        language: of the answer and of the points.

    Raises:
        LabError: as `Engine.trace`.
    """
    scores = word_scores(answer, points, others)
    if method(language) == "both":
        scores = [a + b for a, b in zip(scores, vector_scores(engine, setting, name, answer, points), strict=True)]
    low, high = MISSING[language], FOUND[language]
    return ["found" if score >= high else "missing" if score < low else "unsure" for score in scores]


def word_scores(answer: str, points: Sequence[str], others: Iterable[str]) -> list[float]:
    """The share of each point's words that the answer has, the rare ones counting more, `[point]` in 0..1."""
    texts = [set(words(text)) for text in others]
    known = Counter(word for text in texts for word in text)

    def weight(found: Iterable[str]) -> float:
        return sum(math.log((len(texts) + 1) / (known[word] + 0.5)) for word in found)

    has = set(words(answer))
    return [weight(set(words(point)) & has) / (weight(set(words(point))) or 1.0) for point in points]


def words(text: str) -> list[str]:
    """Latin words without their endings, and pairs of neighbouring Chinese signs."""
    found = []
    for run in re.findall(r"[\u3400-\u9fff]+|[a-z0-9]+", text.lower()):
        if run[0] > "z":
            found += [run[place : place + 2] for place in range(len(run) - 1)]
        elif len(run) > 1:
            found.append(re.sub(r"(ings?|ed|es|s|ly|tions?)$", "", run))
    return found


def vector_scores(engine: Engine, setting: Setting, name: str, answer: str, points: Sequence[str]) -> list[float]:
    """The largest cosine of each point with a sentence of the answer, or with two in a row, `[point]`."""
    pieces = [piece for piece in re.split(r"(?<=[.!?;:])\s+|\n+", answer) if len(piece.strip()) > 1][:LONGEST_SENTENCES]
    windows = pieces + [f"{first} {second}" for first, second in itertools.pairwise(pieces)]
    said = [vector for text in windows if (vector := _vector(engine, setting, name, text)) is not None]
    wanted = [_vector(engine, setting, name, point) for point in points]
    return [
        max((float(point @ sentence) for sentence in said), default=0.0) if point is not None else 0.0
        for point in wanted
    ]


def _vector(engine: Engine, setting: Setting, name: str, text: str) -> Tensor | None:
    """The mean of the last layer's states, of length one, `[width]`; None for a text without a token."""
    try:
        mean = engine.trace(setting, name, text, keep=False).hidden[-1].float().mean(dim=0)
    except LabError as error:
        if error.code == "empty_text":
            return None
        raise
    return mean / mean.norm()
