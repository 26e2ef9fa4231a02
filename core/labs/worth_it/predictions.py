"""What a model says of held-out texts, row by row, reduced to what a report needs: a choice, how sure of it, and the truth.

said = answers(student, texts)                       # over 30,000 words a row too: no logits are kept
quality(said, answers(teacher, texts)).ece
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.distill.forward import FeatureRequest, asked_labels, forward
from core.distill.inputs.texts import TokenizedTexts
from core.measure.calibration import Reliability, binned

BATCH = 32
"""Texts asked at once: one turn of the engine, a tenth of a second or less for the models of the lab."""


@dataclass(frozen=True)
class Answers:
    """A row is a text, a token or a masked word; where a text may have several labels, each label is a row of its own.

    Attributes:
        said: the class with the largest probability, `[row]`.
        confidence: that probability, `[row]`.
        labels: the right class, below 0 where nobody gave it, `[row]`.
    """

    said: Tensor
    confidence: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Quality:
    """How good answers are.

    Attributes:
        accuracy: share of the labelled rows that are right; NaN without any.
        agreement: share of all rows where the teacher says the same.
        bins: confidence against accuracy; None without labels.
        right: for each labelled row, `[labelled row]`.
        rows: how many were asked.
    """

    accuracy: float
    agreement: float
    bins: Reliability | None
    right: Tensor
    rows: int

    @property
    def ece(self) -> float:
        """Expected calibration error; NaN without labels."""
        return self.bins.ece if self.bins else float("nan")


@torch.inference_mode()
def answers(
    model: nn.Module,
    texts: TokenizedTexts,
    turn: Callable[[], AbstractContextManager] = nullcontext,
    on_batch: Callable[[float], None] = lambda share: None,
) -> Answers:
    """Asks a model about all texts; masked words as in epoch 0.

    Args:
        model: in eval mode; it must have been through `observed`.
        turn: entered for each batch, such as `Engine.turn`.
        on_batch: is told the share of the texts that are done.
    """
    texts, parts, done = texts.at_epoch(0), [], 0
    device = next(model.parameters()).device
    groups = texts.lengths.argsort(stable=True).split(BATCH)  # of like length, to pad little
    for rows in groups:
        batch = texts.batch(rows)
        with turn():
            logits = forward(model, batch.to(device), texts.task, FeatureRequest(logits=True)).logits.float().cpu()
        parts.append(_reduced(logits, asked_labels(batch, texts.task), texts.task == "multi_label"))
        done += len(rows)
        on_batch(done / len(texts))
    said, confidence, labels = (torch.cat(column) for column in zip(*parts, strict=True))
    return Answers(said, confidence, labels)


def from_logits(logits: Tensor, texts: TokenizedTexts) -> Answers:
    """The same from stored logits `[text, class]`, in the order in which `answers` gives them.

    Args:
        texts: with one label a text.
    """
    order = texts.lengths.argsort(stable=True)
    return Answers(*_reduced(logits.float()[order], texts.labels[order], several=False))


def quality(found: Answers, teacher: Answers) -> Quality:
    """Judges answers to texts that the teacher answered too, in the same order."""
    known = found.labels >= 0
    right = (found.said == found.labels)[known]
    labelled = bool(known.any())
    return Quality(
        accuracy=float(right.double().mean()) if labelled else float("nan"),
        agreement=float((found.said == teacher.said).double().mean()),
        bins=binned(found.confidence[known], right) if labelled else None,
        right=right,
        rows=len(found.said),
    )


def majority(found: Answers) -> float:
    """The share of the commonest label: what always saying the same would get; NaN without labels."""
    known = found.labels[found.labels >= 0]
    return float(known.bincount().max() / len(known)) if len(known) else float("nan")


def _reduced(logits: Tensor, labels: Tensor, several: bool) -> tuple[Tensor, Tensor, Tensor]:
    if several:
        yes = logits.sigmoid().flatten()
        return (yes > 0.5).long(), torch.maximum(yes, 1 - yes), labels.flatten().long()
    confidence, said = logits.softmax(-1).max(-1)
    return said, confidence, labels
