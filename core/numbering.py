"""Layers, heads and positions, which the code counts from 0 and a reader from 1: on screen, in addresses, in model cards.

    shown(0) == 1, read(1) == 0       # nothing else adds or takes away this one
    listed((0, 2, 4))                 # "1, 3, 5", for a sentence
    written((0, 2, 4))                # "1-3-5", for an address; `read_list` is its inverse
    written_pairs(((0, 3), (2, 11)))  # "1.4-3.12", for heads as layer.head; `read_pairs` is its inverse

Inside, -1 means none (a layer that is paired with no other, the mean over all heads): a reader's 0. A position that enters
a formula, as in the lesson on positional encoding, is the number in that formula and stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_DIGITS = 4
"""Digits of the largest number that an address may hold: no model has ten thousand layers or positions."""

_NUMBER = re.compile(rf"[0-9]{{1,{MAX_DIGITS}}}")
_PAIR = re.compile(rf"({_NUMBER.pattern})\.({_NUMBER.pattern})")


def shown(index: int) -> int:
    """The number that a reader sees for a layer, head or position."""
    return index + 1


def read(number: int) -> int:
    """The layer, head or position that a reader's number means."""
    return number - 1


def numbers(count: int) -> list[int]:
    """The numbers of `count` layers, heads or positions: for the choices of a control or the ticks of an axis."""
    return [shown(index) for index in range(count)]


def listed(indices: Iterable[int], between: str = ", ") -> str:
    """Layers, heads or positions in a sentence."""
    return between.join(str(shown(index)) for index in indices)


def written(indices: Iterable[int]) -> str:
    """Layers, heads or positions as an address carries them; empty if there are none."""
    return listed(indices, "-")


def read_list(text: str) -> tuple[int, ...]:
    """Read a text made by `written`, in its order; what is no number is left out, and 0 gives -1."""
    return tuple(read(int(part)) for part in text.split("-") if _NUMBER.fullmatch(part))


def written_pairs(pairs: Iterable[tuple[int, int]]) -> str:
    """Heads as an address carries them, (layer, head) as "layer.head"; empty if there are none."""
    return "-".join(listed(pair, ".") for pair in pairs)


def read_pairs(text: str) -> tuple[tuple[int, int], ...]:
    """Read a text made by `written_pairs`, in its order; what is no pair of numbers is left out."""
    found = [_PAIR.fullmatch(part) for part in text.split("-")]
    return tuple((read(int(match[1])), read(int(match[2]))) for match in found if match)
