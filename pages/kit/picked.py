"""Choices made in a component that a page must check against its data: positions in a token line, a cell of some maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.numbering import read_list, written
from pages.kit import components
from pages.kit.page import Page


def picked_positions(
    page: Page,
    name: str,
    default: Sequence[int],
    tokens: Sequence[str],
    disabled: Sequence[int],
    labels: Mapping[str, str],
) -> list[int]:
    """A line of tokens to click, whose marked positions live in the address, from 1; "none" means no position."""
    key, seen = f"{page.prefix}:{name}", f"{page.prefix}:{name}:seen"
    asked = page.positions(name, default, len(tokens))
    if st.session_state.get(seen) != asked:  # a link, another sentence or Reset has changed it: the component follows
        components.assign(key, asked)
    marked = components.token_picker(
        tokens, key=key, labels=labels, alt=labels["alt"], marked=asked, disabled=disabled, strike=False
    )
    page.set_parameter(name, "" if marked == list(default) else written(marked) or "none")
    st.session_state[seen] = marked
    return marked


def picked_cell(page: Page, name: str, default: tuple[int, int], keys: Sequence[str], size: int) -> tuple[int, int]:
    """The cell (query, key) that several maps of `size` × `size` show together; it lives in the address, from 1."""
    asked = read_list(page.parameter(name))
    fits = len(asked) == 2 and all(0 <= place < size for place in asked)
    current = (asked[0], asked[1]) if fits else default
    chosen = components.shared_choice(keys, current, (size, size)) or default
    page.set_parameter(name, "" if chosen == default else written(chosen))
    return chosen
