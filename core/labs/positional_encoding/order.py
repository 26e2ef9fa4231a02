"""Order surgery: the same words in another order, with the model's positions and without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from core.engine import Engine, Setting
from core.errors import LabError
from core.labs.masked_words import masked_positions
from core.theory.positions import order_error
from core.theory.temperature import soften
from core.trace import Intervention, ShuffledPositions, Tokens, Trace, WithoutPositions

Way = Literal["swap", "reverse", "shuffle"]
WAYS: tuple[Way, ...] = ("swap", "reverse", "shuffle")


def default_swap(tokens: Tokens, wanted: Sequence[str] = ()) -> list[int]:
    """Two words worth swapping: those `wanted` if the text has them, else the two longest different ones."""
    found = [tokens.pieces.index(word) for word in wanted if word in tokens.pieces]
    if len(found) > 1:
        return sorted(found)
    words = [
        (-len(piece), position, piece)
        for position, (piece, special) in enumerate(zip(tokens.pieces, tokens.special.tolist(), strict=True))
        if not special and piece.isalpha()
    ]
    chosen: list[tuple[int, int, str]] = []
    for word in sorted(words):
        if word[2] not in [other[2] for other in chosen]:
            chosen.append(word)
    return sorted(position for _, position, _ in chosen[:2])


def new_order(tokens: Tokens, way: Way, marked: Sequence[int] = (), seed: int = 0) -> tuple[int, ...]:
    """The old position of each new one, `[position]`; special tokens keep theirs.

    Args:
        way: "swap" exchanges the marked words (more than two are rotated), "reverse" reverses the sentence, "shuffle" draws a
            random order.
        marked: positions, for "swap".
        seed: for "shuffle".
    """
    places = (~tokens.special).nonzero().flatten().tolist()
    if way == "swap":
        places = [place for place in places if place in set(marked)]
        sources = places[1:] + places[:1]
    elif way == "reverse":
        sources = places[::-1]
    else:
        drawn = torch.randperm(len(places), generator=torch.Generator().manual_seed(seed)).tolist()
        sources = [places[index] for index in drawn]
    order = list(range(len(tokens.pieces)))
    for place, source in zip(places, sources, strict=True):
        order[place] = source
    return tuple(order)


@dataclass(frozen=True)
class Prediction:
    """Predictions at the (first) [MASK] before and after the words moved.

    Attributes:
        words: the best words of both, those from before first, `[word]`.
        before, after: their probabilities, `[word]`.
        moved: total variation distance ½ Σ |p − q|, from 0 to 1.
    """

    words: list[str]
    before: Tensor
    after: Tensor
    moved: float

    @property
    def best_before(self) -> str:
        """The most likely word before."""
        return self.words[int(self.before.argmax())]

    @property
    def best_after(self) -> str:
        """The most likely word after."""
        return self.words[int(self.after.argmax())]


@dataclass(frozen=True)
class Surgery:
    """One sentence x and its reordering Px through one model f, with and without positions.

    Attributes:
        order: the old position of each new one, `[position]`.
        tokens, moved_tokens: the sentence before and after.
        with_positions: max |f(Px) − P f(x)| after the embeddings and after each layer, `[layer + 1]`.
        without_positions: the same with no position vector added, `[layer + 1]`.
        other_way: max |f(Px) − P f'(x)|, where f' leaves the words and reorders the positions instead, `[layer + 1]`.
        by_token: max over the width of |f(Px) − P f(x)| with positions, `[layer + 1, position]`, in the new order.
        size: root mean square of the last hidden state's entries: the scale to compare an error with.
        check: the largest difference of a recomputed attention in these passes.
    """

    order: tuple[int, ...]
    tokens: Tokens
    moved_tokens: Tokens
    with_positions: Tensor
    without_positions: Tensor
    other_way: Tensor
    by_token: Tensor
    size: float
    check: float

    @property
    def moved_places(self) -> set[int]:
        """The positions with another word than before."""
        return set((self.moved_tokens.ids != self.tokens.ids).nonzero().flatten().tolist())

    @property
    def most_changed(self) -> str:
        """The token with the largest change of its last state."""
        return self.moved_tokens.pieces[int(self.by_token[-1].argmax())]

    @property
    def order_matters(self) -> bool:
        """True if the error with positions is over 100 times the rounding error without them."""
        return float(self.with_positions[-1]) > 100 * max(float(self.without_positions[-1]), 1e-9)


def surgery(engine: Engine, setting: Setting, name: str, text: str, order: Sequence[int]) -> Surgery:
    """Measure the effect of the order on the model's states, at every depth.

    Raises:
        LabError: as `Engine.trace`.
    """
    plain = engine.trace(setting, name, text)
    permutation = torch.tensor(order)
    places = tuple(permutation.argsort().tolist())  # the position that each word moves to
    moved = _run(engine, setting, name, text, plain.tokens.ids[permutation])
    bare = _run(engine, setting, name, text, plain.tokens.ids, WithoutPositions())
    bare_moved = _run(engine, setting, name, text, plain.tokens.ids[permutation], WithoutPositions())
    positions_moved = _run(engine, setting, name, text, plain.tokens.ids, ShuffledPositions(places))

    def errors(*interventions: Intervention) -> Tensor:
        def states(layer: int):
            return lambda ids: _run(engine, setting, name, text, ids[:, 0], *interventions).hidden[layer]

        depths = range(len(plain.hidden))
        ids = plain.tokens.ids[:, None]  # [position, 1]: the input whose order is changed
        return torch.tensor([order_error(states(layer), ids, permutation) for layer in depths])

    difference = (moved.hidden - plain.hidden[:, permutation]).abs()  # [layer + 1, position, width]
    return Surgery(
        order=tuple(order),
        tokens=plain.tokens,
        moved_tokens=moved.tokens,
        with_positions=errors(),
        without_positions=errors(WithoutPositions()),
        other_way=(moved.hidden - positions_moved.hidden[:, permutation]).abs().amax(dim=(1, 2)),
        by_token=difference.amax(dim=-1),
        size=float(plain.hidden[-1].square().mean().sqrt()),
        check=max(trace.check() for trace in (plain, moved, bare, bare_moved, positions_moved)),
    )


def prediction(
    engine: Engine, setting: Setting, name: str, text: str, order: Sequence[int], positions: bool, count: int = 4
) -> Prediction:
    """The masked word before and after the words moved, with positions or without.

    Raises:
        LabError: `no_mask`, `no_vocabulary_head`, and as `Engine.trace`.
    """
    if not engine.checkpoint(setting, name).predicts_words:
        raise LabError("no_vocabulary_head", name=name)
    changes = () if positions else (WithoutPositions(),)
    ids = engine.trace(setting, name, text).tokens.ids
    before = _run(engine, setting, name, text, ids, *changes)
    after = _run(engine, setting, name, text, ids[torch.tensor(order)], *changes)
    mask = masked_positions(engine, setting, name, before.tokens)[0]
    old, new = soften(before.logits[mask]), soften(after.logits[list(order).index(mask)])
    best = list(dict.fromkeys([*old.topk(count).indices.tolist(), *new.topk(count).indices.tolist()]))
    words = engine.checkpoint(setting, name).tokenizer.convert_ids_to_tokens(best)
    return Prediction(words, old[best], new[best], float((old - new).abs().sum() / 2))


def _run(engine: Engine, setting: Setting, name: str, text: str, ids: Tensor, *changes: Intervention) -> Trace:
    return engine.trace(setting, name, text, interventions=changes, ids=ids.tolist())
