"""One attention head: its habits in numbers, and its computation for one query, step by step.

Vaswani et al. 2017, section 3.2, for the computation; Clark et al. 2019 (What Does BERT Look At?), section 3, for the habits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.theory.attention import attention_distance, attention_entropy, scaled_dot_product_attention
from core.trace import Trace

HABIT = 0.5
"""A head is named after a habit that takes at least this share of its weight."""

BROAD = 0.8
"""A head is called broad if its entropy is at least this share of the largest possible."""

DECIDED = 0.05
"""Below this share of the largest entropy a head attends to one key only: such a head is a poor first example."""

SETTLED = 0.9
"""A query with more than this weight on one key is a poor first example too."""


@dataclass(frozen=True)
class Habits:
    """Statistics of attention patterns `[..., query, key]`, one number for each; all are means over the queries.

    Attributes:
        entropy: in nats, `[...]`.
        evenness: entropy / log(keys), from 0 (one key) to 1 (all alike), `[...]`.
        distance: Σ a·|i − j| in tokens, `[...]`.
        special: the share on special tokens, `[...]`.
        previous, following: the share on the token just before or after, over the queries that have one, `[...]`.
        itself: the share on the query's own position, `[...]`.
    """

    entropy: Tensor
    evenness: Tensor
    distance: Tensor
    special: Tensor
    previous: Tensor
    following: Tensor
    itself: Tensor

    @property
    def in_view(self) -> Tensor:
        """exp(entropy): the number of equally weighted keys of the same entropy, `[...]`."""
        return self.entropy.exp()

    def kind(self, *index: int) -> str:
        """The habit that names the pattern at `index`: "previous", "following", "itself", "special", "broad" or "mixed"."""
        shares = {name: float(getattr(self, name)[index]) for name in ("previous", "following", "itself", "special")}
        leading = max(shares, key=shares.get)
        if shares[leading] >= HABIT:
            return leading
        return "broad" if float(self.evenness[index]) >= BROAD else "mixed"


def habits(probabilities: Tensor, special: Tensor) -> Habits:
    """The habits of every pattern in `[..., query, key]`; `special` is `[key]`, True for [CLS] and its like."""
    keys = probabilities.shape[-1]
    entropy = attention_entropy(probabilities).mean(-1)
    neighbour = [probabilities.diagonal(offset, -2, -1) for offset in (-1, 0, 1)]  # each [..., query]
    previous, itself, following = (part.mean(-1) if part.shape[-1] else entropy * 0 for part in neighbour)
    return Habits(
        entropy=entropy,
        evenness=entropy / math.log(keys) if keys > 1 else entropy,
        distance=attention_distance(probabilities).mean(-1),
        special=probabilities[..., special].sum(-1).mean(-1),
        previous=previous,
        following=following,
        itself=itself,
    )


def pattern_of(trace: Trace, layer: int, head: int | None) -> Tensor:
    """One head's pattern, or the mean of the layer's heads for None, `[query, key]`."""
    patterns = trace.probabilities[layer]
    return patterns.mean(0) if head is None else patterns[head]


def most_telling_head(trace: Trace) -> tuple[int, int]:
    """The (layer, head) with the clearest pattern among words: sharp, but not all on special tokens nor wholly decided."""
    found = habits(trace.probabilities, trace.tokens.special)
    score = (1 - found.special) * (1 - found.evenness)  # [layer, head]
    score = score.masked_fill(found.evenness < DECIDED, -1.0)
    return divmod(int(score.argmax()), score.shape[1])


def telling_query(pattern: Tensor, special: Tensor) -> int:
    """The word of `pattern` `[query, key]` that attends most to another word, without being wholly decided on it."""
    words = ~special
    others = pattern * (words[:, None] & words)  # [query, key]
    strongest = others.fill_diagonal_(0.0).amax(-1)
    return int(strongest.where(strongest <= SETTLED, 1 - strongest).argmax())


def strongest_key(pattern: Tensor, query: int) -> int:
    """The key that `query` attends to most."""
    return int(pattern[query].argmax())


@dataclass(frozen=True)
class DrawnMap:
    """A pattern prepared for drawing. Nothing is renormalised; the omitted shares are given instead.

    Attributes:
        weights: `[query, key]`, NaN where a weight is under the threshold.
        positions: the tokens of the rows and of the columns.
        hidden: the share of the drawn queries' weight that goes to keys that are not drawn.
        faint: the share of it that is under the threshold.
    """

    weights: Tensor
    positions: list[int]
    hidden: float
    faint: float

    def cell(self, query: int, key: int) -> tuple[int, int] | None:
        """Row and column of a pair of positions in the drawn map, or None where it is hidden."""
        if query not in self.positions or key not in self.positions:
            return None
        return self.positions.index(query), self.positions.index(key)


def drawn_map(pattern: Tensor, special: Tensor, hide_special: bool = False, threshold: float = 0.0) -> DrawnMap:
    """One pattern `[query, key]` without the weights below `threshold`, and without special tokens if `hide_special`."""
    positions = [i for i in range(len(pattern)) if not (hide_special and special[i])] or list(range(len(pattern)))
    kept = pattern[positions][:, positions]
    below = kept < threshold
    return DrawnMap(
        weights=kept.masked_fill(below, math.nan),
        positions=positions,
        hidden=float(1 - kept.sum(-1).mean()),
        faint=float((kept * below).sum(-1).mean()),
    )


@dataclass(frozen=True)
class Steps:
    """One head's computation for one query.

    Attributes:
        query: q_i, `[d_k]`.
        keys, values: k_j and v_j for every key, `[key, d_k]` and `[key, d_v]`.
        dots: q_i·k_j, `[key]`.
        scale: the factor of the dots, 1/√d_k as a rule.
        scores: dots · scale, −inf where the mask forbids a key, `[key]`.
        largest: the largest score; it is subtracted before exp, which leaves the weights unchanged and avoids overflow.
        exponentials: exp(scores − largest), `[key]`.
        total: their sum.
        weights: a_ij = exponentials / total, `[key]`.
        parts: a_ij · v_j, `[key, d_v]`.
        context: z_i = Σ_j a_ij v_j, `[d_v]`.
        difference: the largest difference of these weights and context from those that the model used.
    """

    query: Tensor
    keys: Tensor
    values: Tensor
    dots: Tensor
    scale: float
    scores: Tensor
    largest: float
    exponentials: Tensor
    total: float
    weights: Tensor
    parts: Tensor
    context: Tensor
    difference: float

    @property
    def width(self) -> int:
        """The width d_k of the head's queries and keys."""
        return len(self.query)

    @property
    def by_root(self) -> bool:
        """True if the scale is 1/√d_k, as in the paper; a model family may choose another."""
        return math.isclose(self.scale, self.width**-0.5, rel_tol=1e-5)


