"""Permission to run a learner's code: on a shared server only behind tested walls, on one's own machine after consent."""

from __future__ import annotations

from typing import Literal

from core.practice.sandbox.sandbox import Isolation

Permission = Literal["run", "ask", "read_only"]


def permission(isolation: Isolation, own: bool, consented: bool) -> Permission:
    """Decide what a page may do with a learner's code.

    Args:
        isolation: what the sandbox's self-test found.
        own: whether the browser sits at the server's own machine; see `core.visitor.own_machine`.
        consented: whether the learner has agreed that the code runs with the rights of who started the server.
    """
    if isolation.trusted:
        return "run"
    if isolation.level == "off" or not own:
        return "read_only"
    return "run" if consented else "ask"
