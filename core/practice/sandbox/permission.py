"""Whether a learner's code may run: on a shared server only behind tested walls, on one's own machine after consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from core.practice.sandbox.sandbox import Isolation

Permission = Literal["run", "ask", "read_only"]

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_PROXY_HEADERS = ("forwarded", "via", "x-real-ip")


def own_machine(address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether the browser sits at the server's own machine, with nothing in between.

    The connection must come from this machine, the browser must have asked for it by a local name and stand on a page of that
    name (a proxy seldom changes both), and no header may tell of a proxy.

    Args:
        address: the connection's address; None for this machine.
        headers: of the browser's request.
    """
    lower = {name.lower(): text for name, text in headers.items()}
    if any(name in _PROXY_HEADERS or name.startswith("x-forwarded") for name in lower):
        return False
    hosts = [urlsplit("//" + lower.get("host", "")).hostname, urlsplit(lower.get("origin", "")).hostname]
    return address in (None, "127.0.0.1", "::1") and all(host in _LOCAL_NAMES for host in hosts)


def permission(isolation: Isolation, own: bool, consented: bool) -> Permission:
    """What a page may do with a learner's code.

    Args:
        isolation: what the sandbox's self-test found.
        own: see `own_machine`.
        consented: whether the learner has agreed that the code runs with the rights of who started the server.
    """
    if isolation.trusted:
        return "run"
    if isolation.level == "off" or not own:
        return "read_only"
    return "run" if consented else "ask"
