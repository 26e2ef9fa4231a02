"""Cuts of a model's layers and heads, their form in an address, and the size of the pruned model.

cut = Cut((0, 2, 4), ((0, 3), (2, 11)))      # layers 0, 2 and 4 stay; in them two heads are off; all counted from 0
cut.kept, cut.silent                         # "1-3-5", "1.4-3.12": an address counts from 1
read_cut("1-3-5", "1.4-3.12", layers=6, heads=12) == cut
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from core.distill.heads import layers_of
from core.numbering import read_list, read_pairs, written, written_pairs

BYTES = 4
"""Of a number in float32, as students are saved."""

Heads = tuple[tuple[int, int], ...]
"""(layer, head), counted from 0 in the whole model."""


@dataclass(frozen=True)
class Cut:
    """The layers of a model that stay, and the heads in them that are off.

    Attributes:
        keep: the layers that stay, rising.
        off: heads of these layers whose output is zero, rising.
    """

    keep: tuple[int, ...]
    off: Heads = ()

    @property
    def kept(self) -> str:
        """The layers as the address writes them; "none" if all are gone."""
        return written(self.keep) or "none"

    @property
    def silent(self) -> str:
        """The heads as the address writes them; empty if none is off."""
        return written_pairs(self.off)

    def heads(self, layer: int) -> tuple[int, ...]:
        """The heads of a layer that are off."""
        return tuple(head for at, head in self.off if at == layer)

    def removed(self, layers: int) -> tuple[int, ...]:
        """The layers that are gone, of a model of `layers` layers."""
        return tuple(layer for layer in range(layers) if layer not in self.keep)

    def is_whole(self, layers: int) -> bool:
        """True if nothing is cut from a model of `layers` layers."""
        return len(self.keep) == layers and not self.off


def whole(layers: int) -> Cut:
    """The cut that removes nothing."""
    return Cut(tuple(range(layers)))


def make_cut(keep: tuple[int, ...] | list[int], off: Heads | list[tuple[int, int]] = ()) -> Cut:
    """A cut in its one form: in order, nothing twice, no head of a layer that is gone."""
    layers = tuple(sorted(set(keep)))
    return Cut(layers, tuple(sorted({head for head in off if head[0] in layers})))


def read_cut(kept: str, silent: str, layers: int, heads: int) -> Cut:
    """The cut in an address, without entries that do not fit the model; an empty `kept` means all layers.

    Args:
        kept: "1-3-5", or "none".
        silent: "1.4-3.12".
    """
    asked = read_list(kept)
    named = len(asked) == kept.count("-") + 1  # every part is a number
    keep = [layer for layer in asked if 0 <= layer < layers] if named else list(range(layers))
    if kept == "none":
        keep = []
    off = [(layer, head) for layer, head in read_pairs(silent) if layer < layers and 0 <= head < heads]
    return make_cut(keep, off)


@dataclass(frozen=True)
class Weight:
    """Parameters of a model before and after a cut; tied ones count once.

    Attributes:
        parameters: of the full model.
        removed: parameters of the layers that are gone: these are saved.
        in_layers: parameters of all layers of the full model.
        in_heads: parameters of the heads that are off: they stay in the file as zeros, and cutting them out would save them.
        a_layer, a_head: parameters of one layer and of one head.
    """

    parameters: int
    removed: int
    in_layers: int
    in_heads: int
    a_layer: int
    a_head: int

    @property
    def rest(self) -> int:
        """Parameters that stay."""
        return self.parameters - self.removed

    @property
    def outside(self) -> int:
        """Parameters that belong to no layer: embeddings and output head."""
        return self.parameters - self.in_layers

    @property
    def outside_share(self) -> float:
        """Share of the parameters outside the layers."""
        return self.outside / self.parameters

    @property
    def layer_megabytes(self) -> float:
        """Size of one layer in float32, in millions of bytes."""
        return megabytes(self.a_layer)

    @property
    def head_megabytes(self) -> float:
        """Size of one head in float32, in millions of bytes."""
        return megabytes(self.a_head)

    @property
    def off_megabytes(self) -> float:
        """Size of all heads that are off in float32, in millions of bytes."""
        return megabytes(self.in_heads)

    @property
    def megabytes(self) -> float:
        """Size of the full model in float32, in millions of bytes."""
        return megabytes(self.parameters)

    @property
    def rest_megabytes(self) -> float:
        """Size of the pruned model in float32, in millions of bytes."""
        return megabytes(self.rest)


def megabytes(parameters: int) -> float:
    """Size of `parameters` float32 numbers, in millions of bytes."""
    return parameters * BYTES / 1e6


def weigh(model: nn.Module, cut: Cut) -> Weight:
    """Count a model's parameters and those that a cut concerns.

    Raises:
        LabError: `not_bert_like`.
    """
    layers, config = layers_of(model), model.config
    sizes = [sum(parameter.numel() for parameter in layer.parameters()) for layer in layers]
    width, d = config.hidden_size, config.hidden_size // config.num_attention_heads
    a_head = (
        4 * d * width + 3 * d
    )  # rows of W_Q, W_K, W_V with their biases, columns of W_O; its bias belongs to the layer
    return Weight(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        removed=sum(sizes[layer] for layer in cut.removed(len(layers))),
        in_layers=sum(sizes),
        in_heads=a_head * len(cut.off),
        a_layer=sizes[0],
        a_head=a_head,
    )


def to_marks(cut: Cut, layers: int, heads: int) -> list[int]:
    """Indices of the switches that are off, row by row: each layer's own switch, then those of its heads."""
    marks = [layer * (heads + 1) for layer in cut.removed(layers)]
    return sorted([*marks, *(layer * (heads + 1) + 1 + head for layer, head in cut.off)])


def from_marks(marks: list[int], layers: int, heads: int) -> Cut:
    """The cut that such switches make; a head of a layer that is off is gone with it."""
    cells = [divmod(mark, heads + 1) for mark in marks]
    gone = {row for row, column in cells if column == 0}
    off = [(row, column - 1) for row, column in cells if column]
    return make_cut([layer for layer in range(layers) if layer not in gone], off)
