"""The cards of the students, and what all cards of masked-language models have in common."""

from __future__ import annotations

from typing import Any

from core.build.cards.rendering import rendered
from core.build.text.cloze import SETS
from core.build.text.corpora import MADE, MEASURING, TRAINING
from core.build.train import rounds
from core.build.train.student import LAYERS, PLANS, TEXT, Budget
from core.numbering import shown

ROWS = {
    **dict(reversed(rounds.ROWS.items())),
    "text_only": "the same before all blanks (not shipped)",
    "longer": "the same before all blanks, trained on with text to 11.5 million tokens (not shipped)",
    "student": "student",
    "tiny": "tiny student",
    "control": "student without a teacher",
    "head_only": "head alone on the encoder as it came",
    "unigram": "unigram",
}
"""Names of the measured models in a card, in the order of its table."""

ORIGINS = {
    "student": "distilled from minilm-teacher",
    "tiny": "distilled from minilm-teacher",
    "control": "layers of minilm-teacher, trained on without it",
}
"""The shipped students, by the name of their plan, and where their weights come from."""


def student_card(name: str, measured: dict, budget: Budget) -> tuple[dict, str]:
    """Front matter and prose of the card of one of `ORIGINS`."""
    kept = [shown(layer) for layer in LAYERS]  # of the teacher's layers, counted from 1
    metrics = {**measured[name], "baseline": measured["unigram"]}
    if name == "student":
        metrics["control"] = measured["control"]
    if name != "tiny":
        metrics["layer_map"] = kept
    places = {"held-out text": "all_in_domain", "Brown": "brown", "the everyday sentences": "cloze"}
    gains = {place: measured["student"][of]["top1"] - measured["control"][of]["top1"] for place, of in places.items()}
    prose = words_card(name, measured, corpora=TEXT, budget=budget, plan=PLANS[name], kept=kept, gains=gains)
    return front_matter("student", ORIGINS[name], metrics), prose


def words_card(name: str, measured: dict, **facts: Any) -> str:
    """The prose of the card of a masked-language model, with the facts that all of them name."""
    licences = TRAINING | MADE
    return rendered(
        f"minilm-{name}", measured=measured, rows=ROWS, sets=SETS, licences=licences, measuring=MEASURING, **facts
    )


def front_matter(role: str, origin: str, metrics: dict, task: str = "words", tag: str = "fill-mask") -> dict:
    """A card's facts as Hugging Face's model cards have them, with the lab's own under "distillery"."""
    facts = {"role": role, "task": task, "origin": origin, "metrics": metrics}
    return {"license": "apache-2.0", "language": "en", "pipeline_tag": tag, "distillery": facts}
