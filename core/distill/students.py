"""Students: some layers of the teacher, or a fresh and smaller model; both open in plain transformers once saved.

For example:

    student = from_layers(teacher, (1, 3, 5))
    tiny = fresh(teacher, "single_label", layers=2, width=128, heads=2, labels=16)
    save(tiny, folder, tokenizer)
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertConfig, PreTrainedConfig, PreTrainedModel

from core.distill.heads import check_heads, switch_off
from core.distill.inputs.texts import Task
from core.distill.inputs.words import whole_state, whole_table
from core.distill.objectives.layer_maps import by_hand
from core.errors import LabError
from core.files import writing
from core.models.building import ONE_AT_A_TIME
from core.models.families import FAMILIES, at_layer, is_uneven
from core.models.loading import class_for, open_checkpoint
from core.trace.observe import ATTENTION

WIDE, WIDE_SPREAD = 768, 0.02
"""BERT's width, and the standard deviation of its weights at the start (Devlin et al. 2019's code, `initializer_range`)."""

WORD_SPREAD = 0.1
"""The standard deviation of word embeddings taken from the teacher: a word's meaning should outweigh its position."""


def from_layers(
    teacher: PreTrainedModel, layers: Sequence[int], heads_off: Collection[tuple[int, int]] = ()
) -> PreTrainedModel:
    """A model of the teacher's embeddings, the chosen layers (counted from 0, in this order) and the teacher's head.

    Its configuration holds its number of layers, so it reloads at the right depth. ALBERT shares one layer among all: there
    only the number of layers counts.

    Args:
        heads_off: attention heads that stay silent, also in training, as (layer, head) of the teacher; see
            `core.distill.heads`. Those of layers that are not chosen are gone with them.

    Raises:
        LabError: `bad_layers`, `bad_heads`; `not_bert_like` if heads are to be silenced in another kind of model.
    """
    depth = teacher.config.num_hidden_layers
    chosen = by_hand(layers, depth)
    check_heads(heads_off, depth, teacher.config.num_attention_heads)
    config = copy.deepcopy(teacher.config)
    config.num_hidden_layers = len(chosen)
    if isinstance(getattr(config, "layer_types", None), list):  # ModernBERT and Llama name the kind of each layer
        config.layer_types = [teacher.config.layer_types[layer] for layer in chosen]
    config._attn_implementation = ATTENTION
    with ONE_AT_A_TIME:
        student = type(teacher)(config)
    weights = {}
    for name, tensor in whole_state(teacher).items():
        if (place := at_layer(name)) is not None:
            before, number, after = place
            if number not in chosen:
                continue
            name = f"{before}.{chosen.index(number)}.{after}"
        weights[name] = tensor
    differing = student.load_state_dict(weights, strict=False)
    # Where the lowest layer alone lacks a weight (ModernBERT), whichever comes to lie there loses or gets one.
    odd = [name for name in (*differing.missing_keys, *differing.unexpected_keys) if not is_uneven(name)]
    if odd:
        raise ValueError(f"The layers of {name_of(teacher)} differ in {odd[0]}.")
    if heads_off:
        places = {layer: place for place, layer in enumerate(chosen)}
        silent = {
            places[layer]: [head for at, head in heads_off if at == layer] for layer, _ in heads_off if layer in places
        }
        switch_off(student, silent)
    return student.to(next(teacher.parameters()).device)


