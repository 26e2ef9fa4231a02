"""The nucleus of a distribution (Holtzman et al. 2020, section 3.1)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from core.practice.task import Case, Strided, Task


def _before(logits):
    """Each token's probability, and the mass of all tokens that are more likely, `[..., token]`."""
    probabilities = logits.float().softmax(-1)
    more = probabilities[..., None, :] > probabilities[..., :, None]  # [..., token, other]
    return probabilities, (more * probabilities[..., None, :]).sum(-1)


def _kept(probabilities, keep):
    kept = probabilities * keep
    return kept / kept.sum(-1, keepdim=True)


def reference(logits, p):
    probabilities, before = _before(logits)
    return _kept(probabilities, before < p).to(logits.dtype)


def crossing_token_left_out(logits, p):
    probabilities, before = _before(logits)
    return _kept(probabilities, (before + probabilities <= p) | (before == 0))


def not_renormalised(logits, p):
    probabilities, before = _before(logits)
    return probabilities * (before < p)


def left_in_order_of_size(logits, p):
    return reference(logits, p).sort(dim=-1, descending=True).values


def threshold(logits, p):
    probabilities, before = _before(logits)
    return _kept(probabilities, (probabilities >= p) | (before == 0))


def one_token_too_many(logits, p):
    probabilities, before = _before(logits)
    keep = before < p
    rest = torch.where(keep, 0, probabilities)
    return _kept(probabilities, keep | ((rest == rest.amax(-1, keepdim=True)) & (rest > 0)))


def logits_set_to_zero(logits, p):
    _, before = _before(logits)
    return torch.where(before < p, logits, 0.0).softmax(-1)


def cases(generator: torch.Generator) -> Iterator[Case]:
    def logits(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    # Fixed probabilities in a random order: three tokens reach p, and each wrong way keeps another number of them.
    shares = torch.tensor([0.3, 0.25, 0.2, 0.15, 0.1])[torch.randperm(5, generator=generator)]
    yield Case("plain", {"logits": shares.log() + logits(1), "p": 0.6})
    yield Case("plain", {"logits": logits(2, 3, 7), "p": 0.6})
    yield Case("at_least_one", {"logits": logits(3, 5), "p": 0.01})
    yield Case("everything", {"logits": logits(2, 5), "p": 1.0})
    yield Case("batch_of_one", {"logits": logits(1, 4), "p": 0.9})
    yield Case("strided", {"logits": Strided(logits(3, 6)), "p": 0.7})


TASK = Task(
    "top_p",
    reference,
    cases,
    {
        "crossing_token_left_out": crossing_token_left_out,
        "not_renormalised": not_renormalised,
        "left_in_order_of_size": left_in_order_of_size,
        "threshold": threshold,
        "one_token_too_many": one_token_too_many,
        "logits_set_to_zero": logits_set_to_zero,
    },
)
