"""Labels of last words at no cost: next-word probabilities, weighted by each word's probability of ending a sentence.

"He unlocked the door with a [MASK]." needs p(w | left, "."), which is p(w | left) · p("." | left, w) up to a factor. The
first was written down with each word of a sentence (`next_words.py`), the second is judged word by word in `blanks.py`, at ten
times the price. Here it is taken to hang on the word alone: how often, of all the times that it was written, a full stop came
after it. "big" and "the" are sorted out by that, "door" and "week" stay.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.build import workspace
from core.build.labels.label import BLANK, Label, append
from core.build.labels.openings import given
from core.build.text.cloze import near_cloze

PRIOR = 3.0
"""Pseudo-count added to every word's own count, at the mean readiness of all."""

LIKELY = 0.3
"""A place is taken where the words expected there end a sentence with this probability in all."""

OPEN = 0.4
"""The share of the unfinished sentences that are kept in addition."""


def readiness(sentences: Iterable[str]) -> tuple[dict[str, float], float]:
    """p("." | w): for each word of the finished `sentences`, and the mean for one that they do not hold."""
    last, written = Counter(), Counter()
    for text in sentences:
        words = re.findall(r"[a-z]+", text.lower())
        written.update(words)
        last.update(words[-1:])
    mean = sum(last[word] / count for word, count in written.items()) / len(written)
    return {word: (last[word] + PRIOR * mean) / (count + PRIOR) for word, count in written.items()}, mean


def ending(row: dict, ready: dict[str, float], mean: float) -> Label | None:
    """The label of the last word where the unfinished sentence of `row` ends with its blank, None where that is unlikely."""
    shares = {word: p * ready.get(word, mean) for word, p in zip(row["words"], row["p"], strict=True)}
    total = sum(shares.values())
    shares = {word: p / total for word, p in sorted(shares.items(), key=lambda pair: -pair[1]) if p / total >= 0.002}
    if total < LIKELY or near_cloze(f"{row['text']}.".replace(BLANK, next(iter(shares)))):
        return None
    return Label(f"{row['text']}.", tuple(shares), tuple(round(p / sum(shares.values()), 4) for p in shares.values()))


def _given(row: dict) -> bool:
    """Return True if the word of a finished sentence that `row` masks was not written but part of the pattern of its
    beginning."""
    before, word = row["text"].partition(BLANK)[0], row["words"][0]
    return len(row["words"]) == 1 and given(row["text"].replace(BLANK, word), len(before) + len(word))


def labels(rows: list[dict], rng: random.Random) -> Iterator[tuple[int, Label]]:
    """Labels from the rows of a file of `next_words.write`, each with its pack.

    Words inside a sentence stay as they are, but for those that a pattern gave; of unfinished sentences `OPEN` stay, and all
    that may end do. A finished sentence's own label of its last word is kept only where nothing was expected there.
    """
    whole = [row["text"].replace(BLANK, row["words"][0]) for row in rows if not row["text"].endswith(BLANK)]
    ready, mean = readiness(dict.fromkeys(whole))
    expected = {row["text"] for row in rows if row["text"].endswith(BLANK)}
    for row in rows:
        plain = Label(row["text"], tuple(row["words"]), tuple(row["p"]))
        if row["text"].endswith(BLANK):
            if (found := ending(row, ready, mean)) is not None:
                yield row["pack"], found
            if rng.random() < OPEN:
                yield row["pack"], plain
        elif row["text"].removesuffix(".") not in expected and not _given(row):
            yield row["pack"], plain


def write(file: Path, sources: list[Path]) -> None:
    """Write the labels made of `sources`, pack by pack as they have them; a run that is killed leaves no `file`."""
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    for source in sources:
        by_pack: dict[int, list[Label]] = {}
        for pack, label in labels(workspace.rows(source), random.Random(0)):
            by_pack.setdefault(pack, []).append(label)
        for pack, found in by_pack.items():
            append(partial, pack, found)
    partial.replace(file)
