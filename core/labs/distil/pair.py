"""Layers and heads of a teacher as an address names them: "0-2-4", "0.3-2.11"."""

from __future__ import annotations

import re

from core.labs.distil.setup import rule_layers

_HEAD = re.compile(r"(\d{1,3})\.(\d{1,3})")


def kept_of(written: str, layers: int) -> tuple[int, ...]:
    """The layers that an address names; every second end of a block where it names none that the teacher has."""
    parts = written.split("-") if written else []
    numbers = [int(part) for part in parts if part.isdecimal() and len(part) < 4]
    found = tuple(sorted({number for number in numbers if number < layers}))
    return found or rule_layers("uniform", max(1, layers // 2), layers)


def heads_of(written: str, layers: int, heads: int) -> tuple[tuple[int, int], ...]:
    """The heads (layer, head) that an address names and the teacher has."""
    found = [_HEAD.fullmatch(part) for part in written[:2000].split("-")]
    pairs = {(int(match[1]), int(match[2])) for match in found if match}
    return tuple(sorted((layer, head) for layer, head in pairs if layer < layers and head < heads))
