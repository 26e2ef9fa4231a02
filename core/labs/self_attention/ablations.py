"""A model's prediction of a masked word when a part of its attention is switched off.

Michel et al. 2019 (Are Sixteen Heads Really Better than One?), section 3, switch heads off one at a time in this way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from core.distill.objectives.losses import soft_loss
from core.engine import Engine, Setting
from core.errors import LabError
from core.labs.masked_words import best_words
from core.memory import RecentlyUsed
from core.theory.attention import attention_entropy
from core.theory.temperature import soften
from core.trace import AblateHead, Intervention, NoScaling, Tokens, Trace, UniformAttention

Damage = Literal["no_scaling", "uniform", "head", "heads"]

SAME = 0.05
"""A relative change of the entropy below this counts as no change."""


def damage(kind: Damage, layer: int | None, head: int, layers: int, heads: int) -> tuple[Intervention, ...]:
    """The interventions of a choice; layers and heads from 0, `layer` None for all layers.

    "head" switches off one head, "heads" all of them.
    """
    if kind == "no_scaling":
        return (NoScaling(layer),)
    if kind == "uniform":
        return (UniformAttention(layer),)
    where = range(layers) if layer is None else [layer]
    which = range(heads) if kind == "heads" else [head]
    return tuple(AblateHead(*pair) for pair in product(where, which))


def words_of(tokens: Tokens) -> list[int]:
    """The positions that can be masked: all but special tokens."""
    return (~tokens.special).nonzero().flatten().tolist()


def hidden_position(engine: Engine, setting: Setting, name: str, tokens: Tokens) -> int:
    """Position of the word to mask at first: the text's own mask token, else a longer word in the middle, else any.

    Raises:
        LabError: `no_vocabulary_head` if the model has no mask token, so that it cannot predict a masked word.
    """
    mask_id = _mask_id(engine, setting, name)
    written = (tokens.ids == mask_id).nonzero().flatten().tolist()
    if written:
        return written[0]
    words = words_of(tokens)
    long = [i for i in words if len(tokens.pieces[i]) > 3 and tokens.pieces[i].isalpha()]
    return (long or words)[len(long or words) // 2]


def with_hidden(engine: Engine, setting: Setting, name: str, tokens: Tokens, position: int) -> list[int]:
    """The text's token ids with the mask token at `position`.

    Raises:
        LabError: `no_vocabulary_head`, as `hidden_position`.
    """
    ids = tokens.ids.tolist()
    ids[position] = _mask_id(engine, setting, name)
    return ids


def _mask_id(engine: Engine, setting: Setting, name: str) -> int:
    checkpoint = engine.checkpoint(setting, name)
    if not checkpoint.predicts_words or checkpoint.tokenizer.mask_token_id is None:
        raise LabError("no_vocabulary_head", name=name)
    return checkpoint.tokenizer.mask_token_id


IDLE = 0.01
"""A head whose removal changes the prediction by less than this, in nats, is counted as idle for this word."""


@dataclass(frozen=True)
class Ablation:
    """The prediction at one position, before and after.

    Attributes:
        words: the best words of both, those from before first, `[word]`.
        before, after: their probabilities, `[word]`.
        first_before, first_after: the two top-1 predictions.
        true_before, true_after: the probability of the text's own word; None if the text has a mask token there.
        divergence: KL(before ‖ after) in nats.
        entropy_before, entropy_after: the mean entropy of attention in nats, over heads and queries, `[layer]`.
    """

    words: list[str]
    before: Tensor
    after: Tensor
    first_before: str
    first_after: str
    true_before: float | None
    true_after: float | None
    divergence: float
    entropy_before: Tensor
    entropy_after: Tensor
    ceiling: float
    """The entropy of uniform attention over the text, log(keys)."""

    @property
    def mean_before(self) -> float:
        """The attention's entropy over all layers, before."""
        return float(self.entropy_before.mean())

    @property
    def mean_after(self) -> float:
        """The attention's entropy over all layers, after."""
        return float(self.entropy_after.mean())

    @property
    def direction(self) -> int:
        """Change of the attention's entropy: 0 it fell (sharper attention), 1 it rose (more even), 2 about the same."""
        if abs(self.mean_after - self.mean_before) <= SAME * self.mean_before:
            return 2
        return 0 if self.mean_after < self.mean_before else 1


def compare(
    engine: Engine,
    setting: Setting,
    name: str,
    before: Trace,
    after: Trace,
    position: int,
    true_id: int,
    count: int = 5,
) -> Ablation:
    """Compare two passes of one model over one text at `position`; `true_id` is the token that was masked there."""
    guesses = [best_words(engine, setting, name, trace.logits[position], count) for trace in (before, after)]
    words = {guess.id: guess.word for guess in [*guesses[0], *guesses[1]]}
    ids = torch.tensor(list(words))
    odds = [soften(trace.logits[position]) for trace in (before, after)]  # each [vocabulary]
    hidden_by_text = true_id == engine.checkpoint(setting, name).tokenizer.mask_token_id
    true = [None if hidden_by_text else float(each[true_id]) for each in odds]
    return Ablation(
        words=list(words.values()),
        before=odds[0][ids],
        after=odds[1][ids],
        first_before=guesses[0][0].word,
        first_after=guesses[1][0].word,
        true_before=true[0],
        true_after=true[1],
        divergence=float(soft_loss(after.logits[None, position], before.logits[None, position])),
        entropy_before=_entropy(before),
        entropy_after=_entropy(after),
        ceiling=math.log(before.probabilities.shape[-1]),
    )


def _entropy(trace: Trace) -> Tensor:
    return attention_entropy(trace.probabilities).mean((-2, -1))  # [layer]


def sweep(engine: Engine, setting: Setting, name: str, text: str, ids: Sequence[int], position: int) -> Tensor:
    """KL(before ‖ after) at `position` for each head switched off alone, `[layer, head]`.

    One forward pass per head, in the engine's turns; the results are cached, not the passes.
    """
    key = (setting.device, setting.precision, name, text, tuple(ids), position)
    return _SWEEPS.get(key, lambda: _sweep(engine, setting, name, text, ids, position))


_SWEEPS = RecentlyUsed(1024**2, lambda numbers: numbers.nbytes)


@dataclass(frozen=True)
class Leader:
    """The head whose removal changes the prediction most, and the number of heads that hardly change it."""

    layer: int
    head: int
    value: float
    idle: int


def leader(numbers: Tensor) -> Leader:
    """The `Leader` of a sweep `[layer, head]`."""
    layer, head = divmod(int(numbers.argmax()), numbers.shape[1])
    return Leader(layer, head, float(numbers.max()), int((numbers < IDLE).sum()))


def _sweep(engine: Engine, setting: Setting, name: str, text: str, ids: Sequence[int], position: int) -> Tensor:
    def divergence(interventions: tuple[Intervention, ...]) -> float:
        after = engine.trace(setting, name, text, interventions=interventions, ids=ids, keep=False)
        return float(soft_loss(after.logits[None, position], before.logits[None, position]))

    before = engine.trace(setting, name, text, ids=ids)
    layers, heads = before.probabilities.shape[:2]
    rows = [[divergence((AblateHead(layer, head),)) for head in range(heads)] for layer in range(layers)]
    return torch.tensor(rows)
