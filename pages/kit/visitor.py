"""Visitor at the browser: the server's own machine or a remote one, and the owner of the runs and students."""

from __future__ import annotations

import re
import secrets

import streamlit as st

from core.visitor import own_machine
from pages.kit.components.cookie import keep_cookie, kept_cookie

COOKIE = "distillery_owner"

LOCAL = "local"
"""The owner of all runs on a machine of one's own; never a visitor's, who gets a secret."""

_TOKEN = re.compile(r"[0-9a-f]{32}")


def is_own_machine() -> bool:
    """Return whether the browser sits at the server's own machine, with no proxy between them.

    No page decides this in another way. `core.visitor` documents the criteria.
    """
    return own_machine(st.context.ip_address, st.context.headers, st.context.url)


def owner() -> str:
    """Owner of the visitor's runs: on a machine of one's own always the same, elsewhere a secret that the browser keeps."""
    if is_own_machine():
        return LOCAL
    known = st.session_state.get("_owner") or kept_cookie(COOKIE)
    if not _TOKEN.fullmatch(known):
        known = secrets.token_hex(16)
    st.session_state["_owner"] = known
    return known


def keep_owner() -> None:
    """Let the browser keep the secret, so that one's runs are found again at the next visit; nothing visible is drawn."""
    if not is_own_machine():
        keep_cookie(COOKIE, owner())
