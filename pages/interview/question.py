"""The parts of an interview question, drawn one at a time, as all interview pages show them."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lessons.interview import InterviewQuestion, documents
from pages.kit.learner import terms
from pages.kit.questions import lab_link

LEVEL_COLORS = {1: "green", 2: "blue", 3: "violet"}


def origin_name(origin: str) -> str:
    """ "000-7" in words: the document's number, and which of its questions."""
    number, _, place = origin.partition("-")
    key = "origin_code" if place.startswith("code") else "origin"
    return terms()(key, number=number, place=place.removeprefix("code"))


def badges(question: InterviewQuestion, of_topic: bool = True, read: str = "") -> None:
    """Topic (unless it is shown above), level and roles in a line; `read` names a mark for those that were read."""
    t = terms()
    with st.container(horizontal=True, gap="small"):
        if of_topic:
            st.badge(t(f"topics.{question.topic}"), color="gray")
        st.badge(t(f"levels.{question.level}"), color=LEVEL_COLORS[question.level])
        for role in question.roles:
            st.badge(t(f"roles.{role}"), color="gray")
        if read:
            st.badge(read, icon=":material/check:", color="green")


def short(question: InterviewQuestion) -> None:
    """The answer for half a minute."""
    st.markdown(f"##### {terms()('short')}")
    st.markdown(question.short)


def full(question: InterviewQuestion) -> None:
    """The whole answer, with its sources."""
    st.markdown(f"##### {terms()('full')}")
    st.markdown(question.full)
    st.caption(terms()("sources", sources="; ".join(question.sources)))


def follow_ups(question: InterviewQuestion) -> None:
    """Draw the follow-up questions, each answer under its question."""
    st.markdown(f"##### {terms()('follow_ups')}")
    for follow_up in question.follow_ups:
        with st.expander(follow_up.ask):
            st.markdown(follow_up.answer)


def wrong(question: InterviewQuestion) -> None:
    """Draw the common wrong answer, and its correction."""
    st.markdown(f"##### {terms()('wrong')}")
    with st.container(border=True):
        st.markdown(f":material/close: {question.wrong}")
    st.markdown(f"**{terms()('wrong_why')}** {question.wrong_why}")


def rubric(question: InterviewQuestion) -> None:
    """The points of a good answer."""
    st.markdown(f"##### {terms()('rubric')}")
    st.markdown("\n".join(f"- {point}" for point in question.rubric))


def lab(question: InterviewQuestion) -> None:
    """The way to the lab that shows the answer, and what to look at in it."""
    with st.container(border=True, gap="xsmall"):
        lab_link(question.lab)
        st.markdown(question.show)


def origins(question: InterviewQuestion) -> None:
    """Draw the documents that contain the question."""
    if question.origins:
        named = "; ".join(map(origin_name, question.origins))
        numbers = {origin.partition("-")[0] for origin in question.origins}
        titles = "\n\n".join(f"{number}: {documents()[number]['title']}" for number in sorted(numbers))
        st.caption(terms()("origins", origins=named), help=titles)


STEPS: dict[str, Callable[[InterviewQuestion], None]] = {
    "short": short,
    "full": full,
    "follow_ups": follow_ups,
    "wrong": wrong,
    "rubric": rubric,
}
"""The parts in the order in which they are revealed."""
