"""WordPiece's greedy longest match, against the tokenizers library that BERT's tokenizer runs on."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from tokenizers import Tokenizer, models

from core.practice.task import Case, Task

UNKNOWN = "[UNK]"
PIECES = "un able aff ##aff ##able ##ab ##le play ##ing ##in ##g ##ed ##s a ##a ##b ##c ab abc embed ##ding ##d".split()


def reference(word, vocabulary):
    ids = {piece: number for number, piece in enumerate([UNKNOWN, *vocabulary])}
    return Tokenizer(models.WordPiece(ids, unk_token=UNKNOWN)).encode(word).tokens


def _greedy(word, vocabulary, lengths, hashes=True, give_up=True):
    pieces, start = [], 0
    while start < len(word):
        for end in lengths(start, len(word)):
            piece = ("##" if start and hashes else "") + word[start:end]
            if piece in vocabulary:
                pieces.append(piece)
                start = end
                break
        else:
            if give_up:
                return [UNKNOWN]
            return [*pieces, UNKNOWN]
    return pieces


def _longest(start, length):
    return range(length, start, -1)


def shortest_first(word, vocabulary):
    return _greedy(word, vocabulary, lambda start, length: range(start + 1, length + 1))


def no_hashes(word, vocabulary):
    return _greedy(word, vocabulary, _longest, hashes=False)


def unknown_rest(word, vocabulary):
    return _greedy(word, vocabulary, _longest, give_up=False)


def cases(generator: torch.Generator) -> Iterator[Case]:
    names = {"unaffable": "plain", "playing": "plain", "abc": "whole_word", "abcd": "backtrack", "embeddings": "plain"}
    names |= {"playx": "unknown_word", "xplay": "unknown_word", "a": "smallest", "abcc": "plain", "able": "whole_word"}
    first = ["unaffable", "playing"]
    rest = [word for word in names if word not in first]
    order = [rest[place] for place in torch.randperm(len(rest), generator=generator).tolist()]
    for word in first + order:
        yield Case(names[word], {"word": word, "vocabulary": list(PIECES)})


TASK = Task(
    "wordpiece",
    reference,
    cases,
    {"shortest_first": shortest_first, "no_hashes": no_hashes, "unknown_rest": unknown_rest},
)
