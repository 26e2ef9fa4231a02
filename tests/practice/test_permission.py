"""Where code may run: tested walls, or one's own machine after consent."""

from __future__ import annotations

import pytest

from core.practice.sandbox import LEVELS, Isolation
from core.practice.sandbox.permission import own_machine, permission

LOCAL = {"Host": "localhost:8501", "Origin": "http://localhost:8501"}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("consented", [True, False])
def test_permission(level, own, consented):
    expected = {"strong": "run", "kernel": "run", "off": "read_only"}.get(level)
    if expected is None:
        expected = ("run" if consented else "ask") if own else "read_only"
    assert permission(Isolation(level), own, consented) == expected


@pytest.mark.parametrize(
    ("address", "headers", "own"),
    [
        (None, LOCAL, True),
        ("127.0.0.1", {"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:8501"}, True),
        ("::1", {"Host": "[::1]:8501", "Origin": "http://[::1]:8501"}, True),
        ("10.0.0.7", LOCAL, False),
        (None, LOCAL | {"X-Forwarded-For": "10.0.0.7"}, False),
        (None, LOCAL | {"x-forwarded-host": "lab.example"}, False),
        (None, LOCAL | {"Forwarded": "for=10.0.0.7"}, False),
        (None, LOCAL | {"Via": "1.1 proxy"}, False),
        (None, {"Host": "lab.example", "Origin": "https://lab.example"}, False),
        (None, {"Host": "localhost:8501", "Origin": "https://lab.example"}, False),
        (None, {"Host": "localhost:8501"}, False),
        (None, {}, False),
    ],
)
def test_own_machine(address, headers, own):
    """A proxy that hides itself still leaves the name under which the browser found the page."""
    assert own_machine(address, headers) is own
