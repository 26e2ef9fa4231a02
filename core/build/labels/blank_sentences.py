"""Sources of the sentences with masked words: everyday ones that exist as text, and beginnings to be ended.

None is chosen by looking at the test sentences; their near-copies are dropped.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from core.build import workspace
from core.build.labels.blanks import PACK
from core.build.labels.label import Label
from core.build.text import corpora, everyday, wordnet
from core.build.text.cloze import near_cloze
from core.build.text.relations import relation_documents

SHORTEST, LONGEST = 4, 18
"""Tokens in a sentence."""

TO_COME = "thing"
"""Placeholder at the end of a beginning, where a word is to be."""

USUAL = 9_000
"""Beginnings are filled with words up to this id: the vocabulary is roughly in order of frequency."""


def sources(vocabulary: dict[str, int], written: Path, seed: int = 0) -> dict[str, list[str]]:
    """Everyday sentences by where they come from, in random order.

    Args:
        written: the file of `everyday.write`.
    """
    rng = random.Random(seed)
    found = {"wordnet": _quoted(), "smollm": _written(written)}
    found |= {table: _begun(table, vocabulary) for table in ("beginnings", "facts", "starts")}
    for name in ("masc_tagged", "movie_reviews"):
        found[name] = [t for d in corpora.documents(name) if not d.held_out for t in d.sentences]
    found["shorts"] = _begun("shorts", vocabulary)
    found["means"] = [f"{text} {TO_COME}" for text in deeds(vocabulary, seed, "means")]
    for name, texts in found.items():
        least = 2 if name in ("starts", "shorts") else SHORTEST
        fitting = {
            text for text in texts if least <= len(text.split()) <= LONGEST and re.fullmatch(r"[\w ,.'’-]+", text)
        }
        found[name] = sorted(text for text in fitting if not near_cloze(text))
        rng.shuffle(found[name])
    return found


def _quoted() -> list[str]:
    """WordNet's examples, without its definitions."""
    return [text for d in corpora.documents("wordnet") if not d.held_out for text in d.sentences[1:]]


def _written(file: Path) -> list[str]:
    """All that the writer of everyday sentences wrote: an unlikely end does no harm where other words are judged."""
    return [re.split(r"(?<=[.!?])\s", row["text"])[0] for row in workspace.rows(file)]


def _begun(table: str, vocabulary: dict[str, int]) -> list[str]:
    """The beginnings in a table of `everyday.toml`, each with the words of its group, and `TO_COME`."""
    beginnings = everyday.tables()[table]
    found = []
    for word in everyday.everyday_words(vocabulary, rarest=USUAL):
        found += [f"{everyday.filled(beginning, word.text)} {TO_COME}" for beginning in beginnings[word.group]]
    return found


def deeds(vocabulary: dict[str, int], seed: int = 0, table: str = "past") -> list[str]:
    """Beginnings that say what somebody did: each past form with each of the patterns of `table`, in random order."""
    rng = random.Random(seed)
    patterns = everyday.tables()["deeds"][table]
    actors = {
        group: [w.text for w in everyday.everyday_words(vocabulary, USUAL) if w.group == group]
        for group in ("person", "animal")
    }
    filled = [
        pattern.format(v=verb, p=rng.choice(actors["person"]), l=rng.choice(actors["animal"]))
        for verb in past_forms(vocabulary)
        for pattern in patterns
    ]
    found = sorted({text for text in filled if not near_cloze(text)})
    rng.shuffle(found)
    return found


def past_forms(vocabulary: dict[str, int]) -> list[str]:
    """Everyday verbs in the past tense: WordNet's irregular forms, but for participles in -n, and the regular ones in -ed."""
    irregular = wordnet.irregular_verbs()
    verbs = {word.text for word in everyday.everyday_words(vocabulary) if word.group == "action"}
    found = []
    for word in vocabulary:
        bases = irregular[word] if word in irregular else _regular_bases(word)
        if verbs & {*bases} - {word} and not re.search(r"(n|ne|ing|s)$", word):
            found.append(word)
    return sorted(found)


def _regular_bases(word: str) -> list[str]:
    """Verbs of which `word` may be the past form: "hop" and "hopp" and "hoppe" for "hopped"."""
    if not re.fullmatch(r"[a-z]{2,}ed", word):
        return []
    stem = word.removesuffix("ed")
    return [
        stem,
        stem + "e",
        *([stem[:-1]] if stem[-1] == stem[-2] else []),
        *([stem[:-1] + "y"] if stem[-1] == "i" else []),
    ]


def write_relations(
    file: Path, vocabulary: dict[str, int], count: int, seed: int = 0, only: Collection[str] = ()
) -> None:
    """Write `count` labels that need no larger model: sentences from WordNet's relations, with the last word masked.

    Where several words end the same sentence ("a robin is a kind of"), each is as likely. Words are the usual ones, see `USUAL`.

    Args:
        only: which relations, see `relations.relation_documents`.
    """
    ends = defaultdict(set)
    for document in relation_documents(only):
        for text in document.sentences:
            *before, last = text.lower().rstrip(".").split()
            usual = all(vocabulary.get(word.strip(","), USUAL) < USUAL for word in (*before, last))
            if usual and not document.held_out and not near_cloze(text):
                ends[f"{' '.join(before)} [MASK]."].add(last)
    chosen = random.Random(seed).sample(sorted(ends), min(count, len(ends)))
    labels = (Label(text, tuple(sorted(ends[text])), (1 / len(ends[text]),) * len(ends[text])) for text in chosen)
    rows = (json.dumps({"pack": i // PACK, **asdict(label)}) + "\n" for i, label in enumerate(labels))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(rows), encoding="utf-8")
