"""Labs are computed when the learner comes near them: a page opens with its first one, the others wait for the scroll.

A full page costs the server 0.08 s; fifty learners who open one within the same second would wait four seconds for labs
that none of them sees yet. What was near once stays.
"""

from __future__ import annotations

import streamlit as st

from pages.kit.components.component import Component

WAITS = True
"""True if labs wait at all; tests that read a whole page at once switch it off."""

_PLACE = Component("nearby", isolated=False, attributes='aria-busy="true"')


def near(name: str) -> bool:
    """Return True once the learner has come near the part of the page with this name; reserve its place until then.

    Call it inside a fragment, which runs again when the answer changes.
    """
    seen: set[str] = st.session_state.setdefault("_seen", set())
    if not WAITS or name in seen:
        return True
    _PLACE.draw(f"_near_{name}", events={"near": lambda: seen.add(name)})
    return False
