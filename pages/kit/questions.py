"""The interview questions that a lesson answers, at its end."""

from __future__ import annotations

import streamlit as st

from lessons import interview
from pages.kit import session
from pages.kit.learner import terms
from pages.kit.nearby import near

SHOWN = 5


def related(slug: str) -> None:
    """Links to the questions whose lab is on the page `slug`, the easiest first."""
    found = sorted(interview.about(slug, session.language()), key=lambda question: question.level)
    if not found:
        return
    st.divider()
    st.subheader(terms()("related"), anchor="interview")
    st.markdown(terms()("related_lead", count=len(found)))
    _links(slug, found)


@st.fragment
def _links(slug: str, found: list[interview.InterviewQuestion]) -> None:
    """The links themselves, once the learner comes near: two dozen of them cost as much as a lab."""
    if not near(f"related_{slug}"):
        return
    for question in found[:SHOWN]:
        _linked(question)
    if len(found) > SHOWN:
        with st.expander(terms()("related_more", count=len(found) - SHOWN)):
            for question in found[SHOWN:]:
                _linked(question)


def _linked(question: interview.InterviewQuestion) -> None:
    st.page_link(
        "interview_study.py",
        label=question.ask,
        icon=":material/help:",
        query_params={"is_question": question.id, "lang": session.language()},
    )
