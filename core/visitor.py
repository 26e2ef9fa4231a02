"""Decide whether a browser sits at the server's own machine. Runs, learners' names and consent to run code depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_PROXY_HEADERS = frozenset({"forwarded", "via", "cdn-loop"})


def own_machine(address: str | None, headers: Mapping[str, str], page: str | None) -> bool:
    """Return whether the browser sits at the server's own machine, with nothing in between; in doubt it does not.

    The connection must come from this machine. The name and port that the browser asked for (`Host`), those of the page that
    asked (`Origin`) and those in the browser's address bar must be the same, and the name must be a local one. No header may
    tell of a proxy. A proxy on this machine that adds no header changes `Host` (nginx's default) or leaves the name by which
    visitors know the server; one that changes `Host` and `Origin` still leaves the address bar. A foreign name that resolves
    to 127.0.0.1 (DNS rebinding) is not local, and a client that sends no `Origin` is no browser.

    Port forwarding by SSH to the visitor's `localhost` counts as the own machine: whoever may log in here set it up.

    Browsers tell the truth about themselves; other clients need not. Behind a proxy that hides itself, a client that writes
    its own headers passes for a local browser, so a proxy should always add `X-Forwarded-For`.

    Args:
        address: the other end of the connection; None means this machine, as in Streamlit.
        headers: those of the request that opened the websocket, with names in any case.
        page: the page's address, as the browser reports it.
    """
    lower = {name.lower(): text for name, text in headers.items()}
    # A page cannot add headers to a websocket's request, and no browser adds one in X-.
    if any(name in _PROXY_HEADERS or name.startswith("x-") for name in lower):
        return False
    host, origin, shown = _place("//" + lower.get("host", "")), _place(lower.get("origin")), _place(page)
    return _from_here(address) and host is not None and host[0] in _LOCAL_NAMES and host == origin == shown


def _from_here(address: str | None) -> bool:
    if address is None:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:  # IPv4 at a server that listens for both
        found = found.ipv4_mapped
    return found.is_loopback


def _place(url: str | None) -> tuple[str, int | None] | None:
    """Return name and port of an address; None if there are none, or they cannot be read."""
    try:
        parts = urlsplit(url or "")
        return (parts.hostname, parts.port) if parts.hostname else None
    except ValueError:
        return None
