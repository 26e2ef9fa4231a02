"""One block of BERT: attention and feed-forward, each with its residual and its normalisation after it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from core.practice.task import Case, Strided, Task, normal


class EncoderBlock(nn.Module):
    """`attention` is PyTorch's own module, so that the exercise is what surrounds it."""

    activation = staticmethod(F.gelu)

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def attend(self, hidden, mask):
        """`[batch, position, width]`; PyTorch's mask is True where a key may *not* be seen."""
        return self.attention(hidden, hidden, hidden, key_padding_mask=None if mask is None else mask == 0)[0]

    def feed(self, hidden):
        """The two linear layers with the activation between."""
        return self.down(self.activation(self.up(hidden)))

    def forward(self, hidden, mask=None):
        """`[batch, position, width]`, `[batch, position]` -> `[batch, position, width]`."""
        hidden = self.norm1(hidden + self.attend(hidden, mask))
        return self.norm2(hidden + self.feed(hidden))


class NoResidual(EncoderBlock):
    def forward(self, hidden, mask=None):
        return self.norm2(self.feed(self.norm1(self.attend(hidden, mask))))


class PreNorm(EncoderBlock):
    def forward(self, hidden, mask=None):
        hidden = hidden + self.attend(self.norm1(hidden), mask)
        return hidden + self.feed(self.norm2(hidden))


class NormBeforeAdding(EncoderBlock):
    def forward(self, hidden, mask=None):
        hidden = hidden + self.norm1(self.attend(hidden, mask))
        return hidden + self.norm2(self.feed(hidden))


class Relu(EncoderBlock):
    activation = staticmethod(F.relu)


class ResidualOfTheInput(EncoderBlock):
    def forward(self, hidden, mask=None):
        return self.norm2(hidden + self.feed(self.norm1(hidden + self.attend(hidden, mask))))


class NoFirstNorm(EncoderBlock):
    def forward(self, hidden, mask=None):
        hidden = hidden + self.attend(hidden, mask)
        return self.norm2(hidden + self.feed(hidden))


class MaskInverted(EncoderBlock):
    def attend(self, hidden, mask):
        return self.attention(hidden, hidden, hidden, key_padding_mask=None if mask is None else mask == 1)[0]


class MaskIgnored(EncoderBlock):
    def attend(self, hidden, mask):
        return super().attend(hidden, None)


def cases(generator: torch.Generator) -> Iterator[Case]:
    def case(name: str, batch: int, length: int, width: int, heads: int, **more) -> Case:
        sizes = EncoderBlock(width, heads, 2 * width).state_dict()
        state = {key: normal(generator, *part.shape, scale=0.6) for key, part in sizes.items()}
        hidden = normal(generator, batch, length, width)
        arguments = {"hidden": Strided(hidden) if name == "strided" else hidden, **more}
        return Case(name, arguments, {"width": width, "heads": heads, "inner": 2 * width}, state, training=True)

    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    yield case("plain", 2, 3, 4, 2)
    yield case("plain", 3, 5, 6, 3)
    yield case("mask", 2, 4, 4, 2, mask=mask)
    yield case("batch_of_one", 1, 1, 4, 1)
    yield case("strided", 2, 4, 4, 2, mask=mask)


TASK = Task(
    "EncoderBlock",
    EncoderBlock,
    cases,
    {
        "no_residual": NoResidual,
        "pre_norm": PreNorm,
        "norm_before_adding": NormBeforeAdding,
        "relu": Relu,
        "residual_of_the_input": ResidualOfTheInput,
        "no_first_norm": NoFirstNorm,
        "mask_inverted": MaskInverted,
        "mask_ignored": MaskIgnored,
    },
)
