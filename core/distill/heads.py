"""Switching attention heads off for good, inside the weights.

For example:

    student = from_layers(teacher, (0, 2, 4))
    switch_off(student, {0: [3, 7]})           # heads 3 and 7 of the student's lowest layer

Plain transformers gives all layers the same number of heads and can cut none out (its `prune_heads` is gone since version 5). So
the head stays, and its numbers become zero: the rows of W_V that make its values (and their bias), and the columns of W_O that
read its context. Either zero alone silences it; both together keep it silent in training, since each is the factor that the
other's gradient is multiplied by, and weight decay leaves zero at zero. It costs as much time and memory as before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter

import torch
from torch import nn

from core.errors import LabError
from core.models.families import FAMILIES, bert_like, family_of
from core.numbering import written_pairs


def layers_of(model: nn.Module) -> nn.ModuleList:
    """The layers of a BERT-like encoder, from the lowest on.

    Raises:
        LabError: `not_bert_like`.
    """
    name = model.config.model_type
    if name not in bert_like():
        raise LabError("not_bert_like", family=name, known=", ".join(bert_like()))
    return attrgetter(FAMILIES[name].layers)(model.base_model)


@torch.no_grad()
def switch_off(model: nn.Module, heads: Mapping[int, Collection[int]]) -> None:
    """Make heads of a BERT-like encoder zero, in place.

    Args:
        heads: numbers of heads by layer, all counted from 0.

    Raises:
        LabError: `bad_heads` if a layer or head does not exist, or `not_bert_like`.
    """
    layers, family, count = layers_of(model), family_of(model), model.config.num_attention_heads
    for layer, chosen in heads.items():
        check_heads(((layer, head) for head in chosen), len(layers), count)
        value, output = (attrgetter(path)(layers[layer]) for path in (family.value, family.attention_output))
        width = value.out_features // count
        for head in chosen:
            rows = slice(head * width, (head + 1) * width)
            value.weight[rows] = 0
            value.bias[rows] = 0
            output.weight[:, rows] = 0


def check_heads(heads: Iterable[tuple[int, int]], layers: int, count: int) -> None:
    """Raise a `LabError` (`bad_heads`) for the first (layer, head) that a model of `layers` × `count` heads does not have."""
    for layer, head in heads:
        if not (0 <= layer < layers and 0 <= head < count):
            raise LabError("bad_heads", head=written_pairs([(layer, head)]), layers=layers, heads=count)
