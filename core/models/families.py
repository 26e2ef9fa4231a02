"""Differences between the Transformer families that the lab can open: one record of facts for each, and nowhere else.

Another family is one more record in `FAMILIES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from torch import Tensor, nn

from core.errors import LabError


def _pooled(model: nn.Module, state: Tensor) -> Tensor:
    """BERT: a pooler over the first position, then the classifier."""
    return model.classifier(model.base_model.pooler(state))


def _first_position(model: nn.Module, state: Tensor) -> Tensor:
    """DistilBERT: a hidden layer over the first position, then the classifier."""
    return model.classifier(model.pre_classifier(state[:, 0]).relu())


def _whole_state(model: nn.Module, state: Tensor) -> Tensor:
    """RoBERTa and ELECTRA: the classifier takes the first position itself."""
    return model.classifier(state)


@dataclass(frozen=True, kw_only=True)
class Family:
    """The facts of one family; paths are those of the module tree in transformers.

    Attributes:
        head: the modules that turn the last hidden state into logits over the vocabulary, in order; skipped where absent.
        head_biases: the last bias of each kind of head (vocabulary, classes), by its name from the model on.
        layers: the list of layers, from the base model on; None where all layers share one set of weights.
        uneven: what the names of weights contain that not every layer has; None if all layers have the same.
        word_embeddings, segment_embeddings: end the paths of these tables; None where the family has no segments.
        position: ends the path of the module whose output carries position: a learned table, or rotary angles.
        first_position: the row of the position table that the first token reads.
        value: the path of W_V inside a layer; None where a head's rows in it cannot be set to zero alone.
        attention_output: ends the path of W_O, also inside a layer.
        class_logits: turns the last hidden state `[text, position, width]` into logits `[text, class]`; None where that
            has not been needed.
        final_norm: the layer norm after the last layer (pre-norm models), which a logit lens must apply first.
        causal: whether the model reads left to right only.
    """

    head: tuple[str, ...]
    head_biases: tuple[str, ...]
    layers: str | None
    word_embeddings: str
    position: str
    attention_output: str
    segment_embeddings: str | None = None
    first_position: int = 0
    value: str | None = None
    class_logits: Callable[[nn.Module, Tensor], Tensor] | None = None
    final_norm: str | None = None
    uneven: str | None = None
    causal: bool = False

    @property
    def heads_can_be_off(self) -> bool:
        """True if single heads can be switched off inside the weights (`core.distill.heads`)."""
        return self.value is not None and self.layers is not None


_BERT_TABLES = {
    "word_embeddings": "embeddings.word_embeddings",
    "segment_embeddings": "embeddings.token_type_embeddings",
    "position": "embeddings.position_embeddings",
}
_BERT_LAYERS = {"layers": "encoder.layer", "attention_output": "attention.output.dense"}
_BERT_VALUE = {"value": "attention.self.value"}

FAMILIES: dict[str, Family] = {
    "bert": Family(
        head=("cls",),
        head_biases=("cls.predictions.bias", "classifier.bias"),
        class_logits=_pooled,
        **_BERT_TABLES,
        **_BERT_LAYERS,
        **_BERT_VALUE,
    ),
    "roberta": Family(
        head=("lm_head",),
        head_biases=("lm_head.bias", "classifier.out_proj.bias", "classifier.bias"),
        first_position=2,  # after the row of padding, which the code of fairseq put at 1
        class_logits=_whole_state,
        **_BERT_TABLES,
        **_BERT_LAYERS,
        **_BERT_VALUE,
    ),
    "electra": Family(
        head=("generator_predictions", "generator_lm_head"),
        head_biases=("generator_lm_head.bias", "classifier.out_proj.bias", "classifier.bias"),
        class_logits=_whole_state,
        **_BERT_TABLES,
        **_BERT_LAYERS,
        **_BERT_VALUE,
    ),
    "mobilebert": Family(
        head=("cls",),
        head_biases=("cls.predictions.bias", "classifier.bias"),
        **_BERT_TABLES,
        **_BERT_LAYERS,
    ),
    "albert": Family(
        head=("predictions",),
        head_biases=("predictions.bias", "classifier.bias"),
        layers=None,
        attention_output="attention.dense",
        **_BERT_TABLES,
    ),
    "distilbert": Family(
        head=("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
        head_biases=("vocab_projector.bias", "classifier.bias"),
        layers="transformer.layer",
        word_embeddings="embeddings.word_embeddings",
        position="embeddings.position_embeddings",
        value="attention.v_lin",
        attention_output="attention.out_lin",
        class_logits=_first_position,
    ),
    "modernbert": Family(
        head=("head", "decoder"),
        head_biases=("decoder.bias", "classifier.bias"),
        layers="layers",
        uneven="attn_norm",  # the lowest layer alone has no norm before its attention
        word_embeddings="embeddings.tok_embeddings",
        position="rotary_emb",
        attention_output="attn.Wo",
        final_norm="model.final_norm",
    ),
    "gpt2": Family(
        head=("lm_head",),
        head_biases=("classifier.bias",),
        layers="h",
        word_embeddings="wte",
        position="wpe",
        attention_output="attn.c_proj",
        final_norm="transformer.ln_f",
        causal=True,
    ),
    "llama": Family(
        head=("lm_head",),
        head_biases=(),
        layers="layers",
        word_embeddings="embed_tokens",
        position="rotary_emb",
        attention_output="self_attn.o_proj",
        final_norm="model.norm",
        causal=True,
    ),
}
"""The families by `config.model_type`."""


def family_of(model: nn.Module) -> Family:
    """The family of a loaded model.

    Raises:
        LabError: `unknown_family`.
    """
    return family_named(model.config.model_type)


def family_named(name: str) -> Family:
    """The family by its `config.model_type`.

    Raises:
        LabError: `unknown_family`.
    """
    if name not in FAMILIES:
        raise LabError("unknown_family", family=name, known=", ".join(FAMILIES))
    return FAMILIES[name]


def bert_like() -> list[str]:
    """The names of the families whose heads can be switched off inside the weights."""
    return [name for name, family in FAMILIES.items() if family.heads_can_be_off]


def at_layer(name: str) -> tuple[str, int, str] | None:
    """A weight's name cut at its layer: the list of layers, the layer from 0 on, the rest; None outside the layers."""
    lists = {re.escape(family.layers) for family in FAMILIES.values() if family.layers}
    found = re.fullmatch(rf"((?:.*\.)?(?:{'|'.join(sorted(lists))}))\.(\d+)\.(.*)", name)
    return (found[1], int(found[2]), found[3]) if found else None


def is_uneven(name: str) -> bool:
    """Return True if a weight of this name is one that not every layer of its family has."""
    return any(family.uneven and family.uneven in name for family in FAMILIES.values())


def has_vocabulary_head(model: nn.Module) -> bool:
    """Return True if the model predicts words: an encoder opened without its head does not, nor one with another head."""
    return hasattr(model, family_of(model).head[-1]) and model.get_output_embeddings() is not None


def apply_head(model: nn.Module, hidden: Tensor, is_last: bool) -> Tensor:
    """Logits over the vocabulary from any layer's hidden state: the logit lens (nostalgebraist 2020).

    Args:
        hidden: `[..., width]`.
        is_last: whether `hidden` is what the model itself hands to its head, which pre-norm models have normalised already.

    Returns:
        `[..., vocabulary]`.
    """
    family = family_of(model)
    if family.final_norm and not is_last:
        hidden = attrgetter(family.final_norm)(model)(hidden)
    for name in family.head:
        module = getattr(model, name, None)
        if module is not None:
            hidden = module(hidden)
    return hidden
