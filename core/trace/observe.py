"""The one attention function that every model of the lab runs, and what it can see and change.

transformers lets a program register its own attention (`AttentionInterface`). "observed" computes softmax(QKᵀ·scale + mask)V
as the eager function does. Inside `observing(...)` it records every intermediate and applies the interventions; elsewhere it
calls PyTorch's fused attention, so training pays nothing. What is active lives in a context variable, hence threads that
share a model do not meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

from core.trace.interventions import (
    AblateHead,
    BlockKey,
    Intervention,
    LeftContextOnly,
    NoScaling,
    ShuffledPositions,
    UniformAttention,
    WithoutPositions,
)

if TYPE_CHECKING:
    from core.models.families import Family

ATTENTION = "observed"


@dataclass(frozen=True)
class AttentionRecord:
    """One call of the attention function; as it is recorded, all shapes have a batch axis in front.

    Attributes:
        query, key, value: after the head split (and rotation), `[head, position, d_k]`.
        scores: q·k·scale before the mask, `[head, query, key]`.
        mask: what was added to the scores, `[query, key]` (with a head axis of 1 after the batch axis), or None.
        scale: the factor on q·k, 1/√d_k as a rule.
        probabilities: `[head, query, key]`.
        context: Σ a·v, `[head, query, d_k]`.
        attention_output: after W_O, before the residual, `[query, width]`; None in a model without observation.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    scores: Tensor
    mask: Tensor | None
    scale: float
    probabilities: Tensor
    context: Tensor
    attention_output: Tensor | None = None


@dataclass
class Observation:
    """Interventions for one forward pass, and the internals recorded in it."""

    interventions: tuple[Intervention, ...] = ()
    attention: list[AttentionRecord] = field(default_factory=list)
    word: Tensor | None = None
    position: Tensor | None = None
    segment: Tensor | None = None

    def of_kind(self, kind: type, layer: int | None = None) -> list:
        """The interventions of one kind that apply to `layer` (or to any)."""
        return [
            intervention
            for intervention in self.interventions
            if isinstance(intervention, kind) and getattr(intervention, "layer", None) in (None, layer)
        ]


_active: ContextVar[Observation | None] = ContextVar("observation", default=None)


@contextmanager
def observing(interventions: Sequence[Intervention] = ()) -> Iterator[Observation]:
    """Record every attention call that this thread makes inside the block, under `interventions`."""
    observation = Observation(tuple(interventions))
    token = _active.set(observation)
    try:
        yield observation
    finally:
        _active.reset(token)


def observed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: object,
) -> tuple[Tensor, Tensor | None]:
    """Attention as transformers calls it: `[batch, head, position, d_k]` in, `[batch, query, head, d_k]` and weights out."""
    groups = query.shape[1] // key.shape[1]
    if groups > 1:  # grouped-query attention: several query heads share a key and value head
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if attention_mask is not None:
        attention_mask = attention_mask[..., : key.shape[-2]]

    observation = _active.get()
    if observation is None:
        mask = None if attention_mask is None else _fitting(attention_mask, query)
        context = F.scaled_dot_product_attention(query, key, value, mask, dropout, scale=scale)
        return context.transpose(1, 2).contiguous(), None

    layer = len(observation.attention)  # the order of calls is the layer, also where layers share one module (ALBERT)
    if observation.of_kind(NoScaling, layer):
        scale = 1.0
    mask = _blocked(attention_mask, query, observation)
    scores = torch.matmul(query, key.transpose(2, 3)) * scale  # [batch, head, query, key]
    masked = scores if mask is None else scores + mask
    probabilities = F.softmax(masked, dim=-1, dtype=torch.float32).to(query.dtype)
    for uniform in observation.of_kind(UniformAttention, layer):
        probabilities = _uniform(probabilities, mask, uniform.head)
    dropped = F.dropout(probabilities, dropout, module.training)
    context = torch.matmul(dropped, value)  # [batch, head, query, d_k]
    for ablated in observation.of_kind(AblateHead, layer):
        context = context.clone()
        context[:, ablated.head] = 0
    observation.attention.append(AttentionRecord(query, key, value, scores, mask, scale, probabilities, context))
    return context.transpose(1, 2).contiguous(), probabilities


