"""The sandbox that the pages use, started once for all tests: with its self-test, at the best level of this machine."""

from __future__ import annotations

import pytest

from core.practice.sandbox import SANDBOX


@pytest.fixture(scope="session")
def sandbox():
    isolation = SANDBOX.start()
    if not isolation.trusted:
        pytest.skip(f"this machine confines nothing reliably ({isolation.level})")
    return SANDBOX
