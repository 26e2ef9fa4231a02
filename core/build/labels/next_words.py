"""Next-word probabilities of SmolLM2 while it writes plain sentences: soft labels at the price of writing.

A judge of both sides (`blanks.py`) reads some forty tokens for one label. Here each new word of a sentence leaves one: before
it is drawn, the model has assigned every word a probability, so "he unlocked the door with a [MASK]" has its label,
p(w | left), at no further cost. Learning from a larger model's sentences and from its probabilities are both distillation
(Kim, Rush 2016, sections 3.1 and 3.2); here across two vocabularies.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from core.build.labels.blank_sentences import TO_COME
from core.build.labels.blanks import CHOICES
from core.build.labels.label import Label, append, packs_done
from core.build.labels.larger import Larger
from core.build.text.cloze import near_cloze

TOGETHER = 256
"""Sentences that are written at once: a pack."""

NEW_TOKENS = 14
"""In a sentence, after its beginning."""

TEMPERATURE, DRAWN = 0.8, 60
"""The next token is drawn from this number of candidates, at this temperature; the label has temperature 1."""

KNOWN, CONTENT = 0.6, 0.4
"""A place is labelled where the words that both vocabularies hold, and of them those that are not common, have this share."""

LEAST = 3
"""Words before a place that is labelled."""

WRITTEN = 0.5
"""Weight of the word that was written, in the label of a sentence's last word."""


class NextWords:
    """SmolLM2-135M, writing on from many beginnings at once and yielding its probabilities at each word."""

    def __init__(self, larger: Larger) -> None:
        """Sort the larger model's tokens."""
        self.larger = larger
        self.known = torch.tensor(sorted(larger.words))
        self.content = torch.tensor([number in larger.asked for number in sorted(larger.words)])
        self.uncommon = {larger.words[number] for number in larger.asked}
        ends = [number for token, number in larger.tokenizer.get_vocab().items() if re.search(r'[.!?:;"<Ċ]', token)]
        self.ends = torch.zeros(larger.model.config.vocab_size, dtype=torch.bool)
        self.ends[ends] = True
        """Tokens that end the sentence, or that no plain sentence has."""

    @torch.inference_mode()
    def write(self, beginnings: list[list[int]], generator: torch.Generator, rng: random.Random) -> Iterator[Label]:
        """Go on from tokenised `beginnings`, all of one length, and yield the labels of the places on the way.

        Of each sentence that comes to its full stop two more places are labelled, where what follows is known too: one at
        random, with the word that was written as the only answer, and the last word. There the label is half that word, a draw
        from p(w | left, "."), and half what was expected, less the common words, which end no sentence.
        """
        ids = torch.tensor(beginnings)
        past, new = self.larger.past(len(ids)), ids
        before: list[Label | None] = [None] * len(ids)
        for _ in range(NEW_TOKENS):
            out = self.larger.model(input_ids=new, past_key_values=past, logits_to_keep=1)
            logits = out.logits[:, -1].float()  # [sentence, vocabulary]
            p = (logits[:, self.known] - logits.logsumexp(-1, keepdim=True)).exp()
            asked = (p.sum(-1) > KNOWN) & (p[:, self.content].sum(-1) > CONTENT)
            best = p.topk(min(CHOICES, len(self.known)))
            expected: list[Label | None] = [None] * len(ids)
            for row in asked.nonzero()[:, 0].tolist():
                words = [self.larger.words[i] for i in self.known[best.indices[row]].tolist()]
                expected[row] = self._label(self.larger.tokenizer.decode(ids[row]), words, best.values[row].tolist())
            yield from filter(None, expected)
            likely = logits.topk(DRAWN)
            drawn = torch.multinomial((likely.values / TEMPERATURE).softmax(-1), 1, generator=generator)
            new = likely.indices.gather(1, drawn)
            ended = self.ends[new[:, 0]]
            for row in (ended & (new[:, 0] == self.larger.stop)).nonzero()[:, 0].tolist():
                yield from self._whole(ids[row].tolist(), before[row], rng)
            ids, before = torch.cat([ids, new], dim=1), expected
            if ended.any():
                left = (~ended).nonzero()[:, 0]
                if not len(left):
                    return
                ids, new, before = ids[left], new[left], [before[row] for row in left.tolist()]
                past.batch_select_indices(left)

    @staticmethod
    def _label(text: str, words: list[str], p: list[float]) -> Label | None:
        """The label of the place after `text`, each word once ("Paris" and "paris" are one here)."""
        merged: dict[str, float] = {}
        for word, share in zip(words, p, strict=True):
            merged[word] = merged.get(word, 0.0) + share
        kept = {word: share for word, share in merged.items() if share >= 0.002}
        first = next(iter(kept), "")
        if len(text.split()) < LEAST or not kept or near_cloze(f"{text} {first}."):
            return None
        return _normalised(f"{text} [MASK]", kept)

    def _whole(self, ids: list[int], expected: Label | None, rng: random.Random) -> Iterator[Label]:
        """Words of a whole sentence, left out one at a time: the last, which was `expected`, and another one."""
        larger, last = self.larger, len(ids) - 1
        if near_cloze(f"{larger.tokenizer.decode(ids)}."):
            return
        places = [i for i in range(1, last) if ids[i] in larger.asked and ids[i + 1] not in larger.inside]
        for at in [last] * (ids[last] in larger.asked) + ([rng.choice(places)] if places else []):
            before, after = larger.tokenizer.decode(ids[:at]), larger.tokenizer.decode(ids[at + 1 :])
            text, written = f"{before} [MASK]{after}.", {larger.words[ids[at]]: 1.0}
            yield (
                ended(text, written, expected, self.uncommon) if at == last and expected else _normalised(text, written)
            )


