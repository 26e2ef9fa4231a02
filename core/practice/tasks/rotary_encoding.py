"""Rotary positions in the layout of Llama (Su et al. 2021, section 3.2.2)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from core.practice.task import Case, Strided, Task, normal
from core.theory.positions import rotary


def reference(x, base=10000.0):
    return rotary(x.float(), base).to(x.dtype)


def _angles(x, base, step=2):
    pair = torch.arange(x.shape[-1] // 2)
    return torch.arange(x.shape[-2])[:, None] * base ** (-step * pair / x.shape[-1])


def turned_back(x, base=10000.0):
    return rotary(x, base, -torch.arange(x.shape[-2]))


def neighbours(x, base=10000.0):
    angles = _angles(x, base)
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = (even * angles.cos() - odd * angles.sin(), odd * angles.cos() + even * angles.sin())
    return torch.stack(turned, dim=-1).flatten(-2)


def starts_at_one(x, base=10000.0):
    return rotary(x, base, torch.arange(1, x.shape[-2] + 1))


def added(x, base=10000.0):
    angles = _angles(x, base)
    return x + torch.cat((angles.cos(), angles.sin()), dim=-1)


def pair_not_doubled(x, base=10000.0):
    angles = _angles(x, base, step=1)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()), -1)


def sign_lost(x, base=10000.0):
    angles = _angles(x, base)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * angles.cos() + second * angles.sin(), second * angles.cos() + first * angles.sin()), -1)


def cases(generator: torch.Generator) -> Iterator[Case]:
    yield Case("plain", {"x": normal(generator, 5, 8)})
    yield Case("plain", {"x": normal(generator, 2, 3, 6, 4)})
    yield Case("other_base", {"x": normal(generator, 2, 4, 8), "base": 100.0})
    yield Case("batch_of_one", {"x": normal(generator, 1, 1, 1, 2)})
    yield Case("strided", {"x": Strided(normal(generator, 2, 4, 4))})


TASK = Task(
    "rotary",
    reference,
    cases,
    {
        "neighbours": neighbours,
        "turned_back": turned_back,
        "sign_lost": sign_lost,
        "pair_not_doubled": pair_not_doubled,
        "starts_at_one": starts_at_one,
        "added": added,
    },
)
