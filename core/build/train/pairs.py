"""Two heads on the frozen teacher that read a pair of sentences: does the second follow (NSP), are they in order (SOP)?

Next-sentence prediction (Devlin et al. 2019, section 3.1) distinguishes a sentence's continuation from a random sentence,
which its topic alone gives away; sentence-order prediction (Lan et al. 2020, section 3.1) distinguishes it from the same two
sentences swapped. Each head is measured on the other's task too. Both share the teacher's files; a head alone takes 0.3 MB.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertConfig, BertForNextSentencePrediction, BertModel, PreTrainedTokenizerBase

from core.build.text.corpora import Document, documents
from core.build.train import classifier

ORDERED = (
    "movie_reviews",
    "masc_tagged",
    "state_union",
    "inaugural",
    "genesis",
    "product_reviews_1",
    "product_reviews_2",
)
"""The corpora whose sentences follow one another."""

SHORTEST, LONGEST = 4, 40
"""Words in a sentence of a pair."""

MOST = {"train": 24_000, "test": 1500}
"""Pairs on each side of the split, drawn at random."""

TOKENS = 96
"""In a pair, [CLS] and both [SEP] counted."""

SCHEDULE = classifier.Schedule(epochs=1, peak=2e-3, batch_tokens=2048, longest=TOKENS)


@dataclass(frozen=True)
class Pairs:
    """Pairs of sentences, each as token ids [CLS] a [SEP] b [SEP].

    Attributes:
        rows: token ids, `[pair]`.
        labels: as transformers has them: 0 if the second sentence follows the first, 1 if it is unrelated or they are
            swapped, `[pair]`.
    """

    rows: list[list[int]]
    labels: Tensor


def consecutive(found: Iterable[Document], held_out: bool, most: int, seed: int = 0) -> list[tuple[str, str, str]]:
    """(file, sentence, the next one) from one side of the split, no sentence twice, up to `most` at random."""
    pairs = []
    for document in found:
        if document.held_out == held_out:
            file = f"{document.corpus}/{document.name.split('#')[0]}"
            for a, b in zip(document.sentences[::2], document.sentences[1::2], strict=False):
                if all(SHORTEST <= len(text.split()) <= LONGEST for text in (a, b)):
                    pairs.append((file, a, b))
    random.Random(seed).shuffle(pairs)
    return pairs[:most]


def next_sentence(pairs: list[tuple[str, str, str]], seed: int = 0) -> list[tuple[str, str, int]]:
    """(first, second, label): every other second sentence is from another document, label 1."""
    rng, rows = random.Random(seed), []
    for i, (file, a, b) in enumerate(pairs):
        stranger = i % 2 == 1
        while stranger:
            other, _, text = rng.choice(pairs)
            if other != file:
                b = text
                break
        rows.append((a, b, int(stranger)))
    return rows


def sentence_order(pairs: list[tuple[str, str, str]]) -> list[tuple[str, str, int]]:
    """(first, second, label): every other pair is swapped, label 1."""
    return [(b, a, 1) if i % 2 else (a, b, 0) for i, (_, a, b) in enumerate(pairs)]


TASKS: dict[str, Callable[[list[tuple[str, str, str]]], list[tuple[str, str, int]]]] = {
    "nsp": next_sentence,
    "sop": sentence_order,
}


def encoded(rows: list[tuple[str, str, int]], tokenizer: PreTrainedTokenizerBase) -> Pairs:
    """Token ids and labels; a pair that is too long loses the end of its longer sentence."""
    firsts, seconds, labels = zip(*rows, strict=True)
    options = {"truncation": "longest_first", "max_length": TOKENS}
    return Pairs(tokenizer(list(firsts), list(seconds), **options).input_ids, torch.tensor(labels))


def drawn(side: str, most: int) -> list[tuple[str, str, str]]:
    """Up to `most` pairs of one side of the split ("train", "test")."""
    return consecutive((document for corpus in ORDERED for document in documents(corpus)), side == "test", most)


def all_pairs(tokenizer: PreTrainedTokenizerBase) -> dict[str, dict[str, Pairs]]:
    """By side of the split and by task, from the same pairs of sentences."""
    found = {}
    for side, most in MOST.items():
        pairs = drawn(side, most)
        found[side] = {task: encoded(make(pairs), tokenizer) for task, make in TASKS.items()}
    return found


class PairModel(nn.Module):
    """A model that separates the two sentences by the [SEP] between them, so that plain rows of ids are enough to train on."""

    def __init__(self, inner: BertForNextSentencePrediction, separator: int) -> None:
        super().__init__()
        self.inner, self.config, self.separator = inner, inner.config, separator

    def forward(self, input_ids: Tensor, attention_mask: Tensor):
        ends = (input_ids == self.separator).long()
        segments = ((ends.cumsum(1) - ends) > 0).long() * attention_mask
        return self.inner(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=segments)


CLASSES = {"nsp": ("next", "stranger"), "sop": ("in order", "swapped")}
"""Meaning of the labels of each task."""


def fresh_head(teacher: Path, separator: int, task: str, seed: int = 0) -> PairModel:
    """The encoder in `teacher`, frozen, under a new pooler and head."""
    config = BertConfig.from_pretrained(teacher)
    config.id2label = dict(enumerate(CLASSES[task]))
    config.label2id = {name: number for number, name in config.id2label.items()}
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0  # what the head reads shall not waver
    torch.manual_seed(seed)
    model = BertForNextSentencePrediction(config)
    encoder = BertModel.from_pretrained(teacher, add_pooling_layer=False, dtype=torch.float32)
    model.bert.load_state_dict(encoder.state_dict(), strict=False)  # all but the new pooler
    model.bert.requires_grad_(False)
    model.bert.pooler.requires_grad_(True)
    return PairModel(model, separator)


def train(folder: Path, teacher: Path, tokenizer: PreTrainedTokenizerBase, pairs: Pairs, task: str) -> PairModel:
    """Train the head for `task`, or go on from `folder/checkpoint.pt`."""
    model, labels = fresh_head(teacher, tokenizer.sep_token_id, task, SCHEDULE.seed), pairs.labels
    classifier.fit(folder, model, pairs.rows, lambda logits, some: F.cross_entropy(logits, labels[some]), SCHEDULE)
    return classifier.halved(model)


def accuracy(model: PairModel, pairs: Pairs) -> float:
    """The share of pairs that it puts on the right side."""
    said = classifier.logits_of(model, pairs.rows).argmax(-1)
    return float((said == pairs.labels).float().mean())


def order_by_words(
    train: list[tuple[str, str, str]],
    test: list[tuple[str, str, str]],
    tokenizer: PreTrainedTokenizerBase,
    seed: int = 0,
) -> float:
    """A baseline of the order of two sentences: a linear model of their words, and of the first two of each apart.

    Each weight is a token's evidence for being in the first sentence; tokens in both count for nothing.

    Args:
        train, test: as `consecutive` gives them.

    Returns:
        The share of the test pairs that it would put in order.
    """
    size = len(tokenizer)
    weights = nn.EmbeddingBag(3 * size, 1, mode="sum", _weight=torch.zeros(3 * size, 1))

    def in_order(pairs: list[tuple[str, str, str]]) -> Tensor:
        """ln odds, `[pair]`."""
        ids, signs, starts = [], [], []
        for sentences in zip(
            *(tokenizer([pair[i] for pair in pairs], add_special_tokens=False).input_ids for i in (1, 2)), strict=True
        ):
            starts.append(len(ids))
            for sign, tokens in zip((1.0, -1.0), sentences, strict=True):
                features = [*tokens, *(size * (place + 1) + token for place, token in enumerate(tokens[:2]))]
                ids += features
                signs += [sign] * len(features)
        return weights(torch.tensor(ids), torch.tensor(starts), per_sample_weights=torch.tensor(signs))[:, 0]

    optimizer = torch.optim.Adagrad(weights.parameters(), lr=0.02)
    for epoch in range(4):
        order = random.Random(seed + epoch).sample(train, len(train))
        for start in range(0, len(order), 512):
            loss = F.softplus(-in_order(order[start : start + 512])).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return float((in_order(test) > 0).float().mean())
