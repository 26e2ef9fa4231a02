"""The words that sentences were written about, judged by what follows them: "The [MASK] pulled the cart."

SmolLM2 was given "The horse" (a pattern of `everyday.toml`, filled with one word after the other) and wrote the rest. What
follows a word determines it more than what precedes it; so here most candidates are a masked model's. A word that the pattern
itself holds ("The children") was there whatever followed, and is not labelled: see `given`.

At first the text before judged too. But SmolLM2 goes on after "The" with *man* and *fire*, and so did the labels; the words
that it was given had been drawn evenly, so what follows is all there is to judge by.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from functools import cache
from itertools import chain
from pathlib import Path

from core.build import workspace
from core.build.labels.blanks import Blank
from core.build.labels.label import BLANK
from core.build.labels.larger import Larger
from core.build.text import everyday
from core.build.text.cloze import near_cloze

TABLES = ("starts", "beginnings", "facts")
"""The tables of beginnings that whole sentences are written from, by the kind of word that fills them."""

FOLLOWING = 2
"""Words that must follow the one that was filled in: "The horse is." has no information about horses."""

JUDGED = 4
"""Number of the tokens that follow that are judged."""

CHOICES, GUESSES = 6, 10
"""Candidates by the writer, who knows little after "The", and by the masked model."""

EVEN_JUDGED, EVEN_GUESSES = 6, 12
"""The same where all words are as likely as each other before anything follows; then the masked model alone names candidates."""


@cache
def _patterns() -> dict[str, list[str]]:
    """The beginnings by group of words, in lower case."""
    found = defaultdict(list)
    tables = everyday.tables()
    for name in TABLES:
        for group, patterns in tables[name].items():
            found[group] += [pattern.lower() for pattern in patterns]
    return dict(found)


@cache
def _fixed() -> tuple[str, ...]:
    """Beginning of each pattern, before the first word that is filled in."""
    deeds = (text.lower() for text in everyday.tables()["deeds"]["past"])
    return tuple({pattern.partition("{")[0].strip() for pattern in (*chain(*_patterns().values()), *deeds)})


def given(sentence: str, end: int) -> bool:
    """Return True if the text before `end` in `sentence` was there before SmolLM2 wrote: a pattern begins so.

    A label for such a word would teach the frequencies of the patterns, not the words that fit.
    """
    begun = sentence.lower()
    return any(len(start) >= end and begun.startswith(start) for start in _fixed())


def fillers(vocabulary: dict[str, int]) -> dict[str, set[str]]:
    """The nouns that fill patterns, each with the groups of its patterns; each fills as many as the next of its group."""
    groups = defaultdict(set)
    for word in everyday.everyday_words(vocabulary):
        if word.group in everyday.KINDS:
            groups[word.text].add(word.group)
    return dict(groups)


@cache
def _before() -> dict[str, frozenset[str]]:
    """Text before the word that was filled in, by its group."""
    found = {}
    for group, patterns in _patterns().items():
        cut = [pattern.partition("{") for pattern in patterns if "{" in pattern]
        articles = {"w": ("",), "a": ("a", "an")}
        found[group] = frozenset(f"{fixed}{article}".strip() for fixed, _, rest in cut for article in articles[rest[0]])
    return found


def opening(sentence: str, groups: dict[str, set[str]]) -> tuple[str, str, str] | None:
    """Split a sentence into the text before the word that it was written about, that word, and the rest.

    None where there is no such word, nothing precedes it, or too little follows.

    Args:
        groups: the words that fill patterns, each with the groups of its patterns.
    """
    for found in re.finditer(r"[A-Za-z]+", sentence):
        before, word, after = sentence[: found.start()].strip(), found[0].lower(), sentence[found.end() :]
        if any(before.lower() in _before()[group] for group in groups.get(word, ())):
            told = before and len(after.split()) >= FOLLOWING and not given(sentence, found.end())
            return (before, word, after) if told and not near_cloze(sentence) else None
    return None


def openings(file: Path, vocabulary: dict[str, int], seed: int = 0) -> list[tuple[str, str, str]]:
    """The openings with nouns of the finished sentences in `file`, made by `next_words.write`, in random order."""
    groups = fillers(vocabulary)
    # Only a label with one answer says which word was written.
    whole = (row for row in workspace.rows(file) if len(row["words"]) == 1 and not row["text"].endswith(BLANK))
    sentences = dict.fromkeys(row["text"].replace(BLANK, row["words"][0]) for row in whole)
    found = [parts for sentence in sentences if (parts := opening(sentence, groups))]
    random.Random(seed).shuffle(found)
    return found


def asked(larger: Larger, before: str, word: str, after: str, judged: int) -> tuple[list[int], Blank] | None:
    """A sentence in the tokens of `larger`, and its place to be judged; None where `larger` does not label that word.

    Args:
        judged: how many of the tokens that follow are.
    """
    if (number := larger.numbers.get(word)) not in larger.asked:
        return None
    left, right = larger.tokenizer([before, after], add_special_tokens=False).input_ids
    return [*left, number, *right], Blank(len(left), tuple(right[:judged]), True, trust=0.0)
