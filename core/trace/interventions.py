"""Interventions: changes that a learner can make inside a forward pass.

Each intervention is a frozen value: it can key a cache, be written into an address, and be compared.
Layers, heads and positions count from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import LabError


@dataclass(frozen=True)
class AblateHead:
    """Ablation of a head: its context Σ a·v becomes zero, so nothing of it reaches W_O."""

    layer: int
    head: int


@dataclass(frozen=True)
class UniformAttention:
    """Uniform attention: equal weights on every key that is not masked; None means all layers or all heads."""

    layer: int | None = None
    head: int | None = None


@dataclass(frozen=True)
class NoScaling:
    """Scores without the division by √d_k; None means in all layers."""

    layer: int | None = None


@dataclass(frozen=True)
class BlockKey:
    """Mask of one key position, in all layers and heads.

    Attributes:
        position: the key.
        only_as_right_context: hide it from the queries at its left only, those for which it is the future.
    """

    position: int
    only_as_right_context: bool = False


@dataclass(frozen=True)
class LeftContextOnly:
    """Causal mask on an encoder: every query attends only to itself and the keys at its left."""


@dataclass(frozen=True)
class WithoutPositions:
    """Absence of position information: no position vector is added, or the rotation is by no angle."""


@dataclass(frozen=True)
class ShuffledPositions:
    """Permutation of positions: token i gets the position `order[i]`; the words stay where they are."""

    order: tuple[int, ...]


Intervention = (
    AblateHead | UniformAttention | NoScaling | BlockKey | LeftContextOnly | WithoutPositions | ShuffledPositions
)


def validate(interventions: Sequence[Intervention], layers: int, heads: int, length: int) -> None:
    """Raise a `LabError` for the first intervention that does not fit the model and the text."""
    for intervention in interventions:
        reason = _misfit(intervention, layers, heads, length)
        if reason:
            raise LabError("bad_intervention", intervention=str(intervention), reason=reason)


def _misfit(intervention: Intervention, layers: int, heads: int, length: int) -> str:
    layer, head = getattr(intervention, "layer", None), getattr(intervention, "head", None)
    if layer is not None and not 0 <= layer < layers:
        return f"layers go from 0 to {layers - 1}"
    if head is not None and not 0 <= head < heads:
        return f"heads go from 0 to {heads - 1}"
    if isinstance(intervention, BlockKey) and not 0 <= intervention.position < length:
        return f"positions go from 0 to {length - 1}"
    if isinstance(intervention, ShuffledPositions) and sorted(intervention.order) != list(range(length)):
        return f"the order must name each position from 0 to {length - 1} once"
    return ""
