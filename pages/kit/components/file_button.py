"""A button that takes one text file from the learner's computer, in the learner's language."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.kit.components.component import Component

_BUTTON = Component("file_button")


def file_button(label: str, *, key: str, accept: str, longest: int, on_file: Callable[[bytes], None]) -> None:
    """Draw the button.

    Args:
        key: the component's key in the session state.
        accept: what the browser offers, like ".json".
        longest: bytes; of a longer file one byte more than that arrives.
        on_file: receives the content, once for each file that is chosen.
    """

    def chosen() -> None:
        sent = st.session_state[key].file
        if isinstance(sent, str):
            on_file(sent.encode())

    data = {"label": label, "accept": accept, "longest": longest}
    _BUTTON.draw(key, data, events={"file": chosen})
