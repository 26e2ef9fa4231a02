"""How good a masked language model is: on held-out documents, and on everyday sentences.

Held-out accuracy flatters small models (many masked tokens are "the" and "of"), so meaning is measured apart: the sentences
in `cloze.toml`, none of them from the training text, each with the words that a reader would accept.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import BertForMaskedLM, PreTrainedTokenizerBase

from core.build.encoding import Batch, batches

Scorer = Callable[[Batch], Tensor]
"""Logits at the selected positions of a batch, `[selected, vocabulary]`."""


@dataclass(frozen=True)
class HeldOut:
    """Means over the masked positions of held-out documents: loss in nats, accuracies as shares of one."""

    loss: float
    top1: float
    top5: float
    positions: int


def scorer(model: BertForMaskedLM) -> Scorer:
    """The model's own logits."""

    @torch.no_grad()
    def score(batch: Batch) -> Tensor:
        hidden = model.bert(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
        return model.cls(hidden[batch.labels >= 0])

    return score


def unigram_scorer(log_unigram: Tensor) -> Scorer:
    """The baseline that knows only how frequent each token is, `[vocabulary]`."""
    return lambda batch: log_unigram.expand(int((batch.labels >= 0).sum()), -1)


def held_out(
    score: Scorer, tokenizer: PreTrainedTokenizerBase, sequences: list[np.ndarray], most: int, seed: int = 0
) -> HeldOut:
    """Masks 15 % of up to `most` sequences, one draw by `seed`, 80/10/10, and scores the selected positions."""
    rng = np.random.default_rng(seed)
    chosen = [sequences[i] for i in rng.permutation(len(sequences))[:most]]
    loss = top1 = top5 = total = 0.0
    for batch in batches(chosen, tokenizer, tokens=2048, seed=seed, probability=0.15):
        labels = batch.labels[batch.labels >= 0]
        if not len(labels):
            continue
        logits = score(batch)
        best = logits.topk(5).indices == labels[:, None]  # [selected, 5]
        loss += float(F.cross_entropy(logits, labels, reduction="sum"))
        top1 += float(best[:, 0].sum())
        top5 += float(best.any(-1).sum())
        total += len(labels)
    return HeldOut(loss / total, top1 / total, top5 / total, int(total))


def agreement(
    teacher: BertForMaskedLM,
    student: BertForMaskedLM,
    tokenizer: PreTrainedTokenizerBase,
    sequences: list[np.ndarray],
    most: int,
) -> tuple[float, float]:
    """How often the student's first word is the teacher's, and KL(teacher ‖ student) in nats, on held-out positions."""
    teach, learn = scorer(teacher), scorer(student)
    same = divergence = total = 0.0
    rng = np.random.default_rng(0)
    chosen = [sequences[i] for i in rng.permutation(len(sequences))[:most]]
    for batch in batches(chosen, tokenizer, tokens=2048, seed=0, probability=0.15):
        if not (batch.labels >= 0).any():
            continue
        taught, learned = teach(batch), learn(batch)
        same += float((taught.argmax(-1) == learned.argmax(-1)).sum())
        log_t, log_s = F.log_softmax(taught, -1), F.log_softmax(learned, -1)
        divergence += float(F.kl_div(log_s, log_t, reduction="sum", log_target=True))
        total += len(taught)
    return same / total, divergence / total


@dataclass(frozen=True)
class Cloze:
    """Everyday sentences: accepted answers first or among five, and how often the first answer copies a visible word."""

    top1: float
    top5: float
    copy_rate: float
    sentences: int


@torch.no_grad()
def cloze(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerBase) -> Cloze:
    """Measures the sentences of `cloze.toml`."""
    entries = tomllib.loads((Path(__file__).parent / "cloze.toml").read_text(encoding="utf-8"))["sentence"]
    first = five = copied = 0
    for entry in entries:
        inputs = tokenizer(entry["text"], return_tensors="pt")
        position = (inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0, 0]
        ids = model(**inputs).logits[0, position].topk(5).indices
        words = tokenizer.convert_ids_to_tokens(ids.tolist())
        first += words[0] in entry["answers"]
        five += any(word in entry["answers"] for word in words)
        copied += int(ids[0]) in inputs["input_ids"][0]
    count = len(entries)
    return Cloze(first / count, five / count, copied / count, count)
