"""How a training runs, and what each of its steps measured: plain data.

For example:

    training = Training(steps=300, rate=2e-3)
    training.rate_at(0), training.rate_at(299)          # it rises, then falls
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

BOUND = 512 * 1024**2
"""Bytes of teacher's answers kept in memory; what does not fit lies on disk."""


@dataclass(frozen=True)
class Training:
    """How to train, the same for all arms.

    Attributes:
        steps: optimizer steps in all.
        batch: texts in a batch.
        batch_tokens: if given, tokens in a batch in place of `batch` texts.
        rate: peak learning rate of AdamW; it rises over the first `warmup` of the steps and then falls linearly to 0.
        weight_decay: on matrices, not on embeddings, biases and layer norms.
        clip: largest length of the gradient.
        dropout: whether the students drop out. Short runs on few texts learn faster without.
        words: "in_use" trains the word embeddings that occur in the texts (see `core.distill.words`), "all" every row,
            "frozen" none.
        precision: "mixed" computes the matrix products in bfloat16 and keeps the weights in float32; "auto" does so on a
            GPU only: on a CPU it speeds up a wide model (if the CPU has AMX) and slows down a tiny one.
        seed: decides the order of the texts, the projections and what is dropped out.
        cache_bytes: teacher's answers kept in memory; what is beyond lies on disk.
    """

    steps: int
    batch: int = 32
    batch_tokens: int | None = None
    rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    dropout: bool = False
    words: Literal["in_use", "all", "frozen"] = "in_use"
    precision: Literal["auto", "float32", "mixed"] = "auto"
    seed: int = 0
    cache_bytes: int = BOUND

    def autocast(self, device: torch.device) -> torch.dtype | None:
        """The precision of matrix products on a device, or None for the weights' own."""
        mixed = self.precision == "mixed" or (self.precision == "auto" and device.type == "cuda")
        return torch.bfloat16 if mixed else None

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        warm = max(1, round(self.warmup * self.steps))
        return self.rate * min((step + 1) / warm, (self.steps - step) / max(1, self.steps - warm), 1.0)


@dataclass(frozen=True)
class ArmStep:
    """What one step of one student measured.

    Attributes:
        loss: the weighted sum.
        terms: each loss by name, not weighted.
        gradient: the gradient's length before it was clipped.
    """

    loss: float
    terms: dict[str, float]
    gradient: float


@dataclass(frozen=True)
class Step:
    """One step of all students.

    Attributes:
        number: from 1 on.
        epoch: from 0 on.
        texts, tokens: in the batch; padding is not counted.
        rate: learning rate.
        seconds: of the whole step.
        teacher_seconds: of these, what the teacher took.
        arms: by name.
    """

    number: int
    epoch: int
    texts: int
    tokens: int
    rate: float
    seconds: float
    teacher_seconds: float
    arms: dict[str, ArmStep]

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)
