"""A model's predictions on held-out texts, row by row, reduced to a report's needs: class, confidence and label.

said = answers(student, texts)                       # even over 30,000 words per row: no logits are kept
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
"""Texts per batch: one turn of the engine, a tenth of a second or less for the models of the lab."""


@dataclass(frozen=True)
class Answers:
    """Predictions by row: a text, a token or a masked word; where a text may have several labels, each label is a row.

    Attributes:
        said: the class with the largest probability, `[row]`.
        confidence: that probability, `[row]`.
        labels: the right class, below 0 without a label, `[row]`.
    """

    said: Tensor
    confidence: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Quality:
    """Quality of a model's predictions.

    Attributes:
        accuracy: share of the labelled rows that are right; NaN without any.
        agreement: share of all rows where the teacher predicts the same class.
        bins: confidence against accuracy; None without labels.
        right: True for each right labelled row, `[labelled row]`.
        rows: number of rows.
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
    """Run a model on all texts; masked words as in epoch 0.

    Args:
        model: in eval mode; it must have been through `observed`.
        turn: entered for each batch, such as `Engine.turn`.
        on_batch: called with the share of the texts that are done.
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
    """Predictions from stored logits `[text, class]`, in the order of `answers`.

    Args:
        texts: with one label a text.
    """
    order = texts.lengths.argsort(stable=True)
    return Answers(*_reduced(logits.float()[order], texts.labels[order], several=False))


def quality(found: Answers, teacher: Answers) -> Quality:
    """Quality of predictions, compared with the teacher's for the same rows in the same order."""
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
    """The share of the most common label, the accuracy of always predicting it; NaN without labels."""
    known = found.labels[found.labels >= 0]
    return float(known.bincount().max() / len(known)) if len(known) else float("nan")


def _reduced(logits: Tensor, labels: Tensor, several: bool) -> tuple[Tensor, Tensor, Tensor]:
    if several:
        yes = logits.sigmoid().flatten()
        return (yes > 0.5).long(), torch.maximum(yes, 1 - yes), labels.flatten().long()
    confidence, said = logits.softmax(-1).max(-1)
    return said, confidence, labels
