"""Settings of a training and the measurements of its steps, as plain data.

For example:

    training = TrainingConfig(steps=300, learning_rate=2e-3)
    training.rate_at(0), training.rate_at(299)          # it rises, then falls
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

BOUND = 512 * 1024**2
"""Bytes of teacher's answers kept in memory; what does not fit goes to disk."""

Precision = Literal["auto", "float32", "mixed", "bfloat16", "float16"]

COMPUTED_IN: dict[Precision, torch.dtype | None] = {
    "float32": None,
    "mixed": torch.bfloat16,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""Number type of matrix products, whatever the device; None for the weights' own type."""


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training, the same for all arms.

    Attributes:
        steps: optimizer steps in all.
        batch_size: texts in a batch.
        batch_tokens: if given, tokens in a batch in place of `batch_size` texts.
        learning_rate: peak learning rate of AdamW; it rises over the first `warmup` of the steps and then falls linearly to 0.
        weight_decay: on matrices, not on embeddings, biases and layer norms.
        max_grad_norm: largest length of the gradient.
        dropout: whether the students drop out. Short runs on few texts learn faster without.
        train_embeddings: "in_use" trains the word embeddings that occur in the texts (see
            `core.distill.inputs.words`), "all" every row, "frozen" none.
        precision: "bfloat16" and "float16" compute the matrix products in that type and keep weights, losses and optimizer in
            float32 (Micikevicius et al. 2018, Mixed Precision Training, section 3); "mixed" is bfloat16. float16 ends at 65,504
            and 6e-8, so its loss is scaled before the gradient is taken. "auto" is bfloat16 on a CUDA GPU that computes in
            it, else float32: on a CPU bfloat16 speeds up a wide model (if the CPU has AMX) and slows down a tiny one.
        seed: decides the order of the texts, the projections and what is dropped out.
        cache_bytes: teacher's answers kept in memory; the rest is on disk.
    """

    steps: int
    batch_size: int = 32
    batch_tokens: int | None = None
    learning_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    max_grad_norm: float = 1.0
    dropout: bool = False
    train_embeddings: Literal["in_use", "all", "frozen"] = "in_use"
    precision: Precision = "auto"
    seed: int = 0
    cache_bytes: int = BOUND

    def autocast(self, device: torch.device) -> torch.dtype | None:
        """The precision of matrix products on a device, or None for the weights' own."""
        if self.precision == "auto":
            has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
            return torch.bfloat16 if has_bfloat16 else None
        return COMPUTED_IN[self.precision]

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        warm = max(1, round(self.warmup * self.steps))
        return self.learning_rate * min((step + 1) / warm, (self.steps - step) / max(1, self.steps - warm), 1.0)


@dataclass(frozen=True)
class ArmStep:
    """Measurements of one step of one student.

    Attributes:
        loss: the weighted sum.
        terms: each loss by name, not weighted.
        gradient: the gradient's length before it was clipped. It is not finite where a float16 gradient overflowed: that arm
            then skipped the step.
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
