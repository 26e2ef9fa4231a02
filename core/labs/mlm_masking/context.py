"""Sources of a masked word's prediction: the context on each side, single words, and the layer where it forms.

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
"""Number of words, the nearest to the masked position, that are blocked in turn: each costs a forward pass."""

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
    """One model's prediction at one masked position, under interventions that hide parts of the text.

    Raises:
        LabError: `no_vocabulary_head`, `different_vocabulary`, and as `Engine.trace`.
    """
    truth = int(engine.tokens(setting, name, text).ids[position])
    ids = hide(engine, setting, text, [position]).tolist()
    trace = engine.trace(setting, name, text, interventions=interventions, ids=ids, keep=keep)
    return answer(engine, setting, name, trace, position, truth), trace


@dataclass(frozen=True)
class Sides:
    """One masked word predicted from both sides and from the left alone."""

    both: Answer
    left: Answer
    traces: tuple[Trace, Trace]


def both_sides_and_left(engine: Engine, setting: Setting, name: str, text: str, position: int) -> Sides:
    """One masked position predicted from the whole sentence, then with a causal mask on every layer."""
    both, whole = ask(engine, setting, name, text, position)
    left, half = ask(engine, setting, name, text, position, [LeftContextOnly()])
    return Sides(both, left, (whole, half))


@dataclass(frozen=True)
class Influence:
    """Effect of one visible word on the prediction.

    Attributes:
        word: as written in the text, its pieces joined.
        positions: of its pieces.
        change: ln p(true word) with this word blocked, minus ln p with all visible; negative: the word helped.
        probability: of the true word with this word blocked.
    """

    word: str
    positions: tuple[int, ...]
    change: float
    probability: float


def influences(engine: Engine, setting: Setting, name: str, text: str, position: int) -> list[Influence]:
    """Effects of blocking each visible word from attention, in all layers and heads; the `MOST_WORDS` nearest, in text order."""
    key = (setting, name, text, position)

    def compute() -> list[Influence]:
        tokens = engine.tokens(setting, name, text)
        base = ask(engine, setting, name, text, position)[0].loss
        effects = []
        for word in _nearest_words(tokens, position):
            blocked = [BlockKey(piece) for piece in word]
            without, _ = ask(engine, setting, name, text, position, blocked, keep=False)
            effects.append(Influence(_written(tokens, word), word, base - without.loss, without.probability))
        return effects

    return _influences.get(key, compute)


def strongest(found: Sequence[Influence]) -> Influence:
    """The word with the largest effect, for better or worse."""
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
    """One masked position read with the vocabulary head after the embeddings and after every layer.

    Attributes:
        best: the best words at each depth, `[layer + 1][word]`.
        rank, probability: of the true word, `[layer + 1]`.
        entropy: of the whole distribution, in nats, `[layer + 1]`.
        decided: the first depth from which on the last layer's top-1 word stays the top-1 word.
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
        """Number of layers of the model."""
        return len(self.rank) - 1

    @property
    def settled(self) -> int:
        """Depth at which the final top-1 word took the lead: 0 the first half of the layers, 1 later, 2 the last layer only."""
        if self.decided == self.layers:
            return 2
        return int(self.decided > self.layers / 2)


def lens(engine: Engine, setting: Setting, name: str, text: str, position: int, count: int = 4) -> Lens:
    """The logit lens of one model at one masked position.

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
    """The entropy of the uniform distribution over the vocabulary, ln |V|, in nats."""
    return math.log(seen.trace.logits.shape[-1])
