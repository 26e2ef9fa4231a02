"""Dynamic int8 quantisation of a model's linear layers, as torch offers it, on the CPU.

Each row of a weight matrix becomes whole numbers from −128 to 127 and one factor (symmetric, per channel). What comes in is
turned into whole numbers at each call, by its own smallest and largest value: hence "dynamic", and nothing has to be
calibrated. On x86 torch uses seven of the eight bits there, so that sums of products cannot overflow.
Embeddings, layer norms, biases and the attention itself stay in float32.

torch 2.13 warns that `torch.ao.quantization` will go in favour of the package torchao; it is still there, it is what runs the
CPU's int8 instructions, and the version of torch is pinned. `tests/measure/test_int8.py` checks the numbers by formula.
"""

from __future__ import annotations

import copy
import warnings

import torch
from torch import nn


def available() -> bool:
    """Return True if this build of torch has int8 kernels for the CPU."""
    return any(engine != "none" for engine in torch.backends.quantized.supported_engines)


def kernels() -> str:
    """Name of the library that multiplies: "x86" (fbgemm and oneDNN), "qnnpack" on ARM, or another one."""
    return torch.backends.quantized.engine


def quantized(model: nn.Module) -> nn.Module:
    """A copy whose linear layers compute in int8; the model itself stays as it is. It cannot be trained.

    A vocabulary head that shares its matrix with the embeddings gets an int8 copy of its own.

    Args:
        model: in float32, on any device; the copy is on the CPU, where alone torch has these kernels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # see above
        from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

        return quantize_dynamic(
            copy.deepcopy(model).cpu().eval(), {nn.Linear: per_channel_dynamic_qconfig}, inplace=True
        )
