"""Flash cards of a learner that are due today."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.practice import schedule
from lessons import interview
from pages.kit import learner, session


def today() -> None:
    """Draw the number of cards that are due, with the way to them; nothing for a learner who has begun none."""
    known = learner.name()
    reviews = learner.progress().events(known, "review") if known else []
    if not reviews:
        return
    t, now, zone = learner.terms(), datetime.now(UTC), learner.zone()
    cards = schedule.deck(reviews, list(interview.questions(session.language())), now, zone)
    count = len(schedule.today(cards, now, zone, new_a_day=0).due)
    days = schedule.streak(cards.days, now, zone)
    with st.container(horizontal=True, vertical_alignment="center"):
        if count:
            label = t("due.one") if count == 1 else t("due.now", count=count)
            st.page_link("interview/recall.py", label=f"**{label}**", icon=":material/event_available:")
        if days > 1:
            st.badge(t("due.streak", days=days), icon=":material/local_fire_department:", color="orange")
