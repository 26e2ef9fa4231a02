"""Corpora as token ids on disk, and the batches that a model is trained and measured on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.build.text.cloze import near_cloze
from core.build.text.corpora import Document
from core.theory.masking import mask_tokens

LONGEST = 64
"""Tokens in a training sequence, [CLS] and [SEP] included: short sequences make the most of two cores."""


ALONE = ("wordnet", "everyday_smollm", "everyday_next_words")
"""Corpora whose sentences have nothing to do with each other."""


@dataclass(frozen=True)
class Encoded:
    """Sequences of token ids of one corpus, flattened: sequence i is `ids[starts[i]:starts[i + 1]]`."""

    ids: np.ndarray
    starts: np.ndarray
    held_out: np.ndarray

    def sequences(self, held_out: bool) -> list[np.ndarray]:
        """The sequences on one side of the split by document."""
        wanted = np.flatnonzero(self.held_out == held_out)
        return [self.ids[self.starts[i] : self.starts[i + 1]] for i in wanted]


def encode(documents: Iterator[Document], tokenizer, file: Path) -> Encoded:
    """Encode `documents` once and keep the result in `file` (npz)."""
    if not file.exists():
        ids: list[np.ndarray] = []
        held_out: list[bool] = []
        for document in documents:
            for sequence in _sequences(document, tokenizer):
                ids.append(np.array(sequence, dtype=np.uint16))
                held_out.append(document.held_out)
        file.parent.mkdir(parents=True, exist_ok=True)
        starts = np.cumsum([0, *map(len, ids)])
        np.savez(file, ids=np.concatenate(ids), starts=starts, held_out=np.array(held_out))
    with np.load(file) as arrays:
        return Encoded(arrays["ids"], arrays["starts"], arrays["held_out"])


def _sequences(document: Document, tokenizer) -> Iterator[list[int]]:
    """Consecutive sentences joined up to `LONGEST` tokens; a longer sentence is cut. WordNet's sentences stay alone.

    Near-copies of the sentences that measure meaning are left out.
    """
    sentences = [sentence for sentence in document.sentences if sentence and not near_cloze(sentence)]
    if not sentences:
        return
    room, current = LONGEST - 2, []
    for pieces in tokenizer(sentences, add_special_tokens=False, verbose=False).input_ids:
        joins = document.corpus not in ALONE and len(current) + len(pieces) <= room
        if current and not joins:
            yield [tokenizer.cls_token_id, *current, tokenizer.sep_token_id]
            current = []
        current = current + pieces[: room - len(current)]
    if len(current) > 2:
        yield [tokenizer.cls_token_id, *current, tokenizer.sep_token_id]


@dataclass(frozen=True)
class Batch:
    """Masked sequences of similar length: `input_ids`, `attention_mask`, `labels`, each `[sequence, position]`."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor

    @property
    def tokens(self) -> int:
        """Real tokens, padding not counted."""
        return int(self.attention_mask.sum())


def batches(
    sequences: list[np.ndarray], tokenizer, tokens: int, seed: int, probability: float = 0.15, shuffle: bool = True
) -> Iterator[Batch]:
    """One pass over `sequences` in batches of about `tokens` tokens, masked 80/10/10 with a fresh draw (dynamic masking).

    Sequences are sorted by length within large random pools, so little is spent on padding; the order depends on `seed` only.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(sequences), generator=generator).numpy() if shuffle else np.arange(len(sequences))
    for start in range(0, len(order), 4096):
        pool = sorted(order[start : start + 4096], key=lambda i: len(sequences[i]))
        groups, group = [], []
        for i in pool:
            if group and (len(group) + 1) * len(sequences[i]) > tokens:
                groups.append(group)
                group = []
            group.append(i)
        groups.append(group)
        ordered = torch.randperm(len(groups), generator=generator).tolist() if shuffle else range(len(groups))
        for g in ordered:
            yield _masked([sequences[i] for i in groups[g]], tokenizer, generator, probability)


def _masked(rows: list[np.ndarray], tokenizer, generator: torch.Generator, probability: float) -> Batch:
    longest = max(map(len, rows))
    input_ids = torch.full((len(rows), longest), tokenizer.pad_token_id)
    for i, row in enumerate(rows):
        input_ids[i, : len(row)] = torch.from_numpy(row.astype(np.int64))
    special = torch.isin(input_ids, torch.tensor(tokenizer.all_special_ids))
    draw = mask_tokens(input_ids, tokenizer.mask_token_id, len(tokenizer), special, probability, generator=generator)
    return Batch(draw.input_ids, (input_ids != tokenizer.pad_token_id).long(), draw.labels)
