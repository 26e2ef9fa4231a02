"""Attention: weights of all positions for each query, and the weighted sums of their values.

Vaswani et al. 2017 (Attention Is All You Need), section 3.2: 3.2.1 scaled dot-product attention, 3.2.2 multi-head
attention, 3.2.3 the three uses (encoder, causal decoder, encoder-decoder).
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from core.theory.temperature import entropy


class Attention(NamedTuple):
    """One attention, step by step.

    Attributes:
        scores: QKᵀ · scale, before the mask, `[..., query, key]`.
        probabilities: softmax(scores + mask), `[..., query, key]`.
        context: probabilities · V, `[..., query, d_v]`.
    """

    scores: Tensor
    probabilities: Tensor
    context: Tensor


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, scale: float | None = None
) -> Attention:
    """softmax(QKᵀ / √d_k + mask) V (section 3.2.1, equation 1).

    A query whose every key is masked with −inf attends to nothing: its probabilities and its context are zeros, as in
    PyTorch's `F.scaled_dot_product_attention`, not NaN.

    Args:
        query: `[..., query, d_k]`.
        key: `[..., key, d_k]`.
        value: `[..., key, d_v]`.
        mask: numbers added to the scores, 0 where allowed and −inf where not, broadcast to `[..., query, key]`.
        scale: what QKᵀ is multiplied by; 1/√d_k if None, and 1.0 to see what happens without it.

    Raises:
        ValueError: `mask` is not of floating-point numbers (adding True as 1 would do harm without a sign of it).
    """
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ key.transpose(-2, -1) * scale  # [..., query, key]
    if mask is None:
        probabilities = scores.softmax(dim=-1)
    elif not mask.is_floating_point():
        raise ValueError(f"The mask is added to the scores: it needs 0 and -inf, not {mask.dtype}.")
    else:
        masked = scores + mask  # [..., query, key]
        nothing = (masked == -math.inf).all(dim=-1, keepdim=True)  # [..., query, 1]
        # Filled before the softmax as well as after it: a NaN in between would come back in the gradient.
        probabilities = masked.masked_fill(nothing, 0.0).softmax(dim=-1).masked_fill(nothing, 0.0)
    return Attention(scores, probabilities, probabilities @ value)


def causal_mask(length: int) -> Tensor:
    """0 where key <= query and −inf where the key is in the future, `[query, key]` (section 3.2.3)."""
    return torch.full((length, length), -math.inf).triu(diagonal=1)


def padding_mask(attention_mask: Tensor) -> Tensor:
    """0 for real tokens and −inf for padding, `[..., key]` -> `[..., 1, 1, key]`: the same for every head and query.

    `attention_mask` is the tokenizer's: 1 (or True) for a real token, 0 for padding. Together with
    `causal_mask`: the sum of the two.
    """
    blocked = torch.zeros(attention_mask.shape, device=attention_mask.device).masked_fill(
        attention_mask == 0, -math.inf
    )
    return blocked[..., None, None, :]


def attention_entropy(probabilities: Tensor, unit: Literal["nats", "bits"] = "nats") -> Tensor:
    """Entropy of each query's attention, `[..., query, key]` -> `[..., query]`.

    0 if it attends to one key only, log(keys) if to all alike; 0 also for a query that attends to nothing.

    Raises:
        ValueError: `unit` is neither "nats" nor "bits".
    """
    bases = {"nats": math.e, "bits": 2.0}
    if unit not in bases:
        raise ValueError(f"unit must be 'nats' or 'bits', not {unit!r}.")
    return entropy(probabilities, base=bases[unit])


def attention_distance(probabilities: Tensor) -> Tensor:
    """Mean distance of each query's attention, Σ_j p_ij |i − j| in tokens, `[..., query, key]` -> `[..., query]`.

    For self-attention, where query i and key i are the same token. `.mean(-1)` gives one number per head.
    """
    queries, keys = probabilities.shape[-2:]
    if queries != keys:
        raise ValueError(f"A distance needs queries and keys of one sequence, not {queries} and {keys} of them.")
    position = torch.arange(queries, device=probabilities.device)
    distance = (position[:, None] - position).abs()  # [query, key]
    return (probabilities * distance).sum(dim=-1)
