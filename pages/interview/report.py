"""The end of a mock interview: points by topic, what to study, which labs to open."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.practice import figures as plots
from core.practice import mock
from lessons.interview import InterviewQuestion
from pages.interview import question as parts
from pages.kit import session
from pages.kit.learner import terms
from pages.kit.page import Page


def report(page: Page, one: mock.Mock, found: mock.Report, bank: Mapping[str, InterviewQuestion]) -> None:
    """Draw a marked interview's report."""
    t = page.t
    with st.container(horizontal=True):
        st.metric(t("total"), t("score", earned=found.total.earned, possible=found.total.possible), border=True)
        answered = sum(bool(one.answers.get(id, "").strip()) for id in one.questions)
        st.metric(t("answered"), t("score", earned=answered, possible=len(one.questions)), border=True)
    names = [terms()(f"topics.{topic}") for topic in found.by_topic]
    scores = list(found.by_topic.values())
    page.figure(
        plots.topic_bars(
            names,
            [s.earned for s in scores],
            [s.possible for s in scores],
            {"earned": t("earned"), "missed": t("missed")},
        ),
        "topics",
        t("by_topic_alt", topic=names[0], earned=scores[0].earned, possible=scores[0].possible),
        lambda: pd.DataFrame(
            {terms()("topic"): names, t("earned"): [s.earned for s in scores], t("total"): [s.possible for s in scores]}
        ),
    )
    st.markdown(f"#### {t('study')}")
    if not found.study:
        st.success(t("study_none"), icon=":material/check:")
    for id in found.study:
        _to_study(page, bank[id], found.by_question[id], one.ticks.get(id, frozenset()))
    with st.expander(t("all_questions")):
        for id, score in found.by_question.items():
            st.markdown(f"{t('score', earned=score.earned, possible=score.possible)} · {bank[id].ask}")


def _to_study(page: Page, question: InterviewQuestion, score: mock.Score, ticked: frozenset[int]) -> None:
    """One weak question: the points that were missed, its answer, its lab."""
    t = page.t
    with st.container(border=True, gap="small"):
        st.markdown(f"**{question.ask}** :gray-badge[{t('score', earned=score.earned, possible=score.possible)}]")
        missed = [text for point, text in enumerate(question.rubric) if point not in ticked]
        st.markdown("\n".join([t("missed_points"), "", *(f"- {text}" for text in missed)]))
        st.page_link(
            "interview/study.py",
            label=t("read_again"),
            icon=":material/menu_book:",
            query_params={"is_question": question.id, "is_step": "5", "lang": session.language()},
        )
        parts.lab(question)
