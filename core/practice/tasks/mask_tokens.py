"""BERT's 15 % and 80/10/10, with the random draws given (Devlin et al. 2019, section 3.1 and appendix A.1)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from core.practice.task import Case, Strided, Task

MASK = 3
VOCABULARY = 50


def _fate(ids, chosen, fate, words, mask_id):
    changed = torch.where(fate < 0.8, mask_id, torch.where(fate < 0.9, words, ids))
    return torch.where(chosen, changed, ids)


def reference(ids, special, draw, fate, words, mask_id):
    chosen = (draw < 0.15) & ~special
    return _fate(ids, chosen, fate, words, mask_id), torch.where(chosen, ids, -100)


def labels_everywhere(ids, special, draw, fate, words, mask_id):
    return reference(ids, special, draw, fate, words, mask_id)[0], ids.clone()


def labels_only_where_masked(ids, special, draw, fate, words, mask_id):
    masked, _ = reference(ids, special, draw, fate, words, mask_id)
    return masked, torch.where(masked == mask_id, ids, -100)


def labels_where_changed(ids, special, draw, fate, words, mask_id):
    masked, _ = reference(ids, special, draw, fate, words, mask_id)
    return masked, torch.where(masked != ids, ids, -100)


def special_masked(ids, special, draw, fate, words, mask_id):
    return reference(ids, torch.zeros_like(special), draw, fate, words, mask_id)


def always_mask(ids, special, draw, fate, words, mask_id):
    return reference(ids, special, draw, torch.zeros_like(fate), words, mask_id)


def labels_of_the_corrupted(ids, special, draw, fate, words, mask_id):
    masked, labels = reference(ids, special, draw, fate, words, mask_id)
    return masked, torch.where(labels == -100, -100, masked)


def random_and_kept_swapped(ids, special, draw, fate, words, mask_id):
    chosen = (draw < 0.15) & ~special
    changed = torch.where(fate < 0.8, mask_id, torch.where(fate < 0.9, ids, words))
    return torch.where(chosen, changed, ids), torch.where(chosen, ids, -100)


def cases(generator: torch.Generator) -> Iterator[Case]:
    def draws(batch: int, length: int) -> dict:
        shape = (batch, length)
        ids = torch.randint(5, VOCABULARY, shape, generator=generator)
        special = torch.zeros(shape, dtype=torch.bool)
        special[:, 0] = special[:, -1] = True
        draw, fate = (torch.rand(shape, generator=generator) for _ in range(2))
        draw[:, ::2] *= 0.15  # so that every fate occurs
        fate.view(-1)[: fate.numel() // 2] = torch.linspace(0.7, 1, fate.numel() // 2)
        words = torch.randint(5, VOCABULARY, shape, generator=generator)
        return {"ids": ids, "special": special, "draw": draw, "fate": fate, "words": words, "mask_id": MASK}

    yield Case("plain", draws(1, 24))
    yield Case("plain", draws(3, 20))
    yield Case("nothing_chosen", draws(2, 6) | {"draw": torch.full((2, 6), 0.5)})
    yield Case("batch_of_one", draws(1, 40))
    strided = draws(2, 20)
    yield Case("strided", strided | {"ids": Strided(strided["ids"])})


TASK = Task(
    "mask_tokens",
    reference,
    cases,
    {
        "labels_everywhere": labels_everywhere,
        "labels_only_where_masked": labels_only_where_masked,
        "labels_where_changed": labels_where_changed,
        "labels_of_the_corrupted": labels_of_the_corrupted,
        "special_masked": special_masked,
        "always_mask": always_mask,
        "random_and_kept_swapped": random_and_kept_swapped,
    },
)
