"""A place on a page to which the reader is brought, as when a button far below has put something new there."""

from __future__ import annotations

import streamlit as st

from pages.kit.components.component import Component

_ARRIVALS = "_arrivals"
_VISITED, _SERVED = "_arrive_page", "_arrive_section"

_PLACE = Component("arrive", isolated=False, attributes='style="scroll-margin-top: 4rem"')


def visit(slug: str) -> None:
    """Record the page that the reader is on: coming to another one is a new visit."""
    if st.session_state.get(_VISITED) != slug:
        st.session_state[_VISITED] = slug
        st.session_state.pop(_SERVED, None)


def asked(section: str) -> bool:
    """Return True if the address names this section ("?at=losses"): once a visit, or each run would bring the reader
    back.

    It stays in the address. To take it out would be a step in the browser's history, and one step back would not leave the page.
    """
    if st.query_params.get("at") != section or st.session_state.get(_SERVED) == section:
        return False
    st.session_state[_SERVED] = section
    return True


def bring(place: str) -> None:
    """Have the reader brought to the place of this name when the page is drawn next."""
    arrivals = st.session_state.setdefault(_ARRIVALS, {})
    arrivals[place] = arrivals.get(place, 0) + 1


def arrival(place: str) -> None:
    """Mark the place of this name; the reader is brought here once after each `bring`, and kept here while the page fills."""
    if count := st.session_state.get(_ARRIVALS, {}).get(place, 0):
        _PLACE.draw(f"_arrive_{place}", {"place": place, "arrival": count})
