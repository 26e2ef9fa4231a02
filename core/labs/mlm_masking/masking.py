"""Draws of BERT's masking on a text: the counts of 80/10/10, its cost, and the coverage of static masks.

Devlin et al. 2019 (BERT), section 3.1 and appendices A.1, C.2; Liu et al. 2019 (RoBERTa), section 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.engine import Engine, Setting
from core.labs.mlm_masking.gaps import Filled, MaskedPosition, groups_of, judge, mask_id, maskable
from core.theory.masking import (
    KEPT,
    MASKED,
    NOT_SELECTED,
    RANDOM,
    MaskedTokens,
    coverage,
    expected_coverage,
    mask_tokens,
    static_masks,
)
from core.trace import Tokens

FATES = {NOT_SELECTED: "untouched", MASKED: "masked", RANDOM: "random", KEPT: "kept"}
"""A name for each action of `core.theory.masking`."""

RECIPES: dict[str, tuple[float, float, float]] = {
    "80-10-10": (0.8, 0.1, 0.1),
    "100-0-0": (1.0, 0.0, 0.0),
    "80-20-0": (0.8, 0.2, 0.0),
    "80-0-20": (0.8, 0.0, 0.2),
    "0-80-20": (0.0, 0.8, 0.2),
    "0-100-0": (0.0, 1.0, 0.0),
}
"""Shares of [MASK], random, kept: the rows of BERT's table 8. The paper's columns read MASK, SAME, RND."""

BERT_TABLE_8: dict[str, tuple[float, float, float]] = {
    "80-10-10": (84.2, 95.4, 94.9),
    "100-0-0": (84.3, 94.9, 94.0),
    "80-20-0": (84.1, 95.2, 94.6),
    "80-0-20": (84.4, 95.2, 94.7),
    "0-80-20": (83.7, 94.8, 94.6),
    "0-100-0": (83.6, 94.9, 94.6),
}
"""MNLI accuracy, NER fine-tuned and NER from frozen features (dev F1), BERT-base, by recipe (appendix C.2)."""

ROBERTA_TABLE_1: dict[str, tuple[float, float, float]] = {
    "reference": (76.3, 84.3, 92.8),
    "static": (78.3, 84.3, 92.5),
    "dynamic": (78.7, 84.0, 92.9),
}
"""SQuAD 2.0 F1, MNLI-m and SST-2 accuracy, BERT-base (section 4.1); `reference` is the published BERT."""


def shares(masked: int, random: int) -> tuple[float, float, float]:
    """Shares of [MASK], random, kept from two percentages: of all selected tokens, and of those that are not masked."""
    rest = 1 - masked / 100
    return masked / 100, rest * random / 100, rest * (100 - random) / 100


def largest_differences() -> tuple[float, float, float]:
    """The largest difference of table 8's scores from those of 80/10/10, in percentage points, for each column."""
    standard, *others = BERT_TABLE_8.values()
    return tuple(  # type: ignore[return-value]
        max(abs(other[task] - standard[task]) for other in others) for task in range(3)
    )


COPIES: dict[str, int | None] = {"static": 1, "ten": 10, "dynamic": None}
"""Number of draws of the masking; None for a new one in each pass over a text."""


@dataclass(frozen=True)
class Draw:
    """One draw of the masking on a text.

    Attributes:
        before, after: the pieces as written and as the model reads them, `[position]`.
        masked: ids, labels and actions.
        candidates: the positions that could be selected.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    masked: MaskedTokens
    candidates: list[int]

    @property
    def selected(self) -> list[int]:
        """The positions that are targets of the loss."""
        return (self.masked.action != NOT_SELECTED).nonzero().flatten().tolist()


@dataclass(frozen=True)
class Masking:
    """Options of masking: the probability of selection, the shares of [MASK], random and kept, and whole-word masking."""

    probability: float = 0.15
    shares: tuple[float, float, float] = RECIPES["80-10-10"]
    whole_words: bool = False


def draw(engine: Engine, setting: Setting, text: str, how: Masking, seed: int) -> Draw:
    """Mask the text once; the same seed gives the same draw."""
    tokens = engine.tokens(setting, setting.teacher, text)
    arguments, options = _mask_arguments(engine, setting, tokens, how)
    masked = mask_tokens(*arguments, **options, generator=torch.Generator().manual_seed(seed))
    after = engine.checkpoint(setting, setting.teacher).tokenizer.convert_ids_to_tokens(masked.input_ids.tolist())
    return Draw(tokens.pieces, tuple(after), masked, maskable(engine, setting, tokens))


def _mask_arguments(engine: Engine, setting: Setting, tokens: Tokens, how: Masking) -> tuple[tuple, dict]:
    hidden = mask_id(engine, setting)
    size = len(engine.checkpoint(setting, setting.teacher).tokenizer)
    special = tokens.special | (tokens.ids == hidden)
    words = torch.tensor(groups_of(tokens)) if how.whole_words else None
    return (tokens.ids, hidden, size, special), {
        "probability": how.probability,
        "shares": how.shares,
        "word_ids": words,
    }


@dataclass(frozen=True)
class Expectation:
    """Expected counts of a draw.

    Attributes:
        mean, std: expected count and its standard deviation, by "selected", "masked", "random", "kept".
        chances: the probability that k tokens are selected, `[k]`: a binomial distribution, unless whole words are masked.
    """

    mean: dict[str, float]
    std: dict[str, float]
    chances: Tensor


def expectation(tokens: Tokens, candidates: Sequence[int], how: Masking) -> Expectation:
    """The exact distribution of the counts: Binomial(n, p·share), widened where the pieces of a word are selected together."""
    groups = groups_of(tokens)
    keys = [groups[position] if how.whole_words else position for position in candidates]
    sizes = [keys.count(key) for key in dict.fromkeys(keys)]  # pieces that are selected together
    p, total = how.probability, len(candidates)
    pairs = sum(size * (size - 1) for size in sizes)
    names = dict(zip(("selected", "masked", "random", "kept"), (1.0, *how.shares), strict=True))
    mean = {name: total * p * share for name, share in names.items()}
    # Var Σ = Σ sp(1 − sp) + Σ over pairs of one word of s²p(1 − p): selected together, then replaced independently.
    variance = {name: total * s * p * (1 - s * p) + pairs * s * s * p * (1 - p) for name, s in names.items()}
    chances = torch.ones(1, dtype=torch.float64)
    for size in sizes:
        longer = torch.zeros(len(chances) + size, dtype=torch.float64)
        longer[: len(chances)] += chances * (1 - p)
        longer[size:] += chances * p
        chances = longer
    return Expectation(mean, {name: math.sqrt(value) for name, value in variance.items()}, chances)


def many_draws(engine: Engine, setting: Setting, text: str, how: Masking, count: int, seed: int) -> Tensor:
    """Counts of selected, masked, random and kept tokens in `count` further draws, `[draw, 4]`."""
    tokens = engine.tokens(setting, setting.teacher, text)
    (ids, hidden, size, special), options = _mask_arguments(engine, setting, tokens, how)
    if options["word_ids"] is not None:
        options["word_ids"] = options["word_ids"].expand(count, -1)
    action = mask_tokens(
        ids.expand(count, -1),
        hidden,
        size,
        special.expand(count, -1),
        **options,
        generator=torch.Generator().manual_seed(seed),
    ).action
    fates = [(action == fate).sum(-1) for fate in (MASKED, RANDOM, KEPT)]
    return torch.stack([(action != NOT_SELECTED).sum(-1), *fates], dim=-1)


def read_draw(engine: Engine, setting: Setting, text: str, drawn: Draw) -> Filled:
    """Both models' predictions and mean losses at the selected positions of a draw."""
    return judge(engine, setting, text, drawn.masked.input_ids, drawn.selected)


