"""Who sits at the browser, as far as runs are concerned: whose they are, and whose students may be chosen."""

from __future__ import annotations

import re
import secrets

import streamlit as st

from pages.kit.components.cookie import keep_cookie, kept_cookie

COOKIE = "distillery_owner"

LOCAL = "local"
"""The owner of all runs on a machine of one's own."""

_TOKEN = re.compile(r"[0-9a-f]{32}")


def is_local() -> bool:
    """Whether the browser runs on the server's own machine, with no proxy between them."""
    return st.context.ip_address is None and "X-Forwarded-For" not in st.context.headers


def owner() -> str:
    """Whose runs these are: on a machine of one's own always the same, elsewhere a secret that the browser keeps."""
    if is_local():
        return LOCAL
    known = st.session_state.get("_owner") or kept_cookie(COOKIE)
    if not _TOKEN.fullmatch(known):
        known = secrets.token_hex(16)
    st.session_state["_owner"] = known
    return known


def keep_owner() -> None:
    """Lets the browser keep the secret, so that one's runs are found again at the next visit; draws nothing visible."""
    if not is_local():
        keep_cookie(COOKIE, owner())