def ended(text: str, written: dict[str, float], expected: Label, uncommon: set[str]) -> Label:
    """The label of a sentence's last word: half what was written, half what was expected of the uncommon words."""
    hoped = {word: p for word, p in zip(expected.words, expected.p, strict=True) if word in uncommon}
    total = sum(hoped.values())
    mixed = {word: WRITTEN * p for word, p in written.items()}
    for word, p in hoped.items():
        mixed[word] = mixed.get(word, 0.0) + (1 - WRITTEN) * p / total
    return _normalised(text, dict(sorted(mixed.items(), key=lambda pair: -pair[1])))


def _normalised(text: str, shares: dict[str, float]) -> Label:
    total = sum(shares.values())
    return Label(text, tuple(shares), tuple(round(share / total, 4) for share in shares.values()))


def beginnings(texts: dict[str, list[str]], seed: int = 0) -> list[str]:
    """Beginnings from which sentences are written: all of those in the tables, and the first words of sentences by
    others.

    Args:
        texts: the result of `blank_sentences.sources`.
    """
    rng = random.Random(seed)
    found = [text.removesuffix(f" {TO_COME}") for table in ("starts", "beginnings", "facts") for text in texts[table]]
    for name in ("wordnet", "masc_tagged"):
        found += [" ".join(text.split()[: rng.randint(2, 5)]).rstrip(",") for text in texts[name]]
    return list(dict.fromkeys(found))


def packs(texts: list[str], tokenizer: PreTrainedTokenizerBase) -> list[list[list[int]]]:
    """Tokenised beginnings in packs of `TOGETHER`, all those of a pack of one length, so that none is padded."""
    by_length: dict[int, list[list[int]]] = {}
    for ids in tokenizer(texts, add_special_tokens=False).input_ids:
        by_length.setdefault(len(ids), []).append(ids)
    found = []
    for _, rows in sorted(by_length.items()):
        random.Random(0).shuffle(rows)
        found += [rows[i : i + TOGETHER] for i in range(0, len(rows) - TOGETHER + 1, TOGETHER)]
    random.Random(0).shuffle(found)
    return found


def write(file: Path, writer: NextWords, beginnings: list[list[list[int]]], draw: int = 0) -> None:
    """Append the labels of pack after pack to `file`, as `blanks.write` does; go on after the last whole pack.

    Args:
        draw: another number lets other words be drawn after the same beginnings.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    for pack in range(packs_done(file), len(beginnings)):
        seed = draw * 10_000 + pack
        append(file, pack, writer.write(beginnings[pack], torch.Generator().manual_seed(seed), random.Random(seed)))
