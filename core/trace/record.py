"""One observed forward pass as plain arrays: every intermediate, on the CPU."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.errors import LabError
from core.theory.attention import scaled_dot_product_attention
from core.trace.interventions import AblateHead, Intervention, UniformAttention, validate
from core.trace.observe import AttentionRecord, Observation, observing

if TYPE_CHECKING:
    from core.models import Checkpoint

MAX_TOKENS = 128
"""Tokens that a trace keeps by default: what a browser can draw and two cores compute in a blink."""


@dataclass(frozen=True)
class Tokens:
    """A text as a model reads it.

    Attributes:
        pieces: the word pieces as written in the vocabulary, one per position.
        ids: `[position]`.
        segments: 0 for the first text, 1 for the second, `[position]`.
        word_ids: the word that each position belongs to within its text, -1 for special tokens, `[position]`.
        special: True for [CLS], [SEP] and their like, `[position]`.
        unknown: how many positions are [UNK].
        total: tokens that the whole text would have taken; more than `len(pieces)` if it was cut.
    """

    pieces: tuple[str, ...]
    ids: Tensor
    segments: Tensor
    word_ids: Tensor
    special: Tensor
    unknown: int
    total: int

    @property
    def truncated(self) -> bool:
        """True if the text was longer than what was kept."""
        return self.total > len(self.pieces)

    def with_ids(self, checkpoint: Checkpoint, ids: Tensor) -> Tokens:
        """The same positions with other tokens at them: masked, swapped or shuffled, `[position]`."""
        pieces = tuple(checkpoint.tokenizer.convert_ids_to_tokens(ids.tolist()))
        return Tokens(pieces, ids, self.segments, self.word_ids, self.special, self.unknown, self.total)


def tokenize(checkpoint: Checkpoint, text: str, text_pair: str | None = None, longest: int = MAX_TOKENS) -> Tokens:
    """Split a text (or a pair) into the model's tokens and cut it at `longest`.

    Raises:
        LabError: `empty_text` if nothing readable is left of it.
    """
    tokenizer = checkpoint.tokenizer
    longest = min(longest, checkpoint.longest)
    whole = tokenizer(text, text_pair or None, return_special_tokens_mask=True, verbose=False)
    if all(whole["special_tokens_mask"]) and tokenizer.unk_token_id not in whole["input_ids"]:
        raise LabError("empty_text")
    encoding = tokenizer(
        text,
        text_pair or None,
        truncation=True,
        max_length=longest,
        return_special_tokens_mask=True,
        return_token_type_ids=True,
    )
    ids = encoding["input_ids"]
    special_ids = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id, tokenizer.mask_token_id}
    return Tokens(
        pieces=tuple(tokenizer.convert_ids_to_tokens(ids)),
        ids=torch.tensor(ids),
        segments=torch.tensor(encoding["token_type_ids"]),
        word_ids=torch.tensor([-1 if word is None else word for word in encoding.word_ids()]),
        special=torch.tensor([token in special_ids for token in ids]),
        unknown=ids.count(tokenizer.unk_token_id) if tokenizer.unk_token_id is not None else 0,
        total=len(whole["input_ids"]),
    )


@dataclass(frozen=True)
class Embeddings:
    """Parts of the first layer's input; a part that the family lacks is None. Each `[position, width]`."""

    word: Tensor | None
    position: Tensor | None
    segment: Tensor | None
    total: Tensor
    """The normalised sum: the input of the first layer."""


@dataclass(frozen=True, kw_only=True)
class LayerTrace(AttentionRecord):
    """One layer, head by head: its attention on one text, without a batch axis, and what comes out of it.

    Attributes:
        hidden: what the layer hands on, `[position, width]`.
    """

    hidden: Tensor


@dataclass(frozen=True)
class Facts:
    """Circumstances of a trace: checkpoint, device, number type, seconds of computing and interventions."""

    checkpoint: str
    device: str
    dtype: str
    seconds: float
    truncated: bool
    interventions: tuple[Intervention, ...]


