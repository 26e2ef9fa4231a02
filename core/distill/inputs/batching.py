"""Assignment of texts to batches: those of like length together, so that little is padding.

    for rows in plan(texts.lengths, size=32, seed=0, epoch=0):
        batch = texts.batch(rows)

Everything is drawn from (seed, epoch), so that any batch of any epoch can be made again without those before it.
"""

from __future__ import annotations

import torch
from torch import Tensor

POOL = 64
"""Batches that are shuffled together before they are sorted by length: fewer would pad more, all would never mix."""


def plan(lengths: Tensor, size: int, seed: int, epoch: int, tokens: int | None = None) -> list[Tensor]:
    """Assign texts to the batches of an epoch: random pools, sorted by length inside, the batches in random order.

    Args:
        lengths: tokens in each text, `[text]`.
        size: texts in a batch.
        tokens: if given, a batch holds about that number of tokens, padding included, in place of `size` texts.

    Returns:
        Indices of texts, one tensor per batch; the same for the same (seed, epoch).
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, epoch))
    order = torch.randperm(len(lengths), generator=generator)
    if tokens is not None:
        size = max(1, tokens // max(1, int(lengths.float().mean())))
    batches: list[Tensor] = []
    for pool in order.split(size * POOL):
        pool = pool[lengths[pool].argsort(stable=True)]
        batches += pool.split(size) if tokens is None else _by_tokens(pool, lengths, tokens)
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def _by_tokens(pool: Tensor, lengths: Tensor, tokens: int) -> list[Tensor]:
    """Texts in rising order of length, cut so that texts · longest stays within `tokens`."""
    groups, begin = [], 0
    for end, length in enumerate(lengths[pool].tolist()):
        if end > begin and (end + 1 - begin) * length > tokens:
            groups.append(pool[begin:end])
            begin = end
    return [*groups, pool[begin:]]


def derive_seed(seed: int, number: int) -> int:
    """One seed from two, so that neighbouring pairs do not share their randomness (Knuth's multiplicative hash)."""
    return (seed * 2654435761 + number * 40503 + 1) % 2**63