def steps(trace: Trace, layer: int, head: int, query: int) -> Steps:
    """Compute one row of one head again, from the recorded q, k and v."""
    seen = trace.layers[layer]
    q, keys, values = seen.query[head, query], seen.key[head], seen.value[head]
    mask = None if seen.mask is None else seen.mask[None, query]  # [1, key]
    attention = scaled_dot_product_attention(q[None], keys, values, mask, seen.scale)
    scores = attention.scores[0] if mask is None else attention.scores[0] + mask[0]
    scores = scores.masked_fill(
        scores < torch.finfo(torch.float16).min / 2, -math.inf
    )  # a mask's "never" as it is meant
    exponentials = (scores - scores.max()).exp()
    weights, context = attention.probabilities[0], attention.context[0]
    gaps = [weights - seen.probabilities[head, query], context - seen.context[head, query]]
    return Steps(
        query=q,
        keys=keys,
        values=values,
        dots=keys @ q,
        scale=seen.scale,
        scores=scores,
        largest=float(scores.max()),
        exponentials=exponentials,
        total=float(exponentials.sum()),
        weights=weights,
        parts=weights[:, None] * values,
        context=context,
        difference=max(float(gap.abs().max()) for gap in gaps),
    )


@dataclass(frozen=True)
class Joining:
    """Sizes of the concatenated heads and of W_O."""

    heads: int
    head_width: int
    width: int
    output_norm: float
    """The length of the attention's output for the query, before the residual."""


def joining(trace: Trace, layer: int, query: int) -> Joining:
    """Sizes in the concatenation of a layer's heads and their projection by W_O (section 3.2.2)."""
    heads, _, head_width = trace.layers[layer].context.shape
    output = trace.layers[layer].attention_output
    norm = float(output[query].norm()) if output is not None else math.nan
    return Joining(heads, head_width, trace.embeddings.total.shape[-1], norm)
