"""Additions of position schemes to one head's scores: the model's own, and four that it was not trained with.

All are added to the same scores, those of the words alone (the model run without positions), so that they can be compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from core.engine import Engine, Setting
from core.labs.positional_encoding.fit import by_distance, explained_by_distance, fit_of, mean_by
from core.theory.positions import (
    alibi,
    alibi_slopes,
    clipped_relative_positions,
    relative_bias,
    relative_bucket,
    relative_positions,
    rotary,
)
from core.trace import Tokens, WithoutPositions

Scheme = Literal["learned", "t5", "shaw", "alibi", "rotary"]
SCHEMES: tuple[Scheme, ...] = ("learned", "t5", "shaw", "alibi", "rotary")
FITTED: tuple[Scheme, ...] = ("t5", "shaw")
"""Those with learned numbers that the model does not have."""


@dataclass(frozen=True)
class HeadScores:
    """One head on one sentence, with and without the model's positions.

    Attributes:
        tokens: the sentence.
        head, heads: index of the head, from 0, and number of heads.
        query, key: without positions, `[position, d_k]`.
        words: q·k·scale without positions, `[query, key]`.
        own: q·k·scale of the model as it is, `[query, key]`.
        scale: 1/√d_k as a rule.
        pairs: True where query and key are both words, not [CLS] or [SEP], `[query, key]`.
        check: the largest difference of a recomputed attention in the two passes.
    """

    tokens: Tokens
    head: int
    heads: int
    query: Tensor
    key: Tensor
    words: Tensor
    own: Tensor
    scale: float
    pairs: Tensor
    check: float

    @property
    def can_rotate(self) -> bool:
        """True if the head's number of dimensions is even, as rotary needs."""
        return self.query.shape[-1] % 2 == 0


def head_scores(engine: Engine, setting: Setting, name: str, text: str, layer: int, head: int) -> HeadScores:
    """The scores of one head (layer and head from 0).

    Raises:
        LabError: as `Engine.trace`.
    """
    own = engine.trace(setting, name, text)
    bare = engine.trace(setting, name, text, interventions=(WithoutPositions(),))
    record, special = bare.layers[layer], own.tokens.special
    return HeadScores(
        tokens=own.tokens,
        head=head,
        heads=len(record.query),
        query=record.query[head],
        key=record.key[head],
        words=record.scores[head],
        own=own.layers[layer].scores[head],
        scale=record.scale,
        pairs=~special[:, None] & ~special[None, :],
        check=max(own.check(), bare.check()),
    )


def position_effect(engine: Engine, setting: Setting, name: str, text: str) -> Tensor:
    """Standard deviation of the additions of the model's positions to the scores of each head, `[layer, head]`.

    Raises:
        LabError: as `Engine.trace`.
    """
    own = engine.trace(setting, name, text)
    bare = engine.trace(setting, name, text, interventions=(WithoutPositions(),))
    words = ~own.tokens.special
    kept = words if words.any() else torch.ones_like(words)
    added = [
        (one.scores - other.scores)[:, kept][:, :, kept] for one, other in zip(own.layers, bare.layers, strict=True)
    ]
    return torch.stack([layer.flatten(1).std(dim=-1, correction=0) for layer in added])


def strongest_head(effect: Tensor) -> tuple[int, int]:
    """The (layer, head) whose scores positions change most, from `[layer, head]`."""
    layer, head = divmod(int(effect.argmax()), effect.shape[1])
    return layer, head


@dataclass(frozen=True)
class Knobs:
    """Options of the schemes.

    Attributes:
        buckets, furthest: T5's number of buckets, and the distance from which on all share the last.
        clip: Shaw's largest distance.
        causal: True hides the future in ALiBi, as in its paper.
        base: rotary's base.
    """

    buckets: int = 32
    furthest: int = 128
    clip: int = 4
    causal: bool = False
    base: float = 10000.0

    @property
    def vectors(self) -> int:
        """Number of vectors of Shaw's table."""
        return 2 * self.clip + 1


KNOBS: dict[Scheme, tuple[str, ...]] = {
    "learned": (),
    "t5": ("buckets", "furthest"),
    "shaw": ("clip",),
    "alibi": ("causal",),
    "rotary": ("base",),
}
"""The fields of `Knobs` that each scheme reads."""


@dataclass(frozen=True)
class Addition:
    """One scheme's additions to a head's scores.

    Attributes:
        added: to the scaled scores, `[query, key]`; −inf where the scheme hides a key.
        before, after: softmax of the words' scores without and with it, `[query, key]`.
        own: the attention of the model as it is, `[query, key]`.
        by_distance: mean of `added` by key − query, `[2 · positions − 1]`, from the leftmost on; NaN where hidden.
        explained: the share of the variance of `added` (among words) that distance alone explains, or None.
        fit: the share of the variance of the additions of the model's own positions that `added` explains (without each
            query's mean, which does not affect the softmax); below 0 if it fits worse than the mean, None if undefined.
        index: the bucket (T5) or clipped distance (Shaw) of each pair, `[query, key]`, else None.
        slope: ALiBi's slope of this head, else NaN.
        steepest, flattest: the first and last of ALiBi's slopes, else NaN.
    """

    added: Tensor
    before: Tensor
    after: Tensor
    own: Tensor
    by_distance: Tensor
    explained: float | None
    fit: float | None
    index: Tensor | None
    slope: float = math.nan
    steepest: float = math.nan
    flattest: float = math.nan

    @property
    def lowest(self) -> float:
        """The smallest finite addition."""
        return float(self.added[self.added.isfinite()].min())

    @property
    def highest(self) -> float:
        """The largest addition."""
        return float(self.added.max())


