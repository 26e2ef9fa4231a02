"""The cards of the heads for pairs of sentences."""

from __future__ import annotations

from core.build.cards.masked import front_matter
from core.build.cards.rendering import rendered
from core.build.train.pairs import MOST


def pairs_card(task: str, scores: dict[str, dict[str, float]], pairs: int, by_words: float) -> tuple[dict, str]:
    """Front matter and prose of a head for pairs of sentences.

    Args:
        scores: accuracies, `[head][task]`.
        pairs: from how many a linear model of words learned the order, and `by_words` how often it was right.
    """
    prose = rendered("minilm-pairs", task=task, scores=scores, pairs=pairs, by_words=by_words, most=MOST)
    metrics = {"accuracy": {head: dict(found) for head, found in scores.items()}, "pairs": MOST["test"]}
    return front_matter("", "minilm-teacher, with a new head", metrics, task="pairs", tag="text-classification"), prose
