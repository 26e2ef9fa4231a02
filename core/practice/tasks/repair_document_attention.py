"""Document 001's attention module: a tokenizer's mask breaks it, and a text of nothing but padding becomes NaN."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from core.practice.task import Case, Task, normal


class MultiHeadAttention(nn.Module):
    """With the document's names."""

    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        for name in ("query_linear", "key_linear", "value_linear", "out_linear"):
            setattr(self, name, nn.Linear(d_model, d_model))

    def allowed(self, mask):
        """`[batch, key]` -> `[batch, 1, 1, key]`."""
        return mask.bool()[:, None, None, :]

    def forward(self, query, key, value, mask=None):
        """`[batch, position, d_model]` three times, `[batch, key]` -> `[batch, position, d_model]`."""
        split = [
            layer(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for layer, x in ((self.query_linear, query), (self.key_linear, key), (self.value_linear, value))
        ]
        context = F.scaled_dot_product_attention(*split, None if mask is None else self.allowed(mask))
        return self.out_linear(context.transpose(1, 2).flatten(2))


class QueriesMasked(MultiHeadAttention):
    def allowed(self, mask):
        return mask.bool()[:, None, :, None]


class EvenOverPadding(MultiHeadAttention):
    """A large negative number instead of -inf: a row of nothing but padding attends to all of it alike."""

    def allowed(self, mask):
        return torch.zeros(mask.shape).masked_fill(mask == 0, -1e9)[:, None, None, :]


class MaskIgnored(MultiHeadAttention):
    def allowed(self, mask):
        return None


def cases(generator: torch.Generator) -> Iterator[Case]:
    def case(name: str, batch: int, queries: int, keys: int, width: int, heads: int, **more) -> Case:
        sizes = MultiHeadAttention(width, heads).state_dict()
        state = {key: normal(generator, *part.shape, scale=0.5) for key, part in sizes.items()}
        lengths = {"query": queries, "key": keys, "value": keys}
        given = {which: normal(generator, batch, length, width) for which, length in lengths.items()}
        return Case(name, given | more, {"d_model": width, "num_heads": heads}, state)

    yield case("plain", 2, 3, 3, 4, 2)
    yield case("mask", 2, 3, 3, 6, 2, mask=torch.tensor([[1, 1, 0], [1, 0, 0]]))
    yield case("other_length", 2, 2, 4, 4, 2, mask=torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]]))
    yield case("batch_of_one", 1, 1, 1, 4, 4, mask=torch.tensor([[1]]))
    yield case("only_padding", 2, 3, 3, 4, 2, mask=torch.tensor([[1, 1, 0], [0, 0, 0]]))


TASK = Task(
    "MultiHeadAttention",
    MultiHeadAttention,
    cases,
    {"queries_masked": QueriesMasked, "even_over_padding": EvenOverPadding, "mask_ignored": MaskIgnored},
)
