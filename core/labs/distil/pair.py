"""Layers and heads of a teacher as an address names them: "1-3-5", "1.4-3.12"."""

from __future__ import annotations

from core.distill.objectives.layer_maps import USUAL
from core.labs.distil.setup import rule_layers
from core.numbering import read_list, read_pairs


def named_in(written: str, layers: int) -> tuple[int, ...]:
    """The layers that an address names and the teacher has, rising."""
    return tuple(sorted({layer for layer in read_list(written) if 0 <= layer < layers}))


def kept_of(written: str, layers: int) -> tuple[int, ...]:
    """The layers that an address names; half of them, by the usual rule, where it names none that the teacher has."""
    return named_in(written, layers) or rule_layers(USUAL, max(1, layers // 2), layers)


def heads_of(written: str, layers: int, heads: int) -> tuple[tuple[int, int], ...]:
    """The heads (layer, head) that an address names and the teacher has."""
    pairs = set(read_pairs(written[:2000]))
    return tuple(sorted((layer, head) for layer, head in pairs if 0 <= layer < layers and 0 <= head < heads))
