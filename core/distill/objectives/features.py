"""The losses on the models' internals: hidden states, attention, values. Padded positions change nothing.

    real = torch.tensor([[True, True, False]])                        # the third position is padding
    hidden_mse(torch.randn(1, 3, 8), torch.randn(1, 3, 8), real)
    attention_kl(torch.randn(1, 2, 3, 3), torch.randn(1, 2, 3, 3), real)

Each loss is a mean over real tokens (or real pairs of them), whatever the padding. Widths must agree: a student of another
width brings a projection of its own first. All work in at least float32.

Jiao et al. 2020 (TinyBERT), section 3.1; Wang et al. 2020 (MiniLM), sections 3.1 and 3.2; Sanh et al. 2019 (DistilBERT),
section 2; Sun et al. 2019 (PKD), section 3.2.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

MASKED = -1e9
"""Substitute for −∞ on a key that may not be attended to: e^MASKED is 0 in every precision, and MASKED − MASKED is no NaN."""


def hidden_mse(student: Tensor, teacher: Tensor, real: Tensor) -> Tensor:
    """Mean squared difference over real tokens and width (TinyBERT, equations 8 and 9).

    Args:
        student, teacher: `[batch, position, width]`; the student's after its projection.
        real: False for padding, `[batch, position]`.

    Raises:
        ValueError: shapes differ.
    """
    student, teacher = _alike(student, teacher)
    return (student - teacher)[real].square().sum() / max(int(real.sum()) * student.shape[-1], 1)


def attention_scores_mse(student: Tensor, teacher: Tensor, real: Tensor) -> Tensor:
    """Mean squared difference of the raw scores q·k/√d_k, before mask and softmax (TinyBERT, equation 7).

    The mean is over heads and over all pairs of real tokens. TinyBERT's code instead sets the scores of padded keys to 0
    and divides by all pairs, so that the same texts weigh less in a batch with a longer one.

    Args:
        student, teacher: `[batch, head, query, key]`, as many heads in both.
        real: False for padding, `[batch, position]`.

    Raises:
        ValueError: shapes differ.
    """
    student, teacher = _alike(student, teacher)
    pairs = (real[:, :, None] & real[:, None, :])[:, None]  # [batch, 1, query, key]
    squares = (student - teacher).masked_fill(~pairs, 0.0).square()
    return squares.sum() / (pairs.sum() * student.shape[1]).clamp(min=1)


def attention_kl(student: Tensor, teacher: Tensor, real: Tensor) -> Tensor:
    """KL(teacher's attention ‖ student's), the mean over heads and real queries (MiniLM, equation 6).

    Args:
        student, teacher: raw scores, `[batch, head, query, key]`, as many heads in both; padded keys are masked here.
        real: False for padding, `[batch, position]`.

    Raises:
        ValueError: shapes differ.
    """
    student, teacher = _alike(student, teacher)
    padded_keys = ~real[:, None, None, :]
    log_s = F.log_softmax(student.masked_fill(padded_keys, MASKED), dim=-1)
    log_t = F.log_softmax(teacher.masked_fill(padded_keys, MASKED), dim=-1)
    rows = F.kl_div(log_s, log_t, reduction="none", log_target=True).sum(dim=-1)  # [batch, head, query]
    return rows.masked_fill(~real[:, None], 0.0).sum() / (real.sum() * rows.shape[1]).clamp(min=1)


def value_relation_kl(student: Tensor, teacher: Tensor, real: Tensor, heads: int | None = None) -> Tensor:
    """KL of the value relations softmax(V·Vᵀ/√d), teacher's ‖ student's (MiniLM, equations 8 to 10).

    A relation is between tokens, so the widths of the heads may differ.

    Args:
        student, teacher: values, `[batch, head, position, d]`.
        real: False for padding, `[batch, position]`.
        heads: splits all values anew into that many relation heads (Wang et al. 2021, MiniLMv2, section 3.1), so that the
            numbers of attention heads may differ too; as they are if None.

    Raises:
        ValueError: the numbers of heads differ, or `heads` does not divide a width.
    """
    return attention_kl(_relation(student, heads), _relation(teacher, heads), real)


def last_cosine(student: Tensor, teacher: Tensor, real: Tensor) -> Tensor:
    """1 − cos of two hidden states, the mean over real tokens (DistilBERT, section 2, takes the last layer's).

    Args:
        student, teacher: `[batch, position, width]`; the student's after its projection.
        real: False for padding, `[batch, position]`.

    Raises:
        ValueError: shapes differ.
    """
    student, teacher = _alike(student, teacher)
    return (1 - F.cosine_similarity(student[real], teacher[real], dim=-1)).sum() / max(int(real.sum()), 1)


def cls_mse(student: Tensor, teacher: Tensor, normalised: bool = True) -> Tensor:
    """Mean squared difference of [CLS] states, each scaled to length 1 (PKD, equation 7).

    The paper sums where its code, and this, takes the mean over texts, layers and width; the weights that the paper
    searched belong to the mean.

    Args:
        student, teacher: `[..., width]`; the student's after its projection.
        normalised: False leaves the lengths as they are.

    Raises:
        ValueError: shapes differ.
    """
    student, teacher = _alike(student, teacher)
    if normalised:
        student, teacher = F.normalize(student, dim=-1), F.normalize(teacher, dim=-1)
    return (student - teacher).square().mean()


def _relation(values: Tensor, heads: int | None) -> Tensor:
    """V·Vᵀ/√d of each head, `[batch, head, position, d]` -> `[batch, relation head, position, position]`."""
    values = values.to(torch.promote_types(values.dtype, torch.float32))
    if heads is not None:
        joined = values.transpose(1, 2).flatten(2)  # [batch, position, head * d]
        if joined.shape[-1] % heads:
            raise ValueError(f"A width of {joined.shape[-1]} cannot be split into {heads} relation heads.")
        values = joined.unflatten(2, (heads, -1)).transpose(1, 2)
    return values @ values.transpose(-2, -1) * values.shape[-1] ** -0.5


def _alike(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Both in at least float32, once it is sure that nothing would be broadcast."""
    if student.shape != teacher.shape:
        raise ValueError(f"Student {tuple(student.shape)} and teacher {tuple(teacher.shape)} must have one shape.")
    precise = torch.promote_types(torch.promote_types(student.dtype, teacher.dtype), torch.float32)
    return student.to(precise), teacher.to(precise)
