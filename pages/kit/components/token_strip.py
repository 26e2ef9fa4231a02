"""A sentence whose tokens say what became of them: replaced, kept, or left alone. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from pages.kit.components.component import Component


class Item(TypedDict, total=False):
    """One token: its text now, the text it replaced, a word under it, and the colour of its frame."""

    text: str
    old: str
    note: str
    color: str


_STRIP = Component("token_strip")


def token_strip(items: Sequence[Item], *, key: str, alt: str) -> None:
    """Draw the tokens in a line that wraps.

    Args:
        items: `[position]`; a token without a colour was left alone.
        key: the component's key in the session state.
        alt: what the line is, for a screen reader.
    """
    _STRIP.draw(key, {"items": [dict(item) for item in items], "alt": alt})