def copying(engine: Engine, setting: Setting, text: str) -> Filled:
    """The loss where the labels are the input itself and nothing is masked, at every candidate."""
    tokens = engine.tokens(setting, setting.teacher, text)
    return judge(engine, setting, text, tokens.ids, maskable(engine, setting, tokens))


def three_sights(engine: Engine, setting: Setting, text: str, position: int, seed: int) -> dict[str, MaskedPosition]:
    """Predictions at one position with [MASK], its true word and a wrong one as input, by "masked", "kept", "random".

    The wrong word is an ordinary one of the vocabulary (letters only), so that it can be read.
    """
    ids = engine.tokens(setting, setting.teacher, text).ids
    seen = {
        "masked": mask_id(engine, setting),
        "kept": int(ids[position]),
        "random": _wrong(engine, setting, ids[position], seed),
    }
    gaps = {}
    for name, id_ in seen.items():
        changed = ids.clone()
        changed[position] = id_
        gaps[name] = judge(engine, setting, text, changed, [position]).gaps[0]
    return gaps


def _wrong(engine: Engine, setting: Setting, truth: Tensor, seed: int) -> int:
    tokenizer = engine.checkpoint(setting, setting.teacher).tokenizer
    generator = torch.Generator().manual_seed(seed)
    for id_ in torch.randint(len(tokenizer), (1000,), generator=generator).tolist():
        piece = tokenizer.convert_ids_to_tokens(id_)
        if id_ != int(truth) and len(piece) > 3 and piece.isascii() and piece.isalpha():
            return id_
    return (int(truth) + 1) % len(tokenizer)


@dataclass(frozen=True)
class Epochs:
    """Targets of the loss in each epoch, for one way to mask.

    Attributes:
        targets: 0 where the token was no target, 1 where it was for the first time, 2 where it was again,
            `[position, epoch]`; only positions that can be selected.
        covered: the share of them that was a target at least once, after each epoch, `[epoch]`.
        expected: its expected value 1 − (1 − p)^k after k different draws, `[epoch]`.
        draws: number of different draws.
    """

    targets: Tensor
    covered: list[float]
    expected: list[float]
    draws: int

    @property
    def never(self) -> int:
        """Number of positions that were never a target."""
        return int((self.targets == 0).all(-1).sum())


def epochs_of(
    engine: Engine, setting: Setting, text: str, probability: float, epochs: int, copies: int | None, seed: int
) -> Epochs:
    """Mask the text for every epoch: from `copies` draws in turn, or with a new draw each time (None).

    BERT's script shuffles its copies over the training run; here they come in turn, which leaves the same counts after
    the last epoch.
    """
    tokens = engine.tokens(setting, setting.teacher, text)
    arguments, options = _mask_arguments(engine, setting, tokens, Masking(probability))
    made = min(copies or epochs, epochs)
    draws = static_masks(made, *arguments, seed=seed, **options)
    special = arguments[-1]
    shown = [draws[epoch % made] for epoch in range(epochs)]
    hit = torch.stack([drawn.action[~special] != NOT_SELECTED for drawn in shown], dim=-1)  # [position, epoch]
    before = hit.long().cumsum(-1) - hit.long()
    return Epochs(
        targets=torch.where(hit, torch.where(before > 0, 2, 1), 0),
        covered=coverage(shown, special),
        expected=[expected_coverage(probability, min(epoch + 1, made)) for epoch in range(epochs)],
        draws=made,
    )
