"""Sizes against a count by hand and against what torch really saves."""

from __future__ import annotations

import io

import pytest
import torch
from torch import nn

from core.measure import int8
from core.measure.sizes import sizes
from core.models import load


def saved(model) -> int:
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    return file.tell()


def test_by_hand():
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 6), nn.LayerNorm(6))
    found = sizes(model)
    assert found.parameters == 40 + 24 + 6 + 12 and found.linear == 24 and found.embedded == 40
    assert found.float32 == 4 * 82 and found.float16 == 2 * 82
    assert found.int8 == 4 * (82 - 24) + 24 + 4 * 6  # a byte a weight, and a factor for each of 6 rows
    assert found.megabytes("float16") == pytest.approx(164 / 1e6)
    assert found.embedded_share == pytest.approx(40 / 82)


def test_a_shared_matrix_counts_once_and_needs_a_copy_in_int8():
    table = nn.Embedding(10, 4)
    head = nn.Linear(4, 10, bias=False)
    head.weight = table.weight
    found = sizes(nn.ModuleList([table, head]))
    assert found.parameters == 40 and found.float32 == 160
    assert found.int8 == 160 + 40 + 4 * 10


@pytest.mark.parametrize("name", ["kinds-student", "minilm-student"])
def test_near_to_what_torch_saves(name):
    checkpoint = load(name, device="cpu")
    found = sizes(checkpoint.model)
    assert found.parameters == checkpoint.card.parameters
    small = saved(int8.quantized(checkpoint.model))
    assert found.int8 == pytest.approx(small, rel=0.02)  # torch keeps its factors in double precision, and a header
