"""Multi-head attention as a module with a padding mask (Vaswani et al. 2017, section 3.2.2)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.practice.task import Case, Strided, Task, normal

NAMES = ("query", "key", "value", "output")


class MultiHeadAttention(nn.Module):
    """With PyTorch's fused attention inside."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))

    def split(self, projected: Tensor) -> Tensor:
        """`[batch, position, width]` -> `[batch, head, position, width / heads]`."""
        return projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """`[batch, head, position, d]` each -> the same."""
        allowed = None if mask is None else mask.bool()[:, None, None, :]
        return F.scaled_dot_product_attention(query, key, value, allowed)

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """`[batch, position, width]`, `[batch, position]` -> `[batch, position, width]`."""
        projected = (self.split(layer(hidden)) for layer in (self.query, self.key, self.value))
        return self.output(self.join(self.attend(*projected, mask)))

    def join(self, context: Tensor) -> Tensor:
        """`[batch, head, position, d]` -> `[batch, position, width]`."""
        return context.transpose(1, 2).flatten(2)


class SplitByView(MultiHeadAttention):
    def split(self, projected):
        batch, length, width = projected.shape
        return projected.reshape(batch, self.heads, length, width // self.heads)


class JoinByView(MultiHeadAttention):
    def join(self, context):
        batch, heads, length, size = context.shape
        return context.reshape(batch, length, heads * size)


class ScaledByWholeWidth(MultiHeadAttention):
    def attend(self, query, key, value, mask):
        return super().attend(query / math.sqrt(self.heads), key, value, mask)


class NoScale(MultiHeadAttention):
    def attend(self, query, key, value, mask):
        return super().attend(query * math.sqrt(query.shape[-1]), key, value, mask)


class OneHead(MultiHeadAttention):
    def __init__(self, width, heads):
        super().__init__(width, 1)


class NoOutputProjection(MultiHeadAttention):
    def forward(self, hidden, mask=None):
        projected = (self.split(layer(hidden)) for layer in (self.query, self.key, self.value))
        return self.join(self.attend(*projected, mask))


class MaskIgnored(MultiHeadAttention):
    def attend(self, query, key, value, mask):
        return super().attend(query, key, value, None)


def parameters(generator: torch.Generator, width: int, names: tuple[str, ...] = NAMES) -> dict[str, Tensor]:
    """Weights and biases far from zero for the four projections."""
    sizes = {"weight": (width, width), "bias": (width,)}
    return {f"{name}.{kind}": normal(generator, *size, scale=0.5) for name in names for kind, size in sizes.items()}


def cases(generator: torch.Generator) -> Iterator[Case]:
    def case(name: str, batch: int, length: int, width: int, heads: int, **more) -> Case:
        hidden = normal(generator, batch, length, width)
        arguments = {"hidden": Strided(hidden) if name == "strided" else hidden, **more}
        return Case(name, arguments, {"width": width, "heads": heads}, parameters(generator, width))

    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    yield case("plain", 2, 4, 6, 2)
    yield case("plain", 2, 3, 8, 4)
    yield case("mask", 2, 4, 6, 3, mask=mask)
    yield case("batch_of_one", 1, 1, 4, 2)
    yield case("strided", 2, 4, 6, 2, mask=mask)


TASK = Task(
    "MultiHeadAttention",
    MultiHeadAttention,
    cases,
    {
        "one_head": OneHead,
        "split_by_view": SplitByView,
        "join_by_view": JoinByView,
        "no_scale": NoScale,
        "scaled_by_whole_width": ScaledByWholeWidth,
        "no_output_projection": NoOutputProjection,
        "mask_ignored": MaskIgnored,
    },
)
