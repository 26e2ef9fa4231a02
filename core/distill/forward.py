"""One forward pass that keeps what the losses need, and nothing else.

For example:

    needs = FeatureRequest(logits=True, scores=frozenset({1}))         # attention is only recorded where it is asked for
    features = forward(model, texts.batch(rows), "single_label", needs)
    features.logits, features.scores[1]
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, fields

import torch
from torch import Tensor, nn

from core.distill.inputs.texts import Batch, Task
from core.models.families import apply_head
from core.theory.masking import IGNORED
from core.trace.observe import ATTENTION, observing


@dataclass(frozen=True)
class FeatureRequest:
    """Features of a model that a set of losses reads. Layers count from 0; the embeddings are layer −1.

    Attributes:
        logits: the logits of the head.
        hidden: hidden states after these layers.
        cls: the same, of the first position only.
        scores: raw attention scores of these layers.
        values: value vectors of these layers.
    """

    logits: bool = False
    hidden: frozenset[int] = frozenset()
    cls: frozenset[int] = frozenset()
    scores: frozenset[int] = frozenset()
    values: frozenset[int] = frozenset()

    def __or__(self, other: FeatureRequest) -> FeatureRequest:
        return FeatureRequest(
            **{part.name: getattr(self, part.name) | getattr(other, part.name) for part in fields(self)}
        )

    def __bool__(self) -> bool:
        return any(getattr(self, part.name) for part in fields(self))


@dataclass
class Features:
    """Features of a batch from one forward pass; each part by layer, the embeddings being layer −1.

    Attributes:
        real: False for padding, `[text, position]`.
        logits: `[row, class]`; a row is a text, or a token to be predicted. None if not needed.
        hidden: `[text, position, width]`.
        cls: `[text, width]`.
        scores: q·k/√d_k before the mask, `[text, head, query, key]`.
        values: `[text, head, position, d]`.
    """

    real: Tensor
    logits: Tensor | None = None
    hidden: dict[int, Tensor] = field(default_factory=dict)
    cls: dict[int, Tensor] = field(default_factory=dict)
    scores: dict[int, Tensor] = field(default_factory=dict)
    values: dict[int, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """A model's depth, width and heads."""

    layers: int
    width: int
    heads: int


def shape_of(model: nn.Module) -> Shape:
    """The shape that a model's configuration states."""
    config = model.config
    return Shape(config.num_hidden_layers, config.hidden_size, config.num_attention_heads)


def observed(model: nn.Module) -> nn.Module:
    """The same model, attending by the observed function: as fast as before, and its attention can be recorded."""
    if model.config._attn_implementation != ATTENTION:
        model.set_attn_implementation(ATTENTION)
    return model


def asked_labels(batch: Batch, task: Task) -> Tensor:
    """The labels in the order of the rows of the logits: `[row]`, or `[row, label]` for several labels per text."""
    return batch.labels if task in ("single_label", "multi_label") else batch.labels[batch.labels != IGNORED]


def forward(model: nn.Module, batch: Batch, task: Task, needs: FeatureRequest) -> Features:
    """Run a model on a batch. For masked words only the masked positions go through the vocabulary head.

    Gradients flow unless the caller switches them off. Attention is recorded only if `needs` names a layer of it: elsewhere
    PyTorch's fused attention runs. The model must have been through `observed`.
    """
    inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    if batch.segments is not None and getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = batch.segments
    last = model.config.num_hidden_layers - 1
    states = needs.hidden | needs.cls
    words = task == "masked_words"
    # The encoder alone is enough where the head is asked at chosen positions, or not at all.
    bare = words or not needs.logits
    if not bare or states - {last}:
        inputs["output_hidden_states"] = bool(states)
    watched = bool(needs.scores or needs.values)
    with observing() if watched else nullcontext() as observation:
        output = model.base_model(**inputs) if bare else model(**inputs)

    features = Features(batch.real)
    hidden = (lambda layer: output.hidden_states[layer + 1]) if inputs.get("output_hidden_states") else None
    if states and hidden is None:
        hidden = lambda layer: output.last_hidden_state  # noqa: E731
    features.hidden = {layer: hidden(layer) for layer in needs.hidden}
    features.cls = {layer: hidden(layer)[:, 0] for layer in needs.cls}
    if watched:
        features.scores = {layer: observation.attention[layer].scores for layer in needs.scores}
        features.values = {layer: observation.attention[layer].value for layer in needs.values}
    if needs.logits and words:
        features.logits = apply_head(model, output.last_hidden_state[batch.labels != IGNORED], is_last=True)
    elif needs.logits:
        features.logits = output.logits[batch.labels != IGNORED] if task == "token_labels" else output.logits
    return features


@torch.no_grad()
def asked_states(model: nn.Module, batch: Batch) -> Tensor:
    """The last hidden state at the positions to be predicted, `[row, width]`: the input of the vocabulary head.

    A few hundred numbers are kept in place of the tens of thousands of logits that `apply_head` computes from them.
    """
    output = model.base_model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    return output.last_hidden_state[batch.labels != IGNORED]
