"""A model to cut: its held-out sample, its hidden states after each layer, and the predictions of any cut of it.

opened = Table(checkpoint, engine.turn)
answers = opened.answered(opened.through(2, opened.states[2], off=[5]))      # layers 0 to 2, head 5 of layer 2 off
opened.judged(answers).rise                                                   # of the loss, with its standard error
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers.masking_utils import create_bidirectional_mask

from core.data.kinds import definitions
from core.distill.heads import layers_of
from core.distill.inputs.encoding import encode, masked
from core.distill.inputs.texts import Batch
from core.measure.verdict import Comparison, over_texts
from core.models import Checkpoint
from core.models.families import apply_head, family_of
from core.theory.masking import IGNORED
from core.trace.interventions import AblateHead
from core.trace.observe import observing

TEXTS = {"words": 32, "kinds": 40}
"""Texts that a model is measured on, by its task: a click must show its cost within a second."""

BATCHES = 4
"""Texts of like length are computed together: padding costs as much as words do."""

MASK_SEED = 0


@dataclass(frozen=True)
class Mean:
    """A mean over the sample with its standard error, over texts: words of one text are not independent.

    Attributes:
        texts: number of texts of the mean.
    """

    mean: float
    error: float
    texts: int

    @property
    def change(self) -> Comparison:
        """The verdict on it as a change of the loss: the model with a part missing compared with the full one."""
        return over_texts(self.mean, self.error, self.texts, smaller_is_better=True)


@dataclass(frozen=True)
class Answers:
    """A model's results on the sample's questions: one masked word each, or one text each.

    Attributes:
        loss: −ln of the right answer's probability, in nats, `[question]`.
        rank: number of answers with a larger logit than the right one, `[question]`.
        divergence: KL(full model ‖ this model) in nats, `[question]`.
    """

    loss: Tensor
    rank: Tensor
    divergence: Tensor


@dataclass(frozen=True)
class Cost:
    """A cut model on the sample.

    Attributes:
        loss, top1, top5, divergence: of the cut model.
        rise: of the loss over the full model's, question by question, which is far less noisy than either loss.
        answers: the results behind the means.
    """

    loss: Mean
    top1: Mean
    top5: Mean
    divergence: Mean
    rise: Mean
    answers: Answers


class Table:
    """One model with its sample. Its methods run the model; callers take turns, see `Engine.turn`.

    Attributes:
        texts, questions: their numbers.
        states: the full model's hidden states by layer, the embeddings first, by batch: `[text, position, width]` each.
        answers: the full model's.
    """

    def __init__(self, checkpoint: Checkpoint, turn: Callable) -> None:
        self.model, self.words = checkpoint.model, checkpoint.predicts_words
        self.layers = layers_of(self.model)
        self.heads = self.model.config.num_attention_heads
        rows = definitions("validation")[: TEXTS["words" if self.words else "kinds"]]
        lines = [row.text for row in rows]
        if self.words:
            sample = masked(checkpoint.tokenizer, lines, seed=MASK_SEED).at_epoch(0)
        else:
            sample = encode(checkpoint.tokenizer, lines, [row.kind for row in rows])
        order = sample.lengths.argsort(stable=True).chunk(BATCHES)
        self.batches = [sample.batch(part).to(checkpoint.device) for part in order]
        asked = sample.asked[torch.cat(order)]
        self.owner = torch.repeat_interleave(torch.arange(len(asked)), asked)  # the text of each question, [question]
        self.texts, self.questions = len(lines), len(self.owner)
        self.typical = sample.batch(order[BATCHES // 2][:1]).to(checkpoint.device)
        self._truth = torch.cat([self._labels(batch) for batch in self.batches])
        self._whole: Tensor | None = None  # the full model's probabilities, [question, answer]
        with turn():
            self.states = [self.embedded(self.batches)]
        for layer in range(len(self.layers)):
            with turn():
                self.states.append(self.through(layer, self.states[-1]))
        with turn():
            self.answers = self.answered(self.states[-1])

    def _labels(self, batch: Batch) -> Tensor:
        return batch.labels[batch.labels != IGNORED] if self.words else batch.labels

    @torch.no_grad()
    def embedded(self, batches: Sequence[Batch]) -> list[Tensor]:
        """Input of the lowest layer: embeddings, `[text, position, width]` per batch."""
        base = self.model.base_model
        widen = getattr(base, "embeddings_project", _unchanged)  # ELECTRA's embeddings may be narrower than its layers
        return [widen(base.embeddings(input_ids=batch.input_ids)) for batch in batches]

    @torch.no_grad()
    def through(
        self, layer: int, states: list[Tensor], off: Sequence[int] = (), batches: Sequence[Batch] | None = None
    ) -> list[Tensor]:
        """One layer, with some of its heads off, applied to the hidden states of all batches."""
        silent = [AblateHead(0, head) for head in off]  # the observed model has one layer, its layer 0
        after = []
        for batch, state in zip(batches or self.batches, states, strict=True):
            mask = create_bidirectional_mask(self.model.config, state, batch.attention_mask)
            with observing(silent) if silent else nullcontext():
                output = self.layers[layer](state, attention_mask=mask)
            after.append(output[0] if isinstance(output, tuple) else output)
        return after

    @torch.no_grad()
    def logits(self, states: list[Tensor], batches: Sequence[Batch] | None = None) -> Tensor:
        """Logits of the model's head for last-layer states at the questions, `[question, answer]`, on the CPU in float32."""
        if self.words:
            asked = [
                state[batch.labels != IGNORED] for batch, state in zip(batches or self.batches, states, strict=True)
            ]
            return apply_head(self.model, torch.cat(asked), is_last=True).float().cpu()
        return torch.cat([family_of(self.model).class_logits(self.model, state) for state in states]).float().cpu()

    def answered(self, states: list[Tensor]) -> Answers:
        """Loss, rank and divergence of the predictions from these hidden states of the last layer."""
        logits = self.logits(states)
        log = logits.log_softmax(-1)
        if self._whole is None:
            self._whole = log.exp()
            self._certainty = (self._whole * log).sum(-1)  # Σ p ln p
        truth = self._truth.cpu()[:, None]
        return Answers(
            loss=-log.gather(1, truth)[:, 0],
            rank=(logits > logits.gather(1, truth)).sum(1),
            divergence=(self._certainty - (self._whole * log).sum(-1)).clamp(min=0),
        )

    def mean(self, values: Tensor) -> Mean:
        """The mean of `[question]` and its standard error, taking all words of a text together."""
        values = values.double()
        centre = values.mean()
        by_text = torch.zeros(self.texts, dtype=torch.float64).index_add(0, self.owner, values - centre)
        asked = int(self.owner.unique().numel())
        spread = (by_text.square().sum() * asked / max(asked - 1, 1)).sqrt()
        return Mean(float(centre), float(spread) / len(values), asked)

    def judged(self, answers: Answers) -> Cost:
        """Means of a cut model's results, with their standard errors."""
        return Cost(
            loss=self.mean(answers.loss),
            top1=self.mean((answers.rank < 1).double()),
            top5=self.mean((answers.rank < 5).double()),
            divergence=self.mean(answers.divergence),
            rise=self.mean(answers.loss.double() - self.answers.loss.double()),
            answers=answers,
        )


def _unchanged(state: Tensor) -> Tensor:
    return state
