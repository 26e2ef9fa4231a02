"""Sinusoidal positions (Vaswani et al. 2017, section 3.5)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from core.practice.task import Case, Task
from core.theory import positions


def reference(length, width):
    return positions.sinusoidal_encoding(length, width)


def _angles(length, width, step=2):
    position = torch.arange(length, dtype=torch.float64)[:, None]
    pair = torch.arange(width // 2, dtype=torch.float64)
    return position / 10000 ** (step * pair / width)


def halves(length, width):
    angles = _angles(length, width)
    return torch.cat((angles.sin(), angles.cos()), dim=-1).float()


def cosine_first(length, width):
    angles = _angles(length, width)
    return torch.stack((angles.cos(), angles.sin()), dim=-1).flatten(-2).float()


def pair_not_doubled(length, width):
    angles = _angles(length, width, step=1)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2).float()


def own_angle_each(length, width):
    position = torch.arange(length, dtype=torch.float64)[:, None]
    dimension = torch.arange(width, dtype=torch.float64)
    angles = position / 10000 ** (dimension / width)
    return torch.where(dimension % 2 == 0, angles.sin(), angles.cos()).float()


def starts_at_one(length, width):
    return positions.sinusoidal_encoding(length + 1, width)[1:]


def cases(generator: torch.Generator) -> Iterator[Case]:
    length = int(torch.randint(5, 12, (), generator=generator))
    yield Case("plain", {"length": length, "width": 8})
    yield Case("plain", {"length": 40, "width": 6})
    yield Case("smallest", {"length": 1, "width": 2})


TASK = Task(
    "sinusoidal_encoding",
    reference,
    cases,
    {
        "halves": halves,
        "cosine_first": cosine_first,
        "pair_not_doubled": pair_not_doubled,
        "own_angle_each": own_angle_each,
        "starts_at_one": starts_at_one,
    },
)
