"""Near-copies among short texts: found so that no test text has one among the training texts."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction

OVERLAP = Fraction(3, 5)
"""The share of common words (Jaccard: words in both over words in either) from which two texts are near-copies."""


def words(text: str) -> frozenset[str]:
    """The distinct words, lower-case, without digits and punctuation: "a town of 1,200" and "a town of 900" are one text."""
    return frozenset(re.findall(r"[^\W\d_]+", text.lower()))


def overlap(a: frozenset[str], b: frozenset[str]) -> Fraction:
    """The words in both as a share of the words in either (Jaccard index); 0 for two empty sets."""
    return Fraction(len(a & b), len(a | b) or 1)


def groups(texts: Sequence[str], least: Fraction = OVERLAP) -> list[int]:
    """A group number for each text, `[text]`: near-copies, and near-copies of near-copies, share theirs.

    Pairs are found by the prefix filter (Chaudhuri et al. 2006; Bayardo et al. 2007): with each text's words sorted from
    the rarest, two texts that overlap by `least` have a word in common among the first |x| − ⌈least · |x|⌉ + 1.
    """
    sets = [words(text) for text in texts]
    frequency = Counter(word for each in sets for word in each)
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    holders: dict[str, list[int]] = defaultdict(list)
    for i, each in enumerate(sets):
        rarest = sorted(each, key=lambda word: (frequency[word], word))
        prefix = rarest[: len(each) - math.ceil(least * len(each)) + 1]
        for j in {j for word in prefix for j in holders[word]}:
            if root(i) != root(j) and overlap(each, sets[j]) >= least:
                parent[root(i)] = root(j)
        for word in prefix:
            holders[word].append(i)
    return [root(i) for i in range(len(texts))]
