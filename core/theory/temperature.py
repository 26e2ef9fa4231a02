"""Temperature: how softened probabilities show what a teacher knows, and what the softening does to the gradient.

Hinton, Vinyals, Dean 2015 (Distilling the Knowledge in a Neural Network), section 2 and section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

TEMPERATURES = (0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 16, 20)
"""The stops of every temperature control, roughly evenly spaced on a logarithmic scale; whole ones are whole in addresses too."""


def check_temperature(temperature: float) -> None:
    """Raise ValueError unless `temperature` is a positive, finite number."""
    if not 0 < temperature < math.inf:
        raise ValueError(f"The temperature must be a positive, finite number, not {temperature}.")


def soften(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """softmax(z / T) over the last axis, `[..., class]` (section 2, equation 1).

    T = 1 leaves the model's own probabilities, T > 1 flattens them, T < 1 sharpens them; no T changes which class
    leads. The largest logit is subtracted *before* the division, so that a tiny T overflows to a clean 0 or 1. A
    logit of −inf is a class ruled out. float16 and integer logits give float32 probabilities.

    Raises:
        ValueError: `temperature` is not positive and finite, or a row of logits holds NaN or +inf, or nothing but −inf.
    """
    check_temperature(temperature)
    largest = logits.amax(dim=-1, keepdim=True)
    if not largest.isfinite().all():  # the largest of a row with NaN is NaN
        raise ValueError("The logits hold NaN or +inf, or a row of nothing but -inf: there is no softmax of that.")
    distance = (logits.double() - largest.double()) / temperature  # [..., class], all <= 0
    return distance.softmax(dim=-1).to(torch.promote_types(logits.dtype, torch.float32))


def entropy(probabilities: Tensor, base: float = math.e) -> Tensor:
    """−Σ p log p over the last axis, `[..., class]` -> `[...]`; 0 log 0 counts as 0.

    In nats; with `base=2` in bits, with `base` = the number of classes as a share of the largest value possible.

    Raises:
        ValueError: `base` is not above 1.
    """
    if not base > 1:
        raise ValueError(f"The base of the logarithm must be above 1, not {base}.")
    return torch.special.entr(probabilities).sum(dim=-1) / math.log(base)


def effective_classes(probabilities: Tensor) -> Tensor:
    """exp(entropy): how many equally likely classes would be as uncertain, `[..., class]` -> `[...]`, from 1 to all."""
    return entropy(probabilities).exp()


def dark_knowledge(probabilities: Tensor) -> Tensor:
    """The mass outside the most likely class, `[..., class]` -> `[...]`: what a hard label throws away.

    It sums the other classes: 1 − max would round a mass of 1e-9, which a confident teacher does leave, to 0 in
    float32.
    """
    likeliest = probabilities.argmax(dim=-1, keepdim=True)
    return probabilities.scatter(-1, likeliest, 0.0).sum(dim=-1)


def logit_gradient(student_logits: Tensor, teacher_logits: Tensor, temperature: float, scaled: bool = True) -> Tensor:
    """The gradient of one row's soft loss by its student logits, in closed form, `[..., class]` (section 2.1, eq. 2).

    ∂C/∂z = (q − p) / T, where q are the student's and p the teacher's softened probabilities, and T times (q − p) if
    the loss is `scaled` by T². Cross-entropy and forward KL have the same gradient: they differ by the teacher's
    entropy.
    """
    difference = soften(student_logits, temperature) - soften(teacher_logits, temperature)  # [..., class]
    return difference * temperature if scaled else difference / temperature


def gradient_norms(
    student_logits: Tensor, teacher_logits: Tensor, temperatures: Sequence[float], scaled: bool = True
) -> Tensor:
    """The length of the soft loss's gradient at each temperature, measured by autograd, `[temperature]`.

    It is the Euclidean norm for one row of logits (`[..., class]`), averaged over the rows. Without the factor T² it
    falls as 1/T² once T is large compared with the logits, which is why the factor is there (section 2, last paragraph). With
    it the length settles, but only from there on: for logits of standard deviation 1 at T = 4, for 10 at about T = 30.
    """
    norms = []
    for temperature in temperatures:
        check_temperature(temperature)
        student = student_logits.detach().double().requires_grad_()
        log_q = F.log_softmax(student / temperature, dim=-1)  # [..., class]
        log_p = F.log_softmax(teacher_logits.detach().double() / temperature, dim=-1)
        loss = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
        (gradient,) = torch.autograd.grad(loss * temperature**2 if scaled else loss, student)
        norms.append(gradient.norm(dim=-1).mean())
    return torch.stack(norms).to(torch.float32)
