"""Verdict of a comparison, in the same words on every page (see `core.measure.verdict`)."""

from __future__ import annotations

import math

import streamlit as st

from core.measure.verdict import Comparison
from pages.kit.page import Page

ICONS = {
    "better": "trending_up",
    "worse": "trending_down",
    "unclear": "drag_handle",
    "too_few": "hourglass_empty",
    "not_meaningful": "block",
}

_FORMS = {"points": (100, "+.1f"), "nats": (1, "+.2f"), "ece": (1, "+.3f")}
"""By unit: what a value is multiplied by, and how it is written."""


def sentence(page: Page, found: Comparison, first: str, second: str, measure: str, unit: str = "points") -> str:
    """The verdict with its numbers.

    Args:
        first, second: what was compared, as it is called inside a sentence.
        measure: what was measured, likewise.
        unit: "points" (a share, given in percentage points), "nats" or "ece".
    """
    t, (factor, form) = page.t, _FORMS[unit]
    blanks = {"first": first, "second": second, "measure": measure}
    if found.verdict != "not_meaningful" and math.isnan(found.mean):
        return t("verdict.nothing", **blanks)
    blanks["count"] = t(f"verdict.{found.how}" if found.count > 1 else "verdict.one_seed", count=found.count)
    blanks["mean"] = t(f"verdict.{unit}", number=format(factor * found.mean, form))
    if found.interval is not None:
        blanks |= {end: format(factor * getattr(found.interval, end), form) for end in ("low", "high")}
    text = t(f"verdict.{found.verdict}", **blanks)
    head, _, rest = text.partition("**")
    return head + "**" + rest[:1].upper() + rest[1:]


def show(page: Page, found: Comparison, first: str, second: str, measure: str, unit: str = "points") -> None:
    """The same in a box whose colour and icon say which verdict it is."""
    box = {"better": st.success, "worse": st.error}.get(found.verdict, st.info)
    text = sentence(page, found, first, second, measure, unit)
    box(text, icon=f":material/{ICONS[found.verdict]}:")
