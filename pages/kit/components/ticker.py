"""A part of a page that draws itself again and again while somebody looks at it."""

from __future__ import annotations

import time

from pages.kit.components.component import Component

_TICKER = Component("ticker", isolated=False, attributes="hidden")


def again_after(seconds: float, *, key: str) -> None:
    """Rerun the fragment in which this is called, `seconds` after the browser has drawn it.

    Args:
        key: the component's key in the session state.
    """
    # The time makes each drawing's data new, so that the browser starts to wait anew.
    _TICKER.draw(key, {"wait": 1000 * seconds, "drawn": time.time()}, events={"tick": None})
