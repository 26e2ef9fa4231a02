"""Quality of a masked language model: on held-out documents, and on everyday sentences.

Held-out accuracy flatters small models (many masked tokens are "the" and "of"), so meaning is measured separately: see
`cloze.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import BertModel, PreTrainedModel, PreTrainedTokenizerBase

from core.build.text.encoding import Batch, batches
from core.measure.calibration import binned
from core.models.families import apply_head
from core.theory.attention import attention_distance, attention_entropy

Scorer = Callable[[Batch], Tensor]
"""Logits at the selected positions of a batch, `[selected, vocabulary]`."""


@dataclass(frozen=True)
class HeldOut:
    """Means over the masked positions of held-out documents: loss in nats, accuracies as shares of one.

    Attributes:
        ece: expected calibration error, see `core.measure.calibration`.
        curve: the calibration curve: [mean confidence, accuracy, positions] for each tenth of the confidence that occurs.
    """

    loss: float
    top1: float
    top5: float
    positions: int
    ece: float
    curve: list[list[float]]


def scorer(model: PreTrainedModel) -> Scorer:
    """The model's own logits."""

    @torch.no_grad()
    def score(batch: Batch) -> Tensor:
        hidden = model.base_model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
        return apply_head(model, hidden[batch.labels >= 0], is_last=True)

    return score


def unigram_scorer(log_unigram: Tensor) -> Scorer:
    """The baseline that knows only how frequent each token is, `[vocabulary]`."""
    return lambda batch: log_unigram.expand(int((batch.labels >= 0).sum()), -1)


def _masked(
    tokenizer: PreTrainedTokenizerBase, sequences: list[np.ndarray], most: int, seed: int = 0
) -> Iterator[Batch]:
    """Batches of up to `most` random sequences in which at least one token is masked; the draws depend on `seed` only."""
    rng = np.random.default_rng(seed)
    chosen = [sequences[i] for i in rng.permutation(len(sequences))[:most]]
    for batch in batches(chosen, tokenizer, tokens=2048, seed=seed, probability=0.15):
        if (batch.labels >= 0).any():
            yield batch


def held_out(
    score: Scorer, tokenizer: PreTrainedTokenizerBase, sequences: list[np.ndarray], most: int, seed: int = 0
) -> HeldOut:
    """Mask 15 % of up to `most` sequences, one draw by `seed`, 80/10/10, and score the selected positions."""
    loss = top5 = total = 0.0
    confidence, right = [], []
    for batch in _masked(tokenizer, sequences, most, seed):
        labels = batch.labels[batch.labels >= 0]
        logits = score(batch)
        best = logits.topk(5).indices == labels[:, None]  # [selected, 5]
        loss += float(F.cross_entropy(logits, labels, reduction="sum"))
        confidence.append(logits.softmax(-1).amax(-1))
        right.append(best[:, 0])
        top5 += float(best.any(-1).sum())
        total += len(labels)
    found = binned(torch.cat(confidence), torch.cat(right))
    curve = [
        [float(found.confidence[i]), float(found.accuracy[i]), int(found.count[i])]
        for i in range(len(found.count))
        if found.count[i]
    ]
    top1 = float(torch.cat(right).float().mean())
    return HeldOut(loss / total, top1, top5 / total, int(total), found.ece, curve)


def agreement(
    teacher: PreTrainedModel,
    student: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    sequences: list[np.ndarray],
    most: int,
) -> tuple[float, float]:
    """Share of held-out positions at which the student's top-1 prediction is the teacher's, and KL(teacher ‖ student)
    in nats."""
    teach, learn = scorer(teacher), scorer(student)
    same = divergence = total = 0.0
    for batch in _masked(tokenizer, sequences, most):
        taught, learned = teach(batch), learn(batch)
        same += float((taught.argmax(-1) == learned.argmax(-1)).sum())
        log_t, log_s = F.log_softmax(taught, -1), F.log_softmax(learned, -1)
        divergence += float(F.kl_div(log_s, log_t, reduction="sum", log_target=True))
        total += len(taught)
    return same / total, divergence / total


@dataclass(frozen=True)
class Attention:
    """Statistics of a model's attention, as means over queries, and its overlap with another's; all `[layer, head]`.

    Attributes:
        entropy: in nats.
        distance: Σ a·|i − j| in tokens.
        overlap: Σ min(a, b) with the other model's pattern, 1 if they are the same.
    """

    entropy: list[list[float]]
    distance: list[list[float]]
    overlap: list[list[float]]


@torch.no_grad()
def attention(model: BertModel, original: BertModel, sequences: list[np.ndarray]) -> Attention:
    """Compare the attention of a trained model with that of the encoder that it was made from, on whole sequences.

    A head that training has killed spreads its weight evenly (entropy near ln of the length) or has forgotten its pattern.
    """
    sums = torch.zeros(3, model.config.num_hidden_layers, model.config.num_attention_heads)
    queries = 0
    for row in sequences:
        ids = torch.from_numpy(row.astype(np.int64))[None]
        ours, theirs = (torch.cat(_attentions(encoder, ids)) for encoder in (model, original))
        for i, each in enumerate(
            (attention_entropy(ours), attention_distance(ours), torch.minimum(ours, theirs).sum(-1))
        ):
            sums[i] += each.sum(-1)
        queries += ids.shape[1]
    return Attention(*(sums / queries).tolist())


def _attentions(encoder: BertModel, ids: Tensor) -> tuple[Tensor, ...]:
    """Attention probabilities, `[1, head, query, key]` for each layer."""
    before = encoder.config._attn_implementation
    encoder.set_attn_implementation("eager")  # fused attention returns no probabilities
    try:
        return encoder(ids, output_attentions=True).attentions
    finally:
        encoder.set_attn_implementation(before)
