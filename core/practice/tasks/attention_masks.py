"""Padding and causal masks as numbers to add to the scores (Vaswani et al. 2017, section 3.2.3)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from core.practice.task import Case, Strided, Task
from core.theory.attention import causal_mask, padding_mask


def reference(attention_mask: Tensor, causal: bool) -> Tensor:
    """`[batch, position]` -> `[batch, 1, query, key]`."""
    length = attention_mask.shape[-1]
    future = causal_mask(length) if causal else torch.zeros(length, length)
    return padding_mask(attention_mask) + future


def _blocked(where: Tensor) -> Tensor:
    return torch.zeros(where.shape).masked_fill(where, -math.inf)


def _future(length: int, causal: bool) -> Tensor:
    return torch.ones(length, length).triu(1).bool() if causal else torch.zeros(length, length).bool()


def inverted(attention_mask, causal):
    length = attention_mask.shape[-1]
    return _blocked((attention_mask == 1)[:, None, None, :] | _future(length, causal))


def queries_blocked(attention_mask, causal):
    return _blocked((attention_mask == 0)[:, None, :, None] | _future(attention_mask.shape[-1], causal))


def past_blocked(attention_mask, causal):
    return _blocked((attention_mask == 0)[:, None, None, :] | _future(attention_mask.shape[-1], causal).T)


def itself_blocked(attention_mask, causal):
    length = attention_mask.shape[-1]
    future = torch.ones(length, length).triu(0).bool() if causal else torch.zeros(length, length).bool()
    return _blocked((attention_mask == 0)[:, None, None, :] | future)


def zero_times_infinity(attention_mask, causal):
    allowed = attention_mask[:, None, None, :] * (~_future(attention_mask.shape[-1], causal)).float()
    return (1 - allowed) * -math.inf


def causal_ignored(attention_mask, causal):
    return reference(attention_mask, False)


def cases(generator: torch.Generator) -> Iterator[Case]:
    padded = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    yield Case("plain", {"attention_mask": padded, "causal": False})
    yield Case("causal", {"attention_mask": torch.ones(2, 4, dtype=torch.long), "causal": True})
    yield Case("causal", {"attention_mask": padded, "causal": True})
    yield Case("batch_of_one", {"attention_mask": torch.ones(1, 1, dtype=torch.long), "causal": True})
    yield Case("strided", {"attention_mask": Strided(padded.repeat(1, 2)), "causal": True})


TASK = Task(
    "attention_bias",
    reference,
    cases,
    {
        "inverted": inverted,
        "queries_blocked": queries_blocked,
        "past_blocked": past_blocked,
        "itself_blocked": itself_blocked,
        "causal_ignored": causal_ignored,
        "zero_times_infinity": zero_times_infinity,
    },
)
