"""int8: the weights and the products by formula, and the model that stays as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.measure import int8
from core.models.families import apply_head

pytestmark = pytest.mark.skipif(not int8.available(), reason="this build of torch has no int8 kernels")


def rounded_rows(weight):
    """Each row in 255 equal steps around zero, the largest number at the end: symmetric, per channel."""
    scale = weight.abs().amax(dim=1, keepdim=True) / 127.5
    return (weight / scale).round().clamp(-128, 127) * scale


def rounded_input(x):
    """Seven bits (on ARM eight) between the smallest and the largest number of the whole input, zero among them."""
    steps = 255 if int8.kernels() == "qnnpack" else 127
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = (high - low) / steps
    zero = round(-low / scale)
    return ((x / scale).round() + zero).clamp(0, steps).sub(zero) * scale


def test_a_linear_layer_is_what_the_formula_says():
    torch.manual_seed(0)
    layer, x = nn.Linear(64, 32), torch.randn(5, 64)
    small = int8.quantized(nn.Sequential(layer))
    expected = F.linear(rounded_input(x), rounded_rows(layer.weight), layer.bias)
    found = small(x)
    assert torch.allclose(found, expected, atol=2e-3)
    assert not torch.allclose(found, layer(x), atol=1e-4)
    assert torch.allclose(found, layer(x), atol=0.1)


def test_the_model_itself_stays_as_it_was(tiny):
    model = tiny("bert").model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    small = int8.quantized(model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(isinstance(module, nn.Linear) for module in small.modules())
    assert any(isinstance(module, nn.Embedding) for module in small.modules())
    hidden = torch.randn(3, 32)
    with torch.inference_mode():
        near, exact = apply_head(small, hidden, True), apply_head(model, hidden, True)
    assert near.shape == exact.shape and torch.corrcoef(torch.stack((near.flatten(), exact.flatten())))[0, 1] > 0.99


def test_no_warning_reaches_the_learner(tiny, recwarn):
    int8.quantized(tiny("bert").model)
    assert not [warning for warning in recwarn if "quantization" in str(warning.message)]
