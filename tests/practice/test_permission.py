"""Where code may run: tested walls, or one's own machine after consent."""

from __future__ import annotations

import pytest

from core.practice.sandbox import LEVELS, Isolation
from core.practice.sandbox.permission import permission


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("consented", [True, False])
def test_permission(level, own, consented):
    expected = {"strong": "run", "kernel": "run", "off": "read_only"}.get(level)
    if expected is None:
        expected = ("run" if consented else "ask") if own else "read_only"
    assert permission(Isolation(level), own, consented) == expected
