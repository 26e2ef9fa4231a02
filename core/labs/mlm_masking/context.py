"""Where a hidden word's prediction comes from: from which side, from which word, at which layer.

The logit lens is nostalgebraist's (2020, "interpreting GPT: the logit lens"): a probe that reads every layer with the head
that was trained on the last one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from core.engine import Engine, Setting
from core.labs.masked_words import Guess, best_words
from core.labs.mlm_masking.gaps import Answer, answer, groups_of, hide, mask_id
from core.memory import RecentlyUsed
from core.theory.temperature import entropy, soften
from core.trace import BlockKey, Intervention, LeftContextOnly, Tokens, Trace

MOST_WORDS = 24
"""How many words, the nearest to the gap, are blocked in turn: each costs a forward pass."""

_influences = RecentlyUsed(1 << 20, lambda values: 200 * len(values) + 100)


def ask(
    engine: Engine,
    setting: Setting,
    name: str,
    text: str,
    position: int,
    interventions: Sequence[Intervention] = (),
    keep: bool = True,
) -> tuple[Answer, Trace]:
    """One model's answer at one hidden position, with parts of the text out of its sight.

    Raises:
        LabError: `no_vocabulary_head`, `different_vocabulary`, and as `Engine.trace`.
    """
    truth = int(engine.tokens(setting, name, text).ids[position])
    ids = hide(engine, setting, text, [position]).tolist()
    trace = engine.trace(setting, name, text, interventions=interventions, ids=ids, keep=keep)
    return answer(engine, setting, name, trace, position, truth), trace


@dataclass(frozen=True)
class Sides:
    """One hidden word guessed from both sides and from the left alone."""

    both: Answer
    left: Answer
    traces: tuple[Trace, Trace]


def both_sides_and_left(engine: Engine, setting: Setting, name: str, text: str, position: int) -> Sides:
    """The same gap with the whole sentence in sight, then with a causal mask on every layer."""
    both, whole = ask(engine, setting, name, text, position)
    left, half = ask(engine, setting, name, text, position, [LeftContextOnly()])
    return Sides(both, left, (whole, half))


@dataclass(frozen=True)
class Influence:
    """What one visible word does for the prediction.

    Attributes:
        word: as written in the text, its pieces joined.
        positions: where its pieces stand.
        change: ln p(true word) with this word blocked, minus ln p with all in sight; negative: the word helped.
        probability: of the true word with this word blocked.
    """

    word: str
    positions: tuple[int, ...]
    change: float
    probability: float


def influences(engine: Engine, setting: Setting, name: str, text: str, position: int) -> list[Influence]:
    """Each visible word hidden from attention in turn, in all layers and heads; the `MOST_WORDS` nearest, in text order."""
    key = (setting, name, text, position)

    def compute() -> list[Influence]:
        tokens = engine.tokens(setting, name, text)
        base = ask(engine, setting, name, text, position)[0].loss
        found = []
        for word in _nearest_words(tokens, position):
            blocked = [BlockKey(piece) for piece in word]
            without, _ = ask(engine, setting, name, text, position, blocked, keep=False)
            found.append(Influence(_written(tokens, word), word, base - without.loss, without.probability))
        return found

    return _influences.get(key, compute)


def strongest(found: Sequence[Influence]) -> Influence:
    """The word whose absence changes most, for better or worse."""
    return max(found, key=lambda one: abs(one.change))


def _nearest_words(tokens: Tokens, position: int) -> list[tuple[int, ...]]:
    groups = groups_of(tokens)
    words: dict[int, list[int]] = {}
    for index, group in enumerate(groups):
        if index != position and not tokens.special[index]:
            words.setdefault(group, []).append(index)
    nearest = sorted(words.values(), key=lambda pieces: min(abs(piece - position) for piece in pieces))[:MOST_WORDS]
    return sorted(tuple(pieces) for pieces in nearest)


def _written(tokens: Tokens, word: Sequence[int]) -> str:
    first, *rest = (tokens.pieces[piece] for piece in word)
    return first + "".join(piece.removeprefix("##") for piece in rest)


@dataclass(frozen=True)
class Lens:
    """One hidden position read with the vocabulary head after the embeddings and after every layer.

    Attributes:
        best: the best words at each depth, `[layer + 1][word]`.
        rank, probability: of the true word, `[layer + 1]`.
        entropy: of the whole distribution, in nats, `[layer + 1]`.
        decided: the first depth from which on the last layer's favourite stays the favourite.
        trace: the pass that was read.
    """

    best: list[list[Guess]]
    rank: list[int]
    probability: list[float]
    entropy: list[float]
    decided: int
    trace: Trace

    @property
    def layers(self) -> int:
        """How many layers the model has."""
        return len(self.rank) - 1

    @property
    def settled(self) -> int:
        """When the final favourite took the lead: 0 in the first half of the layers, 1 later, 2 at the last layer only."""
        if self.decided == self.layers:
            return 2
        return int(self.decided > self.layers / 2)


def lens(engine: Engine, setting: Setting, name: str, text: str, position: int, count: int = 4) -> Lens:
    """The logit lens of one model at one hidden position.

    Raises:
        LabError: as `ask`.
    """
    mask_id(engine, setting)
    _, trace = ask(engine, setting, name, text, position)
    truth = int(engine.tokens(setting, name, text).ids[position])
    logits: Tensor = engine.logit_lens(setting, name, trace, position)  # [layer + 1, vocabulary]
    probabilities = soften(logits)
    favourites = logits.argmax(-1).tolist()
    decided = len(favourites) - 1
    while decided and favourites[decided - 1] == favourites[-1]:
        decided -= 1
    return Lens(
        best=[best_words(engine, setting, name, row, count) for row in logits],
        rank=((logits > logits[:, truth, None]).sum(-1) + 1).tolist(),
        probability=probabilities[:, truth].tolist(),
        entropy=entropy(probabilities).tolist(),
        decided=decided,
        trace=trace,
    )


def surest(seen: Sequence[Lens]) -> float:
    """The largest probability that any of the lenses gives to a word at any depth."""
    return max(row[0].probability for one in seen for row in one.best)


def most_possible(seen: Lens) -> float:
    """The entropy of a model that knows nothing, ln |V|, in nats."""
    return math.log(seen.trace.logits.shape[-1])
