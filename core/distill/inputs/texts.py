"""Texts as token ids with their labels, and the padded batches that are cut out of them.

For example:

    texts = encode(tokenizer, ["a king", "a cat"], [0, 1], "single_label")     # of core.distill.inputs.encoding
    batch = texts.batch(torch.tensor([1, 0]))
    few = texts.without_labels([1])                                            # the second one only the teacher knows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from core.distill.inputs.batching import derive_seed
from core.theory.masking import IGNORED, mask_tokens

Task = Literal["masked_words", "single_label", "multi_label", "token_labels"]

UNLABELLED = -1
"""A missing label: the teacher's prediction is used, but there is no hard loss. At `IGNORED` (−100) there is no loss at all."""


@dataclass(frozen=True)
class Batch:
    """Some texts, padded to the longest.

    Attributes:
        input_ids, attention_mask: `[text, position]`; the mask is 1 for real tokens.
        labels: class numbers `[text]`, 1 or 0 for each label `[text, label]`, or token ids or classes `[text, position]`.
        rows: indices of the texts in their `TokenizedTexts`, `[text]`.
        segments: 0 for the first and 1 for the second text of a pair, `[text, position]`, or None.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    rows: Tensor
    segments: Tensor | None = None

    @property
    def real(self) -> Tensor:
        """False for padding, `[text, position]`."""
        return self.attention_mask.bool()

    @property
    def tokens(self) -> int:
        """Real tokens."""
        return int(self.attention_mask.sum())

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device; `rows` stay, since they only index what is kept on the CPU."""
        moved = {name: getattr(self, name).to(device) for name in ("input_ids", "attention_mask", "labels")}
        return replace(self, **moved, segments=None if self.segments is None else self.segments.to(device))


@dataclass(frozen=True)
class TokenizedTexts:
    """Token ids of many texts, end to end: text i is `ids[starts[i]:starts[i + 1]]`.

    Attributes:
        ids: `[token]`.
        starts: `[text + 1]`.
        labels: `[text]` for "single_label", `[text, label]` for "multi_label", `[token]` for the other tasks.
        task: what the labels are.
        pad_id: fills a batch up.
        segments: `[token]`, or None where no text is a pair.
    """

    ids: Tensor
    starts: Tensor
    labels: Tensor
    task: Task
    pad_id: int
    segments: Tensor | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> Tensor:
        """Tokens in each text, `[text]`."""
        return self.starts.diff()

    @cached_property
    def asked(self) -> Tensor:
        """Number of positions of each text that the head predicts, `[text]`: all with a label, or 1 for a whole text."""
        if self.labels_by_text:
            return torch.ones(len(self), dtype=torch.long)
        counts = torch.cat((torch.zeros(1, dtype=torch.long), (self.labels != IGNORED).long().cumsum(0)))
        return counts[self.starts[1:]] - counts[self.starts[:-1]]

    @property
    def labels_by_text(self) -> bool:
        """True if a label belongs to a text, not to a token."""
        return self.task in ("single_label", "multi_label")

    @property
    def vocabulary(self) -> Tensor:
        """The ids that occur, in order, padding included, `[id]`."""
        return torch.cat((self.ids, torch.tensor([self.pad_id]))).unique()

    @property
    def labelled(self) -> int:
        """Number of texts (or tokens) with a label of their own; the teacher's predictions are not counted."""
        known = self.labels >= 0
        return int((known.any(dim=-1) if self.task == "multi_label" else known).sum())

    def at_epoch(self, epoch: int) -> TokenizedTexts:
        """The texts as they are read in an epoch: these never change."""
        return self

    @property
    def changes(self) -> bool:
        """True if epochs differ, so that a teacher's outputs could not be kept."""
        return False

    def batch(self, rows: Tensor) -> Batch:
        """The texts of these numbers, `[text]`, padded to the longest among them."""
        lengths = self.lengths[rows]
        position = torch.arange(int(lengths.max()))
        real = position < lengths[:, None]  # [text, position]
        index = (self.starts[rows][:, None] + position).clamp(max=len(self.ids) - 1)

        def padded(flat: Tensor, filler: int) -> Tensor:
            return flat[index].masked_fill(~real, filler)

        return Batch(
            input_ids=padded(self.ids, self.pad_id),
            attention_mask=real.long(),
            labels=self.labels[rows] if self.labels_by_text else padded(self.labels, IGNORED),
            rows=rows,
            segments=None if self.segments is None else padded(self.segments, 0),
        )

    def chosen(self, rows: Sequence[int] | Tensor) -> TokenizedTexts:
        """Only the texts of these numbers, as `TokenizedTexts` of their own."""
        rows = torch.as_tensor(rows, dtype=torch.long)
        spans = [torch.arange(int(self.starts[i]), int(self.starts[i + 1])) for i in rows]
        index = torch.cat(spans)
        return replace(
            self,
            ids=self.ids[index],
            starts=starts_of(self.lengths[rows]),
            labels=self.labels[rows] if self.labels_by_text else self.labels[index],
            segments=None if self.segments is None else self.segments[index],
        )

    def without_labels(self, rows: Sequence[int] | Tensor) -> TokenizedTexts:
        """The same texts, those of these numbers without a label of their own: a transfer set that only the teacher knows."""
        labels = self.labels.clone()
        if not self.labels_by_text:
            raise ValueError("Only labels of whole texts can be taken away.")
        labels[torch.as_tensor(rows, dtype=torch.long)] = UNLABELLED
        return replace(self, labels=labels)


@dataclass(frozen=True)
class MaskedTexts(TokenizedTexts):
    """Texts for masked words, masked anew in each epoch (dynamic masking, Liu et al. 2019, section 4.1).

    `at_epoch(0)` alone, used in every epoch, is static masking; only then can the teacher's answers be kept.

    Attributes:
        special: True where nothing may be masked, `[token]`.
        mask_id, vocabulary_size, probability, seed: see `core.theory.masking.mask_tokens`.
        word_ids: to mask whole words, `[token]`, or None.
    """

    special: Tensor | None = None
    mask_id: int = 0
    vocabulary_size: int = 0
    probability: float = 0.15
    seed: int = 0
    word_ids: Tensor | None = None

    def at_epoch(self, epoch: int) -> TokenizedTexts:
        """The texts with the masks of one epoch; ids and labels depend on (seed, epoch) only."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, epoch))
        draw = mask_tokens(
            self.ids,
            self.mask_id,
            self.vocabulary_size,
            self.special,
            self.probability,
            word_ids=self.word_ids,
            generator=generator,
        )
        return TokenizedTexts(draw.input_ids, self.starts, draw.labels, self.task, self.pad_id, self.segments)

    @property
    def changes(self) -> bool:
        """Each epoch has masks of its own."""
        return True


def starts_of(lengths: Tensor) -> Tensor:
    """Offset at which each text begins, and the end of the last, `[text]` -> `[text + 1]`."""
    return torch.cat((torch.zeros(1, dtype=torch.long), lengths.cumsum(0)))
