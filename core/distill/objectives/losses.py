"""The losses on logits: against the teacher's probabilities (soft), against the label (hard), and their mixture.

    student, teacher = torch.randn(4, 3), torch.randn(4, 3)
    soft_loss(student, teacher, temperature=2.0)                      # T² · KL(teacher ‖ student)
    hard_loss(student, torch.tensor([0, 2, IGNORED, 1]))              # the third row has no label
    bernoulli_soft_loss(student, teacher, temperature=2.0)            # three labels, each yes or no

Hinton, Vinyals, Dean 2015 (Distilling the Knowledge in a Neural Network), section 2; Agarwal et al. 2024 (GKD,
On-Policy Distillation of Language Models), section 2 for the directions and the generalised Jensen-Shannon
divergence.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from core.theory.masking import IGNORED
from core.theory.temperature import check_temperature

Direction = Literal["forward", "reverse", "jsd"]
Reduction = Literal["batchmean", "mean", "sum", "none"]


def soft_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float = 1.0,
    scaled: bool = True,
    direction: Direction = "forward",
    beta: float = 0.5,
    reduction: Reduction = "batchmean",
) -> Tensor:
    """T² · KL(softmax(t/T) ‖ softmax(s/T)): how far the student's probabilities are from the teacher's.

    Directions, with t and s for the softened probabilities:
        forward: KL(t ‖ s), Hinton's. The student is punished for missing what the teacher finds likely.
        reverse: KL(s ‖ t). The student is punished for what the teacher finds unlikely, and may leave out the rest.
        jsd: beta · KL(t ‖ m) + (1 − beta) · KL(s ‖ m) with m = beta · t + (1 − beta) · s, as in GKD. It never exceeds
            the entropy of (beta, 1 − beta), ln 2 at 0.5. Towards beta = 0, jsd / beta tends to forward KL; towards
            beta = 1, jsd / (1 − beta) tends to reverse KL; at the ends it is 0 whatever the student predicts, so they are
            refused (Hugging Face's TRL puts the forward and the reverse KL there instead).

    Reductions (a row is everything but the last axis):
        batchmean: the sum over the classes, averaged over all rows. The same as PyTorch's for `[batch, class]`; for
            `[batch, position, class]` PyTorch's divides by the batch only.
        mean: batchmean divided by the number of classes too, as `F.kl_div` does by default. With 30 000 words the soft
            loss then all but vanishes compared with the hard one.
        sum: the sum over everything.
        none: one number per row, `[...]` (PyTorch's leaves the classes apart).

    It works in log space and in at least float32, so logits of a float16 model and large vocabularies are safe. Logits
    must be finite: give a class that is ruled out a large negative number, not −inf.

    Args:
        student_logits: `[..., class]`.
        teacher_logits: `[..., class]`; no gradient is stopped here, so run the teacher under `torch.no_grad`.
        temperature: T, for both.
        scaled: whether to multiply by T², which keeps the gradient's size once T is large compared with the logits.
        direction: see above.
        beta: the teacher's share of the mixture, between 0 and 1; only for "jsd".
        reduction: see above. Without any row the loss is 0, not NaN.

    Raises:
        ValueError: shapes differ, the temperature is not positive and finite, or an option is unknown or out of range.
    """
    log_s, log_t = _log_probabilities(student_logits, teacher_logits, temperature)  # [..., class]
    if direction == "forward":
        divergence = _kl(log_t, log_s)  # [...]
    elif direction == "reverse":
        divergence = _kl(log_s, log_t)
    elif direction == "jsd":
        if not 0 < beta < 1:
            raise ValueError(f"beta must lie between 0 and 1, not {beta}; for the ends, use 'forward' or 'reverse'.")
        log_m = torch.logaddexp(log_t + math.log(beta), log_s + math.log1p(-beta))
        divergence = beta * _kl(log_t, log_m) + (1 - beta) * _kl(log_s, log_m)
    else:
        raise ValueError(f"direction must be 'forward', 'reverse' or 'jsd', not {direction!r}.")
    return _reduce(divergence, student_logits.shape[-1], temperature, scaled, reduction)


def soft_cross_entropy(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float = 1.0,
    scaled: bool = True,
    reduction: Reduction = "batchmean",
) -> Tensor:
    """−T² · Σ t log s: the form in Hinton's paper.

    It is the forward `soft_loss` plus T² times the teacher's entropy, which no student can change: the gradient is
    the same, but this one does not reach 0 when the student equals the teacher. Arguments as in `soft_loss`.
    """
    log_s, log_t = _log_probabilities(student_logits, teacher_logits, temperature)
    cross_entropy = -(log_t.exp() * log_s).sum(dim=-1)  # [...]
    return _reduce(cross_entropy, student_logits.shape[-1], temperature, scaled, reduction)


def matching_loss(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Half the mean squared difference of zero-mean logits: what `soft_loss` tends to as T grows, and its gradient too.

    The gradient by a row's logits is (z − v) / N, for centred logits z of the student and v of the teacher over N classes:
    Hinton, Vinyals, Dean 2015, section 2.1, equation 4, times T². Rows are averaged, as in "batchmean".

    Args:
        student_logits, teacher_logits: `[..., class]`.

    Raises:
        ValueError: shapes differ.
    """
    if student_logits.shape != teacher_logits.shape:
        raise ValueError(f"The shapes {tuple(student_logits.shape)} and {tuple(teacher_logits.shape)} differ.")
    precise = torch.promote_types(torch.promote_types(student_logits.dtype, teacher_logits.dtype), torch.float32)
    difference = student_logits.to(precise) - teacher_logits.to(precise)  # [..., class]
    centred = difference - difference.mean(dim=-1, keepdim=True)
    return centred.square().sum() / 2 / max(centred.numel(), 1)


def hard_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy with the labels at T = 1, averaged over the positions that have one.

    Args:
        logits: `[..., class]`.
        labels: class numbers, `[...]`; `IGNORED` (−100) where there is nothing to learn. If that is so everywhere,
            the loss is 0: a batch in which no token happened to be masked must not turn the weights into NaN.

    Raises:
        ValueError: the labels do not have the shape of the logits' leading axes.
    """
    if labels.shape != logits.shape[:-1]:
        raise ValueError(f"Labels of shape {tuple(labels.shape)} do not fit logits {tuple(logits.shape)}.")
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    total = F.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=IGNORED, reduction="sum"
    )
    return total / (labels != IGNORED).sum().clamp(min=1)


def bernoulli_soft_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float = 1.0,
    scaled: bool = True,
    direction: Direction = "forward",
    beta: float = 0.5,
    reduction: Reduction = "batchmean",
) -> Tensor:
    """The soft loss where any number of labels may hold at once: T² · Σ over labels of KL(teacher's yes/no ‖ student's).

    Each label is a choice of its own between yes (logit z) and no (logit 0), since sigmoid(z / T) is the softmax over
    (z, 0). A row's loss is the sum over its labels: the divergence of the joint distribution of independent labels.
    Arguments as in `soft_loss`, with `[..., label]` in place of `[..., class]`.
    """
    labels = [torch.stack((logits, torch.zeros_like(logits)), dim=-1) for logits in (student_logits, teacher_logits)]
    each = soft_loss(*labels, temperature, scaled, direction, beta, reduction="none")  # [..., label]
    return _reduce(each.sum(dim=-1), student_logits.shape[-1], temperature, False, reduction)


def bernoulli_hard_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The binary cross-entropy at T = 1, summed over the labels of a row and averaged over the rows that have any.

    The sum matches `bernoulli_soft_loss`. PyTorch's `binary_cross_entropy_with_logits`, which transformers uses, divides
    by the number of labels too.

    Args:
        logits: `[..., label]`.
        labels: 1 for yes, 0 for no, negative where it is not known, `[..., label]`. Without any, the loss is 0.

    Raises:
        ValueError: shapes differ.
    """
    if labels.shape != logits.shape:
        raise ValueError(f"Labels of shape {tuple(labels.shape)} do not fit logits {tuple(logits.shape)}.")
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    known = labels >= 0
    each = F.binary_cross_entropy_with_logits(logits, labels.clamp(min=0).to(logits.dtype), reduction="none")
    return (each * known).sum() / known.any(dim=-1).sum().clamp(min=1)


def mixed_loss(soft: Tensor, hard: Tensor, soft_weight: float) -> Tensor:
    """soft_weight · soft + (1 − soft_weight) · hard.

    Raises:
        ValueError: `soft_weight` is not within 0..1.
    """
    if not 0 <= soft_weight <= 1:
        raise ValueError(f"The weight of the soft loss must lie between 0 and 1, not {soft_weight}.")
    return soft_weight * soft + (1 - soft_weight) * hard


def _log_probabilities(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """log softmax(s/T) and log softmax(t/T), `[..., class]`."""
    check_temperature(temperature)
    if student_logits.shape != teacher_logits.shape:
        shapes = f"{tuple(student_logits.shape)} and {tuple(teacher_logits.shape)}"
        raise ValueError(
            f"Student and teacher logits must have one shape, not {shapes}: are the vocabularies the same?"
        )
    # float16 ends at 65 504 and has three digits: too few for a sum over a vocabulary.
    precise = torch.promote_types(torch.promote_types(student_logits.dtype, teacher_logits.dtype), torch.float32)
    log_s = F.log_softmax(student_logits.to(precise) / temperature, dim=-1)
    log_t = F.log_softmax(teacher_logits.to(precise) / temperature, dim=-1)
    return log_s, log_t


def _kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p ‖ q) of each row, `[..., class]` -> `[...]`. PyTorch takes the two in the opposite order."""
    return F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(dim=-1)


def _reduce(rows: Tensor, classes: int, temperature: float, scaled: bool, reduction: Reduction) -> Tensor:
    """Scale one number per row (`[...]`) by T² and reduce as in `soft_loss`."""
    rows = rows * temperature**2 if scaled else rows
    if reduction == "none":
        return rows
    if reduction == "sum":
        return rows.sum()
    if reduction == "batchmean":
        return rows.sum() / max(rows.numel(), 1)
    if reduction == "mean":
        return rows.sum() / max(rows.numel() * classes, 1)
    raise ValueError(f"reduction must be 'batchmean', 'mean', 'sum' or 'none', not {reduction!r}.")
