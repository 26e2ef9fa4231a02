"""Positions: without them attention cannot tell one order of the words from another; five ways to add them.

Vaswani et al. 2017, section 3.5 (sinusoids); Shaw et al. 2018, section 3.2 (clipped relative positions); Raffel et
al. 2020 (T5), section 2.1 (buckets); Su et al. 2021 (RoFormer), section 3.2 (rotation); Press et al. 2022 (ALiBi),
section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from core.theory.attention import causal_mask


class SimilarityByDistance(NamedTuple):
    """Similarity of two positions by their distance.

    Attributes:
        dot: mean dot product of all pairs at this distance, `[offset]`.
        cosine: mean cosine of the same pairs, `[offset]`.
    """

    dot: Tensor
    cosine: Tensor


def sinusoidal_encoding(length: int, width: int, base: float = 10000.0) -> Tensor:
    """PE(pos, 2i) = sin(pos / base^(2i/width)) and PE(pos, 2i+1) = cos(same), `[position, dimension]` (section 3.5).

    Raises:
        ValueError: `length` is below 1, or `width` not even and positive, or `base` not positive and finite.
    """
    if length < 1:
        raise ValueError(f"length must be at least 1, not {length}.")
    position = torch.arange(length)
    angle = _angles(position, width, base)  # [position, pair]
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(-2).to(torch.float32)


def _angles(position: Tensor, width: int, base: float) -> Tensor:
    """position · base^(−2i/width), `[position]` -> `[position, pair]`, in float64: float32 blurs far positions."""
    if width < 2 or width % 2:
        raise ValueError(f"The width must be an even number of at least 2, not {width}: dimensions come in pairs.")
    if not 0 < base < math.inf:
        raise ValueError(f"The base must be a positive, finite number, not {base}.")
    pair = torch.arange(0, width, 2, dtype=torch.float64, device=position.device)
    return position[..., None] * base ** (-pair / width)


def similarity_by_distance(encoding: Tensor) -> SimilarityByDistance:
    """Mean dot product and mean cosine of positions 0, 1, 2, ... apart, from `[position, dimension]`.

    For sinusoids all pairs of one distance agree: Σ_i cos(ω_i · distance). For learned positions they do not.
    """
    offsets = range(encoding.shape[0])
    unit = F.normalize(encoding, dim=-1)
    dots, cosines = encoding @ encoding.T, unit @ unit.T  # [position, position]
    return SimilarityByDistance(
        torch.stack([dots.diagonal(offset).mean() for offset in offsets]),
        torch.stack([cosines.diagonal(offset).mean() for offset in offsets]),
    )


def rotary(x: Tensor, base: float = 10000.0, positions: Tensor | None = None) -> Tensor:
    """Turn each pair of dimensions by position · base^(−2i/d), `[..., position, d]` (RoFormer section 3.2.2).

    Dimension i is paired with i + d/2, the layout of Hugging Face's Llama; the paper pairs neighbours, 2i and
    2i + 1. The two differ by a fixed order of the dimensions; a model must be run with the layout it was trained with.

    Args:
        x: queries or keys.
        base: the larger, the slower the slowest pairs turn.
        positions: the position of each row, `[position]`; 0, 1, 2, ... if None. They need not be whole numbers.

    Raises:
        ValueError: d is not even and positive, or `base` not positive and finite.
    """
    positions = torch.arange(x.shape[-2], device=x.device) if positions is None else positions
    angle = _angles(positions, x.shape[-1], base)  # [position, d/2]
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)  # [..., position, d/2]
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def alibi_slopes(heads: int) -> Tensor:
    """2^(−8h/n) for head h of n, `[head]` (ALiBi section 3).

    If n is not a power of two, the slopes of the next smaller power come first and every second slope of the next
    larger one fills up, as in the authors' code.

    Raises:
        ValueError: `heads` is below 1.
    """
    if heads < 1:
        raise ValueError(f"heads must be at least 1, not {heads}.")
    smaller = 2 ** (heads.bit_length() - 1)
    slopes = _geometric_slopes(smaller) + _geometric_slopes(2 * smaller)[::2][: heads - smaller]
    return torch.tensor(slopes)


def _geometric_slopes(heads: int) -> list[float]:
    return [2 ** (-8 * head / heads) for head in range(1, heads + 1)]


def alibi(length: int, heads: int, causal: bool = False) -> Tensor:
    """−slope · |query − key|, to be added to the scaled scores, `[head, query, key]` (ALiBi section 3).

    The paper's models are causal (`causal=True`: −inf in the future); the symmetric form is what encoders made of it.
    """
    distance = relative_positions(length).abs()  # [query, key]
    bias = -alibi_slopes(heads)[:, None, None] * distance  # [head, query, key]
    return bias + causal_mask(length) if causal else bias


def relative_positions(length: int) -> Tensor:
    """key − query, `[query, key]`: negative to the left, positive to the right."""
    position = torch.arange(length)
    return position - position[:, None]


def clipped_relative_positions(length: int, clip: int) -> Tensor:
    """key − query, clipped to −clip..clip, `[query, key]` (Shaw et al. section 3.2).

    Add `clip` to have the row in the table of 2 · clip + 1 learned vectors.

    Raises:
        ValueError: `clip` is negative.
    """
    if clip < 0:
        raise ValueError(f"clip must not be negative, but is {clip}.")
    return relative_positions(length).clamp(-clip, clip)


def relative_bucket(distance: Tensor, buckets: int = 32, max_distance: int = 128, bidirectional: bool = True) -> Tensor:
    """The bucket of each distance (key − query), of the same shape, from 0 to buckets − 1 (T5 section 2.1 and code).

    Small distances have a bucket each; larger ones share buckets whose size grows with the logarithm; all from
    `max_distance` on share the last. Half of the buckets are for keys to the right if `bidirectional`, else all of
    those are in bucket 0 together with distance 0.

    Raises:
        ValueError: there are too few buckets, or an odd number for two directions, or `max_distance` is too small.
    """
    if bidirectional and buckets % 2:
        raise ValueError(f"Two directions share the buckets: their number must be even, not {buckets}.")
    one_way = buckets // 2 if bidirectional else buckets
    exact = one_way // 2  # this many distances, from 0 on, have a bucket of their own
    if exact < 1 or max_distance <= exact:
        raise ValueError(f"{buckets} buckets up to distance {max_distance} leave no room for near and far ones.")

    away = distance.abs() if bidirectional else (-distance).clamp(min=0)
    growth = math.log(max_distance / exact)
    share = torch.log(away.clamp(min=1).float() / exact) / growth  # 0 at `exact`, 1 at `max_distance`
    far = (exact + (share * (one_way - exact)).long()).clamp(max=one_way - 1)
    bucket = torch.where(away < exact, away, far)
    return bucket + one_way * (distance > 0) if bidirectional else bucket


def relative_bias(length: int, table: Tensor, max_distance: int = 128, bidirectional: bool = True) -> Tensor:
    """Bias that T5 adds to the scores: its learned `table` (`[bucket, head]`) read for all pairs, `[head, query, key]`."""
    bucket = relative_bucket(relative_positions(length), table.shape[0], max_distance, bidirectional)  # [query, key]
    return table[bucket.to(table.device)].permute(2, 0, 1)


def order_error(function: Callable[[Tensor], Tensor], hidden: Tensor, permutation: Tensor) -> float:
    """max |f(Px) − P f(x)|: how much the order of the positions matters to `function`.

    It is 0 (up to rounding) for attention without positions, which only sees a set of vectors.

    Args:
        function: from `[..., position, width]` to `[..., position, anything]`.
        hidden: x, `[..., position, width]`.
        permutation: each of 0 .. positions − 1 once, `[position]`.

    Raises:
        ValueError: `permutation` is not a permutation of the positions.
    """
    if permutation.sort().values.tolist() != list(range(hidden.shape[-2])):
        raise ValueError(f"permutation must hold each of 0 to {hidden.shape[-2] - 1} once.")
    moved_before = function(hidden[..., permutation, :])
    moved_after = function(hidden)[..., permutation, :]
    return float((moved_before - moved_after).abs().max())
