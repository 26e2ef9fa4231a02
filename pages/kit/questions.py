"""The interview questions that a lesson answers, at its end."""

from __future__ import annotations

import streamlit as st

from lessons import interview
from pages.kit import session
from pages.kit.learner import terms

SHOWN = 5


def related(slug: str) -> None:
    """Links to the questions whose lab is on the page `slug`, the easiest first."""
    found = sorted(interview.about(slug, session.language()), key=lambda question: question.level)
    if not found:
        return
    t = terms()
    st.divider()
    st.subheader(t("related"), anchor="interview")
    st.markdown(t("related_lead", count=len(found)))
    for question in found[:SHOWN]:
        _linked(question)
    if len(found) > SHOWN:
        with st.expander(t("related_more", count=len(found) - SHOWN)):
            for question in found[SHOWN:]:
                _linked(question)


def _linked(question: interview.InterviewQuestion) -> None:
    st.page_link(
        "interview_study.py",
        label=question.ask,
        icon=":material/help:",
        query_params={"is_question": question.id, "lang": session.language()},
    )
