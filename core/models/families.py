"""What differs between the Transformer families that the lab can open: where their parts are."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from torch import Tensor, nn


@dataclass(frozen=True)
class Family:
    """Where a family keeps its parts, as paths in the module tree.

    Attributes:
        head: the modules that turn the last hidden state into logits, in order; they are skipped where absent.
        final_norm: the layer norm after the last layer (pre-norm models), which a logit lens must apply first.
        position: the module whose output carries position: a learned table, or rotary angles.
        attention_output: ends the path of the projection W_O.
        causal: whether the model reads left to right only.
    """

    head: tuple[str, ...]
    position: str
    attention_output: str
    final_norm: str | None = None
    causal: bool = False


_BERT_LIKE = {"position": "embeddings.position_embeddings", "attention_output": "attention.output.dense"}

FAMILIES: dict[str, Family] = {
    "bert": Family(head=("cls",), **_BERT_LIKE),
    "roberta": Family(head=("lm_head",), **_BERT_LIKE),
    "electra": Family(head=("generator_predictions", "generator_lm_head"), **_BERT_LIKE),
    "mobilebert": Family(head=("cls",), **_BERT_LIKE),
    "albert": Family(
        head=("predictions",), position="embeddings.position_embeddings", attention_output="attention.dense"
    ),
    "distilbert": Family(
        head=("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
        position="embeddings.position_embeddings",
        attention_output="attention.out_lin",
    ),
    "modernbert": Family(
        head=("head", "decoder"), position="rotary_emb", attention_output="attn.Wo", final_norm="model.final_norm"
    ),
    "gpt2": Family(
        head=("lm_head",),
        position="wpe",
        attention_output="attn.c_proj",
        final_norm="transformer.ln_f",
        causal=True,
    ),
    "llama": Family(
        head=("lm_head",),
        position="rotary_emb",
        attention_output="self_attn.o_proj",
        final_norm="model.norm",
        causal=True,
    ),
}
"""The families by `config.model_type`."""


def family_of(model: nn.Module) -> Family:
    """The family of a loaded model."""
    return FAMILIES[model.config.model_type]


def has_vocabulary_head(model: nn.Module) -> bool:
    """Whether the model predicts words: an encoder opened without its head does not, nor one with another head."""
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
