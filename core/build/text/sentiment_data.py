"""Text for the sentiment pair: single sentences and passages of film reviews, labelled, held out by document.

The corpora (CC BY 4.0, Pang and Lee 2004 and 2005) are read through NLTK and are no part of the project.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from core.build.text.corpora import natural, require_nltk

LABELS = ("negative", "positive")

HELD_OUT_PERCENT = 10

PASSAGE_WORDS = 50
"""Words in a passage of a review: with punctuation about 64 tokens."""

PASSAGES = 4
"""Passages of each review: its opening and its last three, where reviewers say what they think."""


@dataclass(frozen=True)
class Opinion:
    """A text with its label; the passages of one review share its `document`."""

    text: str
    label: int
    corpus: str
    document: str

    @property
    def held_out(self) -> bool:
        """True if no model is trained on it, by a checksum of the document's name.

        The shipped encoder holds out four of a hundred in the same way (`core.build.text.corpora`), so four tenths of these are
        texts on which it was not trained unlabelled either.
        """
        return zlib.crc32(f"{self.corpus}/{self.document}".encode()) % 100 < HELD_OUT_PERCENT


def opinions() -> Iterator[Opinion]:
    """All labelled texts: 10,662 sentences, and four passages from each of 2,000 reviews."""
    import nltk

    for corpus in ("sentence_polarity", "movie_reviews"):
        require_nltk(corpus)
    sentences, reviews = nltk.corpus.sentence_polarity, nltk.corpus.movie_reviews
    for file in sentences.fileids():
        for number, words in enumerate(sentences.sents(fileids=file)):
            yield Opinion(natural(words), int(file.endswith(".pos")), "sentence_polarity", f"{file}/{number}")
    for file in reviews.fileids():
        passages = _passages(reviews.raw(file))
        for passage in [passages[0], *passages[1:][1 - PASSAGES :]]:
            yield Opinion(passage, int(file.startswith("pos/")), "movie_reviews", file)


def _passages(raw: str) -> list[str]:
    """A review cut into passages of `PASSAGE_WORDS` words, the last one whole, so that no verdict is cut short."""
    words = raw.split()
    start = len(words) % PASSAGE_WORDS
    ends = range(start, len(words) + 1, PASSAGE_WORDS)
    parts = [words[max(0, end - PASSAGE_WORDS) : end] for end in ends]
    return [natural(part) for part in parts if part]
