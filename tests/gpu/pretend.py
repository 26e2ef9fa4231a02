"""A pretend accelerator for machines without one: the CPU's arithmetic behind a device that refuses the CPU's tensors.

A tensor that was left on the CPU costs nothing there, and raises on a GPU. Here it raises too: `pretend.cpp` registers a device
with PyTorch's "PrivateUse1" key, hands each operation to the CPU, and refuses one that is given tensors of both, as CUDA does
(numbers without a dimension excepted, and index tensors, which CUDA moves by itself). Autograd, autocast and the gradient scaler
work on it. It says nothing of a GPU's arithmetic, memory, streams or speed. g++ compiles it in a minute, when first asked for.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
import types
from functools import cache
from pathlib import Path

import pytest
import torch
from torch.utils import cpp_extension

NAME = "pretend"
SOURCE = Path(__file__).with_name("pretend.cpp")


@cache
def pretend_device() -> torch.device:
    """Registers the device with this process; the test is skipped where no compiler is installed."""
    if shutil.which("g++") is None:
        pytest.skip("the pretend device is compiled by g++, which is not installed")
    torch.utils.rename_privateuse1_backend(NAME)
    torch._register_device_module(NAME, _module())
    torch.utils.generate_methods_for_privateuse1_backend()
    ctypes.CDLL(str(_compiled()))
    # Else `Module.to` would make new parameters and untie a tied head, which it does not on a GPU.
    torch.__future__.set_swap_module_params_on_conversion(True)
    return torch.device(NAME, 0)


def _compiled() -> Path:
    content = SOURCE.read_bytes() + torch.__version__.encode()
    library = Path(tempfile.gettempdir()) / f"distillery-pretend-{hashlib.sha256(content).hexdigest()[:16]}.so"
    if not library.exists():
        part = library.with_suffix(".part")
        command = ["g++", "-O1", "-std=c++20", "-fPIC", "-shared", "-w", str(SOURCE), "-o", str(part)]
        command += [f"-I{folder}" for folder in cpp_extension.include_paths()]
        command += [f"-L{Path(torch.__file__).parent / 'lib'}", "-ltorch", "-ltorch_cpu", "-lc10"]
        subprocess.run(command, check=True)
        part.replace(library)
    return library


def _module() -> types.ModuleType:
    """What PyTorch asks of a device in Python; it draws with the CPU's generator, which whoever forks keeps already."""
    module = types.ModuleType(f"torch.{NAME}")
    module.is_available = lambda: True
    module.device_count = lambda: 1
    module.current_device = lambda: 0
    module.get_amp_supported_dtype = lambda: [torch.bfloat16, torch.float16]
    module.manual_seed_all = lambda seed: None
    module._is_in_bad_fork = lambda: False
    module.get_rng_state = lambda device=None: torch.get_rng_state()
    module.set_rng_state = lambda state, device=None: torch.set_rng_state(state)
    return module
