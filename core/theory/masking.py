"""Masked language modelling: which tokens are hidden, and what takes their place.

Devlin et al. 2019 (BERT), section 3.1, "Task #1: Masked LM" and appendix A.1; Liu et al. 2019 (RoBERTa), section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

IGNORED = -100
"""The label that PyTorch's cross-entropy skips: positions that were not selected carry it."""

NOT_SELECTED, MASKED, RANDOM, KEPT = 0, 1, 2, 3
"""Action at a position, as written in `MaskedTokens.action`."""


@dataclass(frozen=True)
class MaskedTokens:
    """One draw of the masking.

    Attributes:
        input_ids: what the model reads, `[..., position]`.
        labels: the original id where a position was selected, `IGNORED` elsewhere, `[..., position]`.
        action: `NOT_SELECTED`, `MASKED`, `RANDOM` or `KEPT`, `[..., position]`.
    """

    input_ids: Tensor
    labels: Tensor
    action: Tensor

    def counts(self) -> dict[str, int]:
        """Numbers of positions that were selected, masked, replaced at random and kept."""
        return {
            "selected": int((self.action != NOT_SELECTED).sum()),
            "masked": int((self.action == MASKED).sum()),
            "random": int((self.action == RANDOM).sum()),
            "kept": int((self.action == KEPT).sum()),
        }


def mask_tokens(
    input_ids: Tensor,
    mask_id: int,
    vocabulary_size: int,
    special: Tensor,
    probability: float = 0.15,
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
    word_ids: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> MaskedTokens:
    """Select tokens with `probability` and mask, randomise or keep each (BERT section 3.1).

    Each candidate is selected independently, as in RoBERTa's and Hugging Face's code; BERT's own script selects a
    fixed number a sequence instead. With `word_ids` whole words are selected: every piece of a selected word is, and
    each piece then draws its own action.

    Args:
        input_ids: token ids, `[position]` or `[batch, position]`.
        mask_id: the id of [MASK].
        vocabulary_size: random replacements are drawn from all ids below it.
        special: True where a position may never be selected ([CLS], [SEP], padding), of the same shape.
        probability: the chance that a token (with `word_ids`: a word) is selected.
        shares: what part of the selected becomes [MASK], becomes random, stays as it is; they sum to 1.
        word_ids: the word that each position belongs to (any negative number for none), of the same shape.
        generator: the source of randomness: the same seed gives the same draw.

    Raises:
        ValueError: `probability` is not within 0..1 or `shares` do not sum to 1.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must lie between 0 and 1, not {probability}.")
    if len(shares) != 3 or not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-6):
        raise ValueError(f"shares must be three non-negative numbers that sum to 1, not {shares}.")

    # Drawn where the generator is (on the CPU, as a rule) and moved: the same seed gives the same draw on every device.
    where = "cpu" if generator is None else generator.device
    draw = torch.rand(input_ids.shape, generator=generator, device=where).to(input_ids.device)  # [..., position]
    if word_ids is not None:
        draw = _one_draw_a_word(draw, word_ids)
    selected = (draw < probability) & ~special.bool()

    fate = torch.rand(input_ids.shape, generator=generator, device=where).to(input_ids.device)
    action = torch.where(fate < shares[0], MASKED, torch.where(fate < shares[0] + shares[1], RANDOM, KEPT))
    action = torch.where(selected, action, NOT_SELECTED)

    words = torch.randint(vocabulary_size, input_ids.shape, generator=generator, dtype=input_ids.dtype, device=where)
    words = words.to(input_ids.device)
    masked = torch.where(action == MASKED, mask_id, torch.where(action == RANDOM, words, input_ids))
    labels = torch.where(selected, input_ids, IGNORED)
    return MaskedTokens(masked, labels, action)


def _one_draw_a_word(draw: Tensor, word_ids: Tensor) -> Tensor:
    """Give every piece of a word the draw of the word's first piece."""
    position = torch.arange(draw.shape[-1], device=draw.device)
    begins = torch.ones_like(word_ids, dtype=torch.bool)
    begins[..., 1:] = word_ids[..., 1:] != word_ids[..., :-1]
    begins |= word_ids < 0
    first = torch.where(begins, position, 0).cummax(dim=-1).values  # [..., position]
    return draw.gather(-1, first)


def static_masks(copies: int, *args, seed: int = 0, **options) -> list[MaskedTokens]:
    """Static masking: `copies` draws made once, before training, and reused in every epoch.

    BERT's data script makes ten (`dupe_factor=10`) and shows each in four of its forty epochs (RoBERTa section 4.1).
    The other arguments are those of `mask_tokens`.
    """
    generator = torch.Generator().manual_seed(seed)
    return [mask_tokens(*args, generator=generator, **options) for _ in range(copies)]


def coverage(draws: Sequence[MaskedTokens], special: Tensor) -> list[float]:
    """The share of maskable positions that was a target at least once, after each of `draws` in turn.

    The draws are of one text, and `special` is what they were made with: those positions can never be a target and do
    not count. The expected value after k independent draws at probability p is 1 − (1 − p)^k.
    """
    seen = special.bool().new_zeros(special.shape)
    shares = []
    for draw in draws:
        seen = seen | (draw.action != NOT_SELECTED)
        shares.append(float(seen[~special.bool()].float().mean()))
    return shares


def expected_coverage(probability: float, draws: int) -> float:
    """The chance that a token is a target at least once in `draws` independent draws: 1 − (1 − p)^k."""
    return 1 - (1 - probability) ** draws
