"""How the teacher was trained on blanks: round after round, and the means of what the rounds leave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.build.labels.draws import drawn
from core.build.train.filling import Filling
from core.build.workspace import labels_file


@dataclass(frozen=True)
class Round:
    """A training on blanks.

    Attributes:
        start: the model that it goes on from.
        labels: their names; what is named twice counts twice.
        plan: how it goes.
    """

    start: str
    labels: tuple[str, ...]
    plan: Filling

    @property
    def files(self) -> list[Path]:
        """Its labels."""
        return [labels_file(name) for name in self.labels]


LAST_WORDS = ("endings", *["ends"] * 2, *["relations"] * 2)
ANEW = (drawn("endings", 1), *[drawn("ends", 1)] * 3, *["shorts"] * 3, *["opposites"] * 4, *["relations"] * 2)
AFRESH = (
    drawn("endings", 2),
    *[drawn("ends", 1)] * 3,
    *[drawn("shorts", 1)] * 3,
    "shorts",
    *["opposites"] * 4,
    *["relations"] * 2,
)
OFTEN = (*[drawn("ends", 1)] * 3, *[drawn("shorts", 1)] * 2, *["shorts"] * 2, *["opposites"] * 4, *["relations"] * 2)
"""Labels that are few, and judged or WordNet's: the last rounds read them several times."""

ONCE_MORE = (
    drawn("endings", 3),
    *[drawn("openings", 1)] * 4,
    *[drawn("openings", 3)] * 4,
    *OFTEN,
)
BY_WHAT_FOLLOWS = (
    *[drawn("endings", draw) for draw in (1, 2, 3)],
    *[drawn("fillers", 1)] * 5,
    *[drawn("fillers", 2)] * 5,
    *[drawn("fillers", 3)] * 5,
    *OFTEN,
)

ROUNDS = {
    "first_round": Round("text_only", ("both_sides", "relations"), Filling()),
    "second_round": Round(
        "first_round",
        ("next_words", "relations"),
        Filling(steps=933, batch_blanks=256, peak=3e-4, last=0.624, seed=1),  # left high, to go on with both kinds
    ),
    "third_round": Round(
        "second_round",
        ("next_words", *["ends"] * 4, *["relations"] * 2),
        Filling(steps=1400, batch_blanks=256, peak=3e-4, seed=2),
    ),
    "fourth_round": Round(
        "third_round", LAST_WORDS, Filling(steps=2000, batch_blanks=256, peak=3e-4, copying=2.0, seed=3)
    ),
    "fifth_round": Round(
        "fourth_round", LAST_WORDS, Filling(steps=800, batch_blanks=256, peak=3e-4, copying=2.0, seed=4)
    ),
    "sixth_round": Round(
        "three_rounds",
        ANEW,
        Filling(steps=2400, batch_tokens=1536, batch_blanks=256, peak=3e-4, copying=3.0, seed=5),
    ),
    "seventh_round": Round(
        "sixth_round",
        ANEW,
        Filling(steps=1600, batch_tokens=1536, batch_blanks=256, peak=3e-4, copying=3.0, seed=6),
    ),
    "eighth_round": Round(
        "two_rounds",
        ANEW,
        Filling(steps=5000, batch_tokens=1536, batch_blanks=96, peak=3e-4, copying=3.0, movie_share=1.0, seed=7),
    ),
    "ninth_round": Round(
        "eighth_round",
        AFRESH,
        Filling(steps=3300, batch_tokens=2048, batch_blanks=96, peak=3e-4, copying=3.0, movie_share=1.0, seed=8),
    ),
    "tenth_round": Round(
        "eight_and_nine",
        ONCE_MORE,
        Filling(steps=2800, batch_tokens=2048, batch_blanks=128, peak=3e-4, copying=3.0, movie_share=1.0, seed=9),
    ),
    "eleventh_round": Round(
        "tenth_round",
        (*ONCE_MORE, drawn("endings", 2)),
        Filling(steps=2500, batch_tokens=2048, batch_blanks=128, peak=3e-4, copying=3.0, movie_share=1.0, seed=10),
    ),
    "twelfth_round": Round(
        "eight_to_eleven",
        BY_WHAT_FOLLOWS,
        Filling(steps=3000, batch_tokens=2048, batch_blanks=128, peak=3e-4, copying=3.0, movie_share=1.0, seed=11),
    ),
}
"""The trainings on blanks, by folder."""

MEANS = {
    "three_rounds": ("third_round", "fourth_round", "fifth_round"),
    "two_rounds": ("sixth_round", "seventh_round"),
    "eight_and_nine": ("eighth_round", "ninth_round"),
    "eight_to_eleven": ("eighth_round", "ninth_round", "tenth_round", "eleventh_round"),
    "teacher": ("eight_to_eleven", "twelfth_round"),
}
"""Models whose weights are the mean of others', all of which end with a learning rate of zero and have read last words."""


def made_of(name: str) -> tuple[str, ...]:
    """The trainings whose weights one of `MEANS` is made of; a training is made of itself."""
    return tuple(part for each in MEANS[name] for part in made_of(each)) if name in MEANS else (name,)
