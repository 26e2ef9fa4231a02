"""Where the tests of this folder compute: on the accelerator of this machine, or where DISTILLERY_TEST_DEVICE says.

pytest tests/gpu                                   # CUDA or Apple's MPS; skipped where there is neither
DISTILLERY_TEST_DEVICE=cpu pytest tests/gpu        # the same tests on the CPU: they show that the tests themselves are right
DISTILLERY_TEST_DEVICE=pretend pytest tests/gpu    # the CPU behind a device of its own, see `tests.gpu.pretend`
"""

from __future__ import annotations

import os

import pytest
import torch

from core.models.loading import best_device

CHOSEN = os.environ.get("DISTILLERY_TEST_DEVICE", "")


@pytest.fixture(scope="session")
def accelerator() -> torch.device:
    """The device under test; the test is skipped on a machine without one."""
    if CHOSEN == "pretend":
        from tests.gpu.pretend import pretend_device

        return pretend_device()
    if CHOSEN:
        return torch.device(CHOSEN)
    found = best_device()
    if found.type == "cpu":
        pytest.skip(
            "no accelerator: neither a CUDA GPU nor Apple's MPS (DISTILLERY_TEST_DEVICE=cpu runs these on the CPU)"
        )
    return found


@pytest.fixture(scope="session")
def exact(accelerator) -> bool:
    """Whether the device is the CPU itself, whose results must agree to the last bit."""
    return accelerator.type == "cpu"
