"""A place on a page to which the reader is brought, as when a button far below has put something new there."""

from __future__ import annotations

import streamlit as st

from pages.kit.components import source

_ARRIVALS = "_arrivals"

_PLACE = st.components.v2.component(
    "distillery.arrive",
    html='<div class="distillery-arrive" style="scroll-margin-top: 4rem"></div>',
    js=source("arrive.js"),
    isolate_styles=False,
)


def bring(place: str) -> None:
    """Has the reader brought to the place of this name when the page is drawn next."""
    arrivals = st.session_state.setdefault(_ARRIVALS, {})
    arrivals[place] = arrivals.get(place, 0) + 1


def arrival(place: str) -> None:
    """Marks the place of this name; the reader is brought here once after each `bring`, and kept here while the page fills."""
    if count := st.session_state.get(_ARRIVALS, {}).get(place, 0):
        _PLACE(key=f"_arrive_{place}", data={"place": place, "arrival": count})