def fresh(
    teacher: PreTrainedModel,
    task: Task,
    layers: int,
    width: int,
    heads: int,
    labels: int | None = None,
    feed_forward: int | None = None,
    longest: int = 512,
    dropout: float = 0.1,
    seed: int = 0,
    words: Literal["random", "teacher"] = "random",
) -> PreTrainedModel:
    """A BERT of random weights with the teacher's vocabulary.

    Args:
        teacher: gives the vocabulary, and the number and names of labels if `labels` is None.
        labels: how many classes (or independent labels).
        feed_forward: the inner width of a layer; four times `width` if None.
        longest: rows of the position table.
        seed: the same seed gives the same weights.
        words: "teacher" starts from the teacher's word embeddings, seen along their `width` widest directions (principal
            components), so that words which the teacher holds for alike are alike from the first step on.

    Raises:
        LabError: `heads_do_not_divide`, `bad_shape`, or `zero_labels`.
    """
    if min(layers, width, heads) < 1:
        raise LabError("bad_shape", layers=layers, width=width, heads=heads)
    if width % heads:
        raise LabError("heads_do_not_divide", width=width, heads=heads)
    source = teacher.config
    config = BertConfig(
        vocab_size=source.vocab_size,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=feed_forward or 4 * width,
        max_position_embeddings=longest,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=source.pad_token_id,
        # A narrower model with BERT's 0.02 hands on hardly any signal; so a matrix keeps the gain that it has in BERT.
        initializer_range=WIDE_SPREAD * (WIDE / width) ** 0.5,
    )
    if task != "masked_words":
        count = source.num_labels if labels is None else labels
        if count < 1:
            raise LabError("zero_labels")
        config.num_labels = count
        if count == source.num_labels:
            config.id2label, config.label2id = dict(source.id2label), dict(source.label2id)
        if task != "token_labels":
            config.problem_type = f"{task}_classification"
    student = seeded(class_for(config, task), config, seed)
    if words == "teacher":
        table = student.get_input_embeddings().weight
        with torch.no_grad():
            table.copy_(principal_components(whole_table(teacher), width))
    return student


def seeded(kind: type[PreTrainedModel], config: PreTrainedConfig, seed: int) -> PreTrainedModel:
    """A model of this class with random weights, the same for the same seed, attending by the observed function."""
    config._attn_implementation = ATTENTION
    with ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(config)


def principal_components(table: Tensor, width: int) -> Tensor:
    """A table's rows in fewer dimensions that keep most of their differences, `[row, width]` (padded with zeros if wider).

    The rows are centred and scaled to a standard deviation of `WORD_SPREAD`.
    """
    centred = table.detach().float().cpu() - table.detach().float().cpu().mean(dim=0)
    # Eigenvectors come in rising order of their variance; their signs are arbitrary but the same on one machine.
    directions = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)[:, :width]
    found = centred @ directions
    found = F.pad(found, (0, width - found.shape[1]))
    return found * (WORD_SPREAD / found.std())


def open_for(source: str | Path, task: Task, device: str | torch.device = "cpu") -> PreTrainedModel:
    """Open a checkpoint, by its name or its folder, with the head of a task, which must be in its file.

    Raises:
        LabError: as `core.models.loading.open_checkpoint`; `untrained_head` if the head would be made up.
    """
    return open_checkpoint(source, head=task, device=device)


def refuse_untrained_head(teacher: nn.Module) -> None:
    """Refuse a teacher whose head was never trained: it would teach noise.

    transformers starts a bias at exactly 0 and any training moves it, so a head whose bias is all 0 is as it was made.

    Raises:
        LabError: `untrained_head`.
    """
    biases = {name for family in FAMILIES.values() for name in family.head_biases}
    for name, parameter in teacher.named_parameters():
        if name in biases and not parameter.any():
            raise LabError("untrained_head", name=name_of(teacher), weights=name)


def name_of(model: nn.Module) -> str:
    """Name of a model for a message: its folder's name, or its class."""
    return Path(getattr(model.config, "_name_or_path", "") or "").name or type(model).__name__


def save(student: PreTrainedModel, folder: str | Path, tokenizer=None) -> None:
    """Write a student so that plain transformers opens it, also in the middle of its training.

    Raises:
        LabError: `no_space` if the disk is full.
    """
    with writing(folder):
        student.save_pretrained(folder, state_dict=whole_state(student))
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)
