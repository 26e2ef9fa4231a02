"""A value that the browser keeps for the next visit. It stays in this browser and on this server; no one else sees it."""

from __future__ import annotations

from urllib.parse import quote, unquote

import streamlit as st

from pages.kit.components.component import Component

_COOKIE = Component("cookie")


def kept_cookie(name: str) -> str:
    """Value of a cookie as the browser sent it when this session began, or an empty text."""
    value = st.context.cookies.get(name)
    return unquote(value) if isinstance(value, str) else ""  # Streamlit's test runner has no browser and no cookies


def keep_cookie(name: str, value: str) -> None:
    """Request that the browser keep a value for a year; an empty one is forgotten."""
    _COOKIE.draw(f"_cookie_{name}", {"name": name, "value": quote(value)}, height=1)