@dataclass(frozen=True)
class Trace:
    """Every intermediate of one forward pass over one text, as CPU tensors."""

    tokens: Tokens
    embeddings: Embeddings
    layers: tuple[LayerTrace, ...]
    logits: Tensor | None
    """`[position, vocabulary]`, or None for a model without a vocabulary head."""
    facts: Facts
    class_logits: Tensor | None = None
    """`[class]`, or None for a model that does not classify texts."""

    @cached_property
    def probabilities(self) -> Tensor:
        """All attention patterns, `[layer, head, query, key]`."""
        return torch.stack([layer.probabilities for layer in self.layers])

    @cached_property
    def hidden(self) -> Tensor:
        """The embeddings and each layer's output, `[layer + 1, position, width]`."""
        return torch.stack([self.embeddings.total, *(layer.hidden for layer in self.layers)])

    @property
    def size_bytes(self) -> int:
        """Memory held by the trace's tensors."""
        parts = [self.logits, self.class_logits, *vars(self.embeddings).values()]
        for layer in self.layers:
            parts += vars(layer).values()
        return sum(part.nbytes for part in parts if isinstance(part, Tensor))

    def check(self) -> float:
        """Recompute softmax(QKᵀ·scale + mask)V from what was recorded; return the largest difference from what the model used.

        In double precision, so that what remains is the model's own rounding; relative to the largest value of each kind
        where that exceeds 1.

        Heads that an intervention took out of the formula are compared where the formula still holds: a uniform head by
        Σ a·v, an ablated one not at all.
        """
        return self._worst_difference

    @cached_property
    def _worst_difference(self) -> float:
        worst = 0.0
        for index, layer in enumerate(self.layers):
            mask = None if layer.mask is None else layer.mask.double()
            inputs = (layer.query.double(), layer.key.double(), layer.value.double())
            again = scaled_dot_product_attention(*inputs, mask, layer.scale)
            uniform, ablated = self._changed_heads(index)
            kept = [head for head in range(len(layer.query)) if head not in uniform | ablated]
            pairs = [
                (again.scores, layer.scores),
                (again.probabilities[kept], layer.probabilities[kept]),
                (again.context[kept], layer.context[kept]),
            ]
            for head in uniform - ablated:
                pairs.append((layer.probabilities[head] @ layer.value[head], layer.context[head]))
            for ours, theirs in pairs:
                if ours.numel():
                    worst = max(worst, float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1)))
        return worst

    def _changed_heads(self, layer: int) -> tuple[set[int], set[int]]:
        uniform, ablated = set(), set()
        for intervention in self.facts.interventions:
            if getattr(intervention, "layer", None) not in (None, layer):
                continue
            if isinstance(intervention, AblateHead):
                ablated.add(intervention.head)
            elif isinstance(intervention, UniformAttention):
                heads = range(len(self.layers[layer].query)) if intervention.head is None else [intervention.head]
                uniform.update(heads)
        return uniform, ablated


def trace(
    checkpoint: Checkpoint,
    text: str,
    text_pair: str | None = None,
    interventions: Sequence[Intervention] = (),
    longest: int = MAX_TOKENS,
) -> Trace:
    """Run a text through a model and keep everything.

    Args:
        checkpoint: from `core.models.load`.
        text: cut at `longest` tokens (see `Trace.facts.truncated`).
        text_pair: a second text, for models that take two.
        interventions: what to break or change, see `core.trace.interventions`.

    Raises:
        LabError: `empty_text`, or `bad_intervention` if one does not fit the model and the text.
    """
    return trace_tokens(checkpoint, tokenize(checkpoint, text, text_pair, longest), interventions)


@torch.no_grad()
def trace_tokens(checkpoint: Checkpoint, tokens: Tokens, interventions: Sequence[Intervention] = ()) -> Trace:
    """Like `trace`, for tokens already made, some of them perhaps masked or swapped."""
    config = checkpoint.model.config
    validate(interventions, config.num_hidden_layers, config.num_attention_heads, len(tokens.ids))
    inputs = {"input_ids": tokens.ids[None].to(checkpoint.device)}
    if getattr(config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = tokens.segments[None].to(checkpoint.device)
    started = time.perf_counter()
    with observing(interventions) as observation:
        output = checkpoint.model(
            **inputs, attention_mask=torch.ones_like(inputs["input_ids"]), output_hidden_states=True
        )
    if checkpoint.device.type != "cpu":
        torch.accelerator.synchronize(checkpoint.device)  # until then a GPU has only been told what to do
    seconds = time.perf_counter() - started

    hidden = [_plain(state[0]) for state in output.hidden_states]
    logits = _plain(output.logits[0]) if checkpoint.predicts_words else None
    class_logits = _plain(output.logits[0]) if checkpoint.classes else None
    layers = tuple(map(_layer, observation.attention, hidden[1:]))
    facts = Facts(
        checkpoint=checkpoint.card.name,
        device=str(checkpoint.device),
        dtype=str(checkpoint.dtype).removeprefix("torch."),
        seconds=seconds,
        truncated=tokens.truncated,
        interventions=tuple(interventions),
    )
    return Trace(tokens, _embeddings(observation, hidden[0]), layers, logits, facts, class_logits)


def _plain(tensor: Tensor) -> Tensor:
    return tensor.to("cpu", torch.float32)


def _first(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else _plain(tensor[0])


def _layer(record: AttentionRecord, hidden: Tensor) -> LayerTrace:
    return LayerTrace(
        query=_plain(record.query[0]),
        key=_plain(record.key[0]),
        value=_plain(record.value[0]),
        scores=_plain(record.scores[0]),
        mask=None if record.mask is None else _plain(record.mask[0, 0]),
        scale=record.scale,
        probabilities=_plain(record.probabilities[0]),
        context=_plain(record.context[0]),
        attention_output=_first(record.attention_output),
        hidden=hidden,
    )


def _embeddings(observation: Observation, total: Tensor) -> Embeddings:
    return Embeddings(_first(observation.word), _first(observation.position), _first(observation.segment), total)
