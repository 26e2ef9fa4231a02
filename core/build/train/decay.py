"""Weights with weight decay: the matrices, and no biases or scales."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch.nn import Parameter

WEIGHT_DECAY = 0.01


def groups(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    """The parameters as AdamW takes them, in their order: matrices with `WEIGHT_DECAY`, all others without."""
    each = list(parameters)
    return [
        {"params": [parameter for parameter in each if parameter.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [parameter for parameter in each if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
