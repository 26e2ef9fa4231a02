"""Addresses that somebody may have saved before a parameter changed its name or what its value means.

`follow` translates them once, before any control reads the address; `PARAMETERS` is all that it knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import streamlit as st

from core.numbering import shown
from pages.kit.address import MAX_CHARACTERS


def _from_one(value: str) -> str:
    """A value that counted layers, heads or positions from 0, counted from 1: "0-2-4" -> "1-3-5", "0.3" -> "1.4"."""
    return re.sub("[0-9]+", lambda number: str(shown(int(number[0]))), value)


def _same(value: str) -> str:
    """A value that kept its meaning."""
    return value


PARAMETERS: dict[str, tuple[str, Callable[[str], str]]] = {
    "dl_keep": ("dl_kept", _from_one),
    "dl_off": ("dl_heads_off", _from_one),
    "ls_keep": ("ls_kept", _from_one),
    "ls_off": ("ls_heads_off", _from_one),
    "lo_at_attention": ("lo_token_attention", _from_one),
    "lo_at_cell": ("lo_token_cell", _from_one),
    "lo_at_grams": ("lo_token_grams", _from_one),
    "lo_at_pair": ("lo_token_pair", _from_one),
    "lo_at_path": ("lo_token_path", _from_one),
    "lo_at_similarity": ("lo_token_similarity", _from_one),
    "mm_at_context": ("mm_token_context", _from_one),
    "mm_at_gap": ("mm_token_gap", _from_one),
    "mm_at_lens": ("mm_token_lens", _from_one),
    "mm_at_masks": ("mm_token_masks", _from_one),
    "mm_at_sight": ("mm_token_sight", _from_one),
    "pe_at_cell": ("pe_token_cell", _from_one),
    "pe_at_swap": ("pe_token_swap", _from_one),
    "sa_at_hidden": ("sa_token_hidden", _from_one),
    "sa_at_key": ("sa_token_key", _from_one),
    "sa_at_query": ("sa_token_query", _from_one),
    "tp_at_gap": ("tp_token_gap", _from_one),
    "tp_at_truth": ("tp_token_truth", _same),
    "wm_run_layer": ("wm_run_student_layer", _from_one),
    "wm_shipped_layer": ("wm_shipped_student_layer", _from_one),
}
"""A parameter's old name: its name today, and what turns its old value into today's."""


def follow() -> None:
    """Put today's names and values into the address in place of old ones; a parameter that has both keeps today's."""
    for old in PARAMETERS.keys() & st.query_params.keys():
        new, translated = PARAMETERS[old]
        value = st.query_params[old]
        if new not in st.query_params and len(value) <= MAX_CHARACTERS:
            st.query_params[new] = translated(value)
        del st.query_params[old]
