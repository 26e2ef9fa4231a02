"""A part of a page that draws itself again and again while somebody looks at it."""

from __future__ import annotations

import time

import streamlit as st

from pages.kit.components import source

_TICKER = st.components.v2.component(
    "distillery.ticker",
    html='<div class="distillery-ticker" hidden></div>',
    js=source("ticker.js"),
    isolate_styles=False,
)


def again_after(seconds: float, *, key: str) -> None:
    """Has the fragment in which this is called run again, so many seconds after the browser has drawn it.

    Args:
        key: the component's key in the session state.
    """
    # The time makes each drawing's data new, so that the browser starts to wait anew.
    _TICKER(key=key, data={"wait": 1000 * seconds, "drawn": time.time()}, on_tick_change=_rerun_only)


def _rerun_only() -> None:
    """Streamlit keeps a component's events only if they have a callback; the rerun itself is all that is wanted."""
