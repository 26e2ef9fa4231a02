"""Document 003 computes the loss over every token, padding included (Devlin et al. 2019, section 3.1)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from core.practice.task import Case, Task, normal


def reference(logits, input_ids, chosen):
    rows = F.cross_entropy(logits.flatten(0, 1), input_ids.flatten(), reduction="none")
    return (rows * chosen.flatten()).sum() / chosen.sum().clamp(min=1)


def every_token(logits, input_ids, chosen):
    return F.cross_entropy(logits.flatten(0, 1), input_ids.flatten())


def padding_left_out(logits, input_ids, chosen):
    return F.cross_entropy(logits.flatten(0, 1), input_ids.flatten(), ignore_index=0)


def divided_by_every_token(logits, input_ids, chosen):
    rows = F.cross_entropy(logits.flatten(0, 1), input_ids.flatten(), reduction="none")
    return (rows * chosen.flatten()).mean()


def summed(logits, input_ids, chosen):
    return reference(logits, input_ids, chosen) * chosen.sum().clamp(min=1)


def mean_of_none(logits, input_ids, chosen):
    labels = input_ids.masked_fill(~chosen, -100)
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(batch: int, length: int, share: float) -> dict:
        ids = torch.randint(1, 8, (batch, length), generator=generator)
        chosen = torch.rand(batch, length, generator=generator) < share
        chosen[:, 0] = share > 0
        chosen[:, 1] = False
        ids[:, length // 2 + 1 :] = 0  # padding
        return {
            "logits": normal(generator, batch, length, 8),
            "input_ids": ids,
            "chosen": chosen & (ids != 0),
        }

    yield Case("plain", given(2, 5, 0.4))
    yield Case("plain", given(3, 8, 0.3))
    yield Case("batch_of_one", given(1, 4, 0.5))
    yield Case("nothing_chosen", given(2, 4, 0.0))


TASK = Task(
    "mlm_loss",
    reference,
    cases,
    {
        "every_token": every_token,
        "padding_left_out": padding_left_out,
        "divided_by_every_token": divided_by_every_token,
        "summed": summed,
        "mean_of_none": mean_of_none,
    },
)
