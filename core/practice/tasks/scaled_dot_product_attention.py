"""softmax(QKᵀ/√d_k + mask) V, against PyTorch's own (Vaswani et al. 2017, section 3.2.1)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from core.practice.task import Case, Strided, Task, normal


def reference(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """PyTorch's, with at least float32 inside."""
    inside = torch.promote_types(query.dtype, torch.float32)
    return F.scaled_dot_product_attention(query.to(inside), key.to(inside), value.to(inside), mask).to(query.dtype)


def _scores(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])


def _masked(scores: Tensor, mask: Tensor | None, filling: float = -math.inf) -> Tensor:
    return scores if mask is None else scores.masked_fill(~mask, filling)


def no_scale(query, key, value, mask=None):
    return _masked(query @ key.transpose(-2, -1), mask).softmax(-1) @ value


def scaled_by_width(query, key, value, mask=None):
    return _masked(query @ key.transpose(-2, -1) / query.shape[-1], mask).softmax(-1) @ value


def softmax_over_queries(query, key, value, mask=None):
    return _masked(_scores(query, key), mask).softmax(-2) @ value


def mask_by_zero(query, key, value, mask=None):
    return _masked(_scores(query, key), mask, 0.0).softmax(-1) @ value


def mask_after_softmax(query, key, value, mask=None):
    return _masked(_scores(query, key).softmax(-1), mask, 0.0) @ value


def mask_inverted(query, key, value, mask=None):
    return _masked(_scores(query, key), None if mask is None else ~mask).softmax(-1) @ value


def mask_ignored(query, key, value, mask=None):
    return _scores(query, key).softmax(-1) @ value


def cases(generator: torch.Generator) -> Iterator[Case]:
    def qkv(*lead: int, queries: int = 3, keys: int = 5, width: int = 4, scale: float = 1.0) -> dict[str, Tensor]:
        make = {"query": (queries, width), "key": (keys, width), "value": (keys, width + 2)}
        return {name: normal(generator, *lead, *shape, scale=scale) for name, shape in make.items()}

    mask = torch.rand(2, 3, 5, generator=generator) < 0.6
    mask[..., 0] = True  # every query sees one key at least
    yield Case("plain", qkv(queries=3, keys=3))
    yield Case("plain", qkv(2, 4))
    yield Case("mask", {**qkv(2), "mask": mask})
    yield Case("causal", {**qkv(2, queries=4, keys=4), "mask": torch.ones(4, 4).tril().bool()})
    yield Case("batch_of_one", qkv(1, 1, queries=1))
    strided = {name: Strided(tensor) for name, tensor in qkv(2).items()}
    yield Case("strided", {**strided, "mask": mask})
    nothing = mask.clone()
    nothing[0, 1] = False
    yield Case("nothing_to_see", {**qkv(2), "mask": nothing})
    large = qkv(2, width=64)
    half = {name: tensor.detach() for name, tensor in large.items()}
    half["query"] = half["query"].sign() * 40
    half["key"] = torch.cat(
        (half["query"], half["key"][:, 3:].sign() * 40), dim=1
    )  # q·k = 40 · 40 · 64, beyond float16
    yield Case("half", {name: tensor.half() for name, tensor in half.items()})


TASK = Task(
    "attention",
    reference,
    cases,
    {
        "no_scale": no_scale,
        "scaled_by_width": scaled_by_width,
        "softmax_over_queries": softmax_over_queries,
        "mask_inverted": mask_inverted,
        "mask_by_zero": mask_by_zero,
        "mask_after_softmax": mask_after_softmax,
        "mask_ignored": mask_ignored,
    },
)
