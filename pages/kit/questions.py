"""From a lesson to the interview questions that it answers, and from a question to its lab."""

from __future__ import annotations

import streamlit as st

import lessons
from lessons import interview
from pages.kit import session
from pages.kit.components.nearby import near
from pages.kit.course import script
from pages.kit.learner import terms

SHOWN = 5


def related(slug: str) -> None:
    """Link to the questions whose lab is on the page `slug`, the easiest first."""
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
        "interview/study.py",
        label=question.ask,
        icon=":material/help:",
        query_params={"is_question": question.id, "lang": session.language()},
    )


def lab_link(lab: interview.Link) -> None:
    """The way to a lab, in the state and to the section that the link names."""
    language = session.language()
    lesson = lessons.lesson(lab.slug, language)
    title = (
        terms()("lab_section", lesson=lesson.title, section=lesson[lab.section].title) if lab.section else lesson.title
    )
    st.page_link(
        script(lab.slug),
        label=f"**{terms()('open_lab', lesson=title)}**",
        icon=":material/science:",
        query_params=lab.in_language(language),
    )
