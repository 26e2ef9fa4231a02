"""Quality of a model on texts that it was not trained on, compared with the teacher's predictions for the same texts.

    held_out = Evaluator(texts, teacher)           # the teacher answers once
    held_out.scores(student).accuracy, held_out.scores(student).agreement

Calibration, latency and size are measured in `core.measure`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.distill.forward import FeatureRequest, asked_labels, forward, observed
from core.distill.inputs.texts import TokenizedTexts
from core.distill.objectives.losses import bernoulli_hard_loss, bernoulli_soft_loss, hard_loss, soft_loss
from core.theory.masking import IGNORED


@dataclass(frozen=True)
class Metrics:
    """Accuracy, loss and agreement with the teacher on a set of texts.

    Attributes:
        accuracy: the share of labelled rows (texts, tokens or masked words) whose class is right; for several labels at
            once, of single labels. NaN where nothing is labelled.
        loss: the hard loss in nats.
        agreement: the share of all rows where its prediction equals the teacher's; NaN without a teacher.
        divergence: KL(teacher ‖ model) at T = 1, the mean over rows, in nats; NaN without a teacher.
        rows: number of rows.
    """

    accuracy: float
    loss: float
    agreement: float
    divergence: float
    rows: int


class Evaluator:
    """Texts kept for measuring, in batches of like length.

    Args:
        texts: with labels; masked words are masked once, as in epoch 0.
        teacher: run once, if given.
        batch: texts in a batch.
        teacher_logits: the teacher's logits in place of the teacher, `[text, class]`; for tasks with one answer per text.
    """

    def __init__(
        self,
        texts: TokenizedTexts,
        teacher: nn.Module | None = None,
        batch: int = 64,
        teacher_logits: Tensor | None = None,
    ) -> None:
        self.texts = texts.at_epoch(0)
        self._batches = self.texts.lengths.argsort(stable=True).split(batch)
        self._teacher_logits: list[Tensor] | None = None
        if teacher_logits is not None:
            self._teacher_logits = [teacher_logits[rows] for rows in self._batches]
        elif teacher is not None:
            self._teacher_logits = self._answers(teacher)

    @property
    def of_teacher(self) -> Metrics | None:
        """The teacher's own scores, or None without one."""
        return None if self._teacher_logits is None else self._judged(self._teacher_logits)

    def scores(self, model: nn.Module) -> Metrics:
        """Run a model on all texts and score it. Its mode is restored afterwards."""
        return self._judged(self._answers(model))

    def _judged(self, answers: list[Tensor]) -> Metrics:
        correct = labelled = rows = agreed = 0
        loss = divergence = 0.0
        several = self.texts.task == "multi_label"
        for number, (chosen, logits) in enumerate(zip(self._batches, answers, strict=True)):
            labels = asked_labels(self.texts.batch(chosen), self.texts.task)
            known, said = labels >= 0, _said(logits, several)
            correct += int((said == labels)[known].sum())
            labelled += int(known.sum())
            rows += said.numel()
            if several:
                loss += float(bernoulli_hard_loss(logits, labels)) * int(known.any(dim=-1).sum())
            else:
                loss += float(hard_loss(logits, labels.where(known, IGNORED))) * int(known.sum())
            if self._teacher_logits is not None:
                teacher = self._teacher_logits[number]
                agreed += int((said == _said(teacher, several)).sum())
                kl = bernoulli_soft_loss if several else soft_loss
                divergence += float(kl(logits, teacher, reduction="sum"))
        items = sum(len(logits) for logits in answers)
        by_item = labelled / max(rows, 1) * items if several else labelled
        nothing = float("nan")
        return Metrics(
            accuracy=correct / labelled if labelled else nothing,
            loss=loss / by_item if labelled else nothing,
            agreement=agreed / max(rows, 1) if self._teacher_logits is not None else nothing,
            divergence=divergence / max(items, 1) if self._teacher_logits is not None else nothing,
            rows=rows,
        )

    def logits(self, model: nn.Module) -> Tensor:
        """Logits for each text in its order, `[text, class]`; for tasks with one answer per text."""
        if not self.texts.labels_by_text:
            raise ValueError("Only tasks with one answer a text have one row of logits a text.")
        joined = torch.cat(self._answers(model))
        inverse = torch.cat(self._batches).argsort()
        return joined[inverse]

    @torch.no_grad()
    def _answers(self, model: nn.Module) -> list[Tensor]:
        """Logits of each batch, on the CPU in float32."""
        was_training, device = model.training, next(model.parameters()).device
        observed(model).eval()
        try:
            return [
                forward(model, self.texts.batch(rows).to(device), self.texts.task, FeatureRequest(logits=True))
                .logits.float()
                .cpu()
                for rows in self._batches
            ]
        finally:
            model.train(was_training)


def _said(logits: Tensor, several: bool) -> Tensor:
    """The class with the largest logit, `[row]`; for several labels yes or no to each, `[row, label]`."""
    return (logits > 0).long() if several else logits.argmax(dim=-1)
