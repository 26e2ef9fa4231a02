"""The everyday sentences that measure meaning, in three sets, and the filter that keeps them out of the training text.

The 150 of `cloze.toml` were looked at again and again while the teacher was made, and guided choices. The 100 of `unseen.toml`,
and the 60 of `subjects.toml`, which hide their subject, are by other hands and were not read by who made those choices; their
scores were looked at once, when the mean of four of its trainings was chosen.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from core.build.text.near_copies import OVERLAP, overlap, words


@dataclass(frozen=True)
class Entry:
    """A sentence with one [MASK], and the words that a reader would accept there."""

    text: str
    answers: tuple[str, ...]


SETS = ("cloze", "unseen", "subjects")
"""The files of sentences."""


@cache
def entries(name: str) -> tuple[Entry, ...]:
    """The sentences of one of `SETS`."""
    rows = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))["sentence"]
    return tuple(Entry(row["text"], tuple(row["answers"])) for row in rows)


@cache
def _near_sets() -> dict[str, list[frozenset[str]]]:
    """Word sets of the sentences, each with and without an answer, by the words of which a near-copy must have one.

    A text that shares a share s of words with a set of n has at least ⌈s·n⌉ of them, so one of any n − ⌈s·n⌉ + 1: the
    rarest are taken (the prefix filter, as in `near_copies.groups`).
    """
    sets = []
    for entry in (entry for name in SETS for entry in entries(name)):
        blank = words(entry.text.replace("[MASK]", ""))
        sets += [blank, *(blank | words(answer) for answer in entry.answers)]
    frequency = Counter(word for each in sets for word in each)
    found = defaultdict(list)
    for each in dict.fromkeys(sets):
        rarest = sorted(each, key=lambda word: (frequency[word], word))
        for word in rarest[: len(each) - math.ceil(OVERLAP * len(each)) + 1]:
            found[word].append(each)
    return found


def near_cloze(text: str) -> bool:
    """Return True if `text` equals or nearly equals one of the sentences: as a set of words, answer in or out, 60 % the
    same."""
    own = words(text)
    if len(own) > 40:
        return False  # no sentence here has over 24 words, so their share is below 60 %
    near = _near_sets()
    return any(overlap(own, each) >= OVERLAP for word in own if word in near for each in near[word])


@dataclass(frozen=True)
class Cloze:
    """Everyday sentences: accepted answers first or among five, and how often the first answer copies a visible word."""

    top1: float
    top5: float
    copy_rate: float
    sentences: int


@torch.no_grad()
def cloze(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str = SETS[0]) -> Cloze:
    """Score the predictions of `model` for the masked words of one of `SETS`."""
    first = five = copied = 0
    for entry in entries(name):
        inputs = tokenizer(entry.text, return_tensors="pt")
        position = (inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0, 0]
        ids = model(**inputs).logits[0, position].topk(5).indices
        words = tokenizer.convert_ids_to_tokens(ids.tolist())
        first += words[0] in entry.answers
        five += any(word in entry.answers for word in words)
        copied += int(ids[0]) in inputs["input_ids"][0]
    count = len(entries(name))
    return Cloze(first / count, five / count, copied / count, count)