def _fitting(mask: Tensor, query: Tensor) -> Tensor:
    """The mask in the type that the fused attention computes in.

    Autocast would turn float32's smallest number into −∞ there, and a row with nothing but −∞ into NaN or zeros.
    """
    device = query.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else query.dtype
    return mask if mask.dtype == dtype else mask.clamp(min=torch.finfo(dtype).min).to(dtype)


def _blocked(mask: Tensor | None, query: Tensor, observation: Observation) -> Tensor | None:
    """The model's own mask with the blocked keys added, `[batch, 1, query, key]`."""
    keys, causal = observation.of_kind(BlockKey), observation.of_kind(LeftContextOnly)
    if not keys and not causal:
        return mask
    length = query.shape[2]
    hidden = torch.zeros(length, length, dtype=torch.bool, device=query.device)  # [query, key]
    for block in keys:
        last = block.position if block.only_as_right_context else length
        hidden[:last, block.position] = True
    if causal:
        hidden |= torch.ones_like(hidden).triu(1)
    lowest = torch.finfo(query.dtype).min
    added = torch.zeros(1, 1, length, length, dtype=query.dtype, device=query.device).masked_fill(hidden, lowest)
    return added if mask is None else torch.minimum(mask, added)


def _uniform(probabilities: Tensor, mask: Tensor | None, head: int | None) -> Tensor:
    allowed = torch.ones_like(probabilities)
    if mask is not None:
        allowed = allowed * (mask > torch.finfo(mask.dtype).min / 2)
    even = allowed / allowed.sum(-1, keepdim=True)
    if head is None:
        return even
    changed = probabilities.clone()
    changed[:, head] = even[:, head]
    return changed


AttentionInterface.register(ATTENTION, observed_attention)
AttentionMaskInterface.register(ATTENTION, eager_mask)


def watch(model: nn.Module, family: Family) -> None:
    """Let observations see and change what is outside the attention function: embeddings, positions and W_O.

    The hooks stay for the model's life and do nothing where no observation is active.
    """
    for name, module in model.named_modules():
        if name.endswith(family.word_embeddings):
            module.register_forward_hook(_recorder("word"))
        elif family.segment_embeddings and name.endswith(family.segment_embeddings):
            module.register_forward_hook(_recorder("segment"))
        elif name.endswith(family.position):
            module.register_forward_hook(_positions)
        elif name.endswith(family.attention_output):
            module.register_forward_hook(_projected)


def _recorder(part: str):
    def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        observation = _active.get()
        if observation is not None and getattr(observation, part) is None:
            setattr(observation, part, output)

    return hook


def _projected(module: nn.Module, inputs: tuple, output: Tensor) -> None:
    observation = _active.get()
    if observation is not None and observation.attention:
        observation.attention[-1] = replace(observation.attention[-1], attention_output=output)


def _positions(module: nn.Module, inputs: tuple, output: Tensor | tuple[Tensor, Tensor]):
    """Remove or reorder positions: rows of a learned table, or the cosines and sines of rotary angles."""
    observation = _active.get()
    if observation is None:
        return None
    rotary = isinstance(output, tuple)
    if observation.of_kind(WithoutPositions):
        output = (torch.ones_like(output[0]), torch.zeros_like(output[1])) if rotary else torch.zeros_like(output)
    for shuffle in observation.of_kind(ShuffledPositions):
        order = torch.tensor(shuffle.order, device=output[0].device)
        output = tuple(part[..., order, :] for part in output) if rotary else output[..., order, :]
    if not rotary:
        observation.position = output
    return output