class Cell(NamedTuple):
    """One query and one key: the words' score, the addition, the attention after it, |key − query|, and so on."""

    words: float
    added: float
    weight: float
    distance: int
    slope: float
    index: int | None


def cell(scores: HeadScores, addition: Addition, query: int, key: int) -> Cell:
    """The numbers of one cell (positions from 0)."""
    return Cell(
        words=float(scores.words[query, key]),
        added=float(addition.added[query, key]),
        weight=float(addition.after[query, key]),
        distance=abs(key - query),
        slope=addition.slope,
        index=None if addition.index is None else int(addition.index[query, key]),
    )


def default_cell(scores: HeadScores) -> tuple[int, int]:
    """The cell among words to which the model's positions add most."""
    added = (scores.own - scores.words).masked_fill(~scores.pairs, -math.inf)
    return divmod(int(added.argmax()), len(added))


def add(scores: HeadScores, scheme: Scheme, knobs: Knobs = Knobs()) -> Addition:
    """Add one scheme to the scores of the words alone.

    T5 and Shaw have learned numbers, which this model does not have: they are fitted (least squares) to the additions of the
    model's own positions to this head on this sentence. ALiBi and rotary have none.

    Raises:
        ValueError: rotary, and the head's d_k is odd.
    """
    length, own = len(scores.words), scores.own - scores.words
    index, slopes = None, {}
    if scheme == "learned":
        added = own
    elif scheme == "t5":
        index = relative_bucket(relative_positions(length), knobs.buckets, knobs.furthest)
        table = mean_by(index, own, scores.pairs, knobs.buckets)
        added = relative_bias(length, table[:, None], knobs.furthest)[0]
    elif scheme == "shaw":
        index = clipped_relative_positions(length, knobs.clip)
        added = _shaw(scores, own, index, knobs.clip)
    elif scheme == "alibi":
        every = alibi_slopes(scores.heads).tolist()
        slopes = {"slope": every[scores.head], "steepest": max(every), "flattest": min(every)}
        added = alibi(length, scores.heads, knobs.causal)[scores.head]
    else:
        turned = rotary(scores.query, knobs.base) @ rotary(scores.key, knobs.base).T
        added = turned * scores.scale - scores.words
    return Addition(
        added=added,
        before=scores.words.softmax(dim=-1),
        after=(scores.words + added).softmax(dim=-1),
        own=scores.own.softmax(dim=-1),
        by_distance=by_distance(added),
        explained=explained_by_distance(added, scores.pairs),
        fit=None if scheme == "learned" else fit_of(own, added, scores.pairs),
        index=index,
        **slopes,
    )


def _shaw(scores: HeadScores, own: Tensor, index: Tensor, clip: int) -> Tensor:
    """q_i · a_r · scale with one fitted vector a_r for each clipped distance r (Shaw et al. 2018, section 3.2)."""
    added = torch.zeros_like(own)
    for distance in range(-clip, clip + 1):
        there = index == distance  # [query, key]
        rows = (there & scores.pairs).nonzero()[:, 0]  # the query of each pair
        if len(rows):
            queries = scores.query[rows].double() * scores.scale  # [pair, d_k]
            vector = torch.linalg.pinv(queries, rtol=1e-3) @ own[there & scores.pairs].double()
            added[there] = (scores.query @ vector.float() * scores.scale)[there.nonzero()[:, 0]]
    return added


@dataclass(frozen=True)
class Slide:
    """One real query and key turned by rotary: at their own positions, and with both moved by the same number.

    Attributes:
        distances: key − query, `[point]`.
        curve: the scaled score at each, `[point]`.
        here, there: the scaled score at the real positions, and with both moved.
        apart: with only the key moved.
    """

    distances: list[int]
    curve: Tensor
    here: float
    there: float
    apart: float

    @property
    def difference(self) -> float:
        """Rounding error of the score from moving both."""
        return abs(self.there - self.here)


def slide(scores: HeadScores, query: int, key: int, moved: int, base: float, reach: int = 64) -> Slide:
    """Rotary scores of one query and key by distance; they depend on the distance only (Su et al. 2021, section 3.2.1).

    Args:
        query, key: positions of the two tokens.
        moved: the number of positions by which both move.
    """
    q, k = scores.query[query].double()[None], scores.key[key].double()[None]

    def score(at_query: int, at_key: int) -> float:
        turned = rotary(q, base, torch.tensor([at_query])) @ rotary(k, base, torch.tensor([at_key])).T
        return float(turned) * scores.scale

    distances = torch.arange(-reach, reach + 1)
    keys = rotary(k.expand(len(distances), -1), base, distances)
    curve = (rotary(q, base, torch.tensor([0])) @ keys.T)[0] * scores.scale
    return Slide(
        distances.tolist(), curve, score(query, key), score(query + moved, key + moved), score(query, key + moved)
    )
