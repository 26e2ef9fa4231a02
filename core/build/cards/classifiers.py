"""The cards of the classifiers."""

from __future__ import annotations

from core.build.cards.rendering import rendered
from core.build.text.sentiment_data import HELD_OUT_PERCENT, LABELS, PASSAGES
from core.build.train import kinds, sentiment
from core.data.kinds import KINDS, PARTS, definitions
from core.distill.label_budget import SOFT_WEIGHT, StudentRecipe, Trial
from core.numbering import shown

OPINIONS = ["sentence_polarity", "movie_reviews"]
"""The corpora of the sentiment pair."""


def front(role: str, task: str, labels: tuple[str, ...], origin: str, metrics: dict, datasets: list[str]) -> dict:
    """The front matter that all classifiers share."""
    return {
        "license": "apache-2.0",
        "language": "en",
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "datasets": datasets,
        "distillery": {"role": role, "task": task, "labels": list(labels), "origin": origin, "metrics": metrics},
    }


def _sizes() -> dict[str, int]:
    """Number of definitions in each split."""
    return {part: len(definitions(part)) for part in PARTS}


def kinds_teacher(metrics: dict) -> tuple[dict, str]:
    """The card of the kinds teacher."""
    facts = front("teacher", "kinds", KINDS, "minilm-teacher's encoder, fine-tuned", metrics, ["wordnet"])
    return facts, rendered(kinds.TEACHER, metrics=metrics, schedule=kinds.SCHEDULE, sizes=_sizes())


def kinds_student(metrics: dict, trial: Trial, recipe: StudentRecipe) -> tuple[dict, str]:
    """The card of the kinds student."""
    facts = front("student", "kinds", KINDS, "fresh, distilled from kinds-teacher", metrics, ["wordnet"])
    prose = rendered(
        "kinds-student", metrics=metrics, trial=trial, recipe=recipe, soft_weight=SOFT_WEIGHT, sizes=_sizes()
    )
    return facts, prose


def sentiment_teacher(metrics: dict) -> tuple[dict, str]:
    """The card of the sentiment teacher."""
    origin = "minilm-teacher's encoder, fine-tuned"
    facts = front("teacher", "sentiment", LABELS, origin, metrics, list(OPINIONS))
    prose = rendered(
        sentiment.TEACHER,
        metrics=metrics,
        schedule=sentiment.TEACHER_SCHEDULE,
        passages=PASSAGES,
        held_out_percent=HELD_OUT_PERCENT,
    )
    return facts, prose


def sentiment_student(metrics: dict) -> tuple[dict, str]:
    """The card of the sentiment student."""
    origin = "distilled from sentiment-teacher"
    facts = front("student", "sentiment", LABELS, origin, metrics, list(OPINIONS))
    prose = rendered(
        sentiment.STUDENT,
        metrics=metrics,
        schedule=sentiment.STUDENT_SCHEDULE,
        kept=[shown(layer) for layer in sentiment.LAYERS],
        temperature=sentiment.TEMPERATURE,
        soft_weight=sentiment.SOFT_WEIGHT,
        texts=sentiment.STUDENT_TEXTS,
        passages=PASSAGES,
        held_out_percent=HELD_OUT_PERCENT,
    )
    return facts, prose
