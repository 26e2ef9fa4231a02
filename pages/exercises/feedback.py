"""Test results of a submission, for the learner who wrote it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.practice import exercise_figures as plots
from core.practice.grading import Feedback
from core.practice.sandbox import Isolation
from lessons.interview import exercises
from pages.kit import session
from pages.kit.page import Page, code_span


def sandbox_badge(page: Page, isolation: Isolation) -> None:
    """Draw the sandbox's level of confinement, with the list of attacks that were tried."""
    t = page.t
    held = sum(isolation.attacks.values())
    with st.popover(t("isolated", level=t(f"sandbox.{isolation.level}")), icon=":material/shield:", type="tertiary"):
        st.markdown(t("isolated_help", held=held, total=len(isolation.attacks)))
        attacks = {t("attack"): list(isolation.attacks), t("held"): list(isolation.attacks.values())}
        st.dataframe(pd.DataFrame(attacks), hide_index=True, height=240)


def show(page: Page, answer: Feedback) -> None:
    """The headline, the named misconception, the picture, the line; in the order in which they help."""
    t = page.t
    if answer.right:
        st.success(t("all_passed", total=answer.total), icon=":material/celebration:")
    else:
        sentence = t(
            f"feedback.{answer.code}", **{name: _shown(page, name, part) for name, part in answer.details.items()}
        )
        if answer.case:
            case = t(f"cases.{answer.case}")
            sentence = t("case_failed", number=answer.passed + 1, total=answer.total, case=case) + " " + sentence
        st.error(sentence, icon=":material/close:")
    if answer.misconception:
        st.warning(exercises.misconceptions(session.language())[answer.misconception], icon=":material/psychology_alt:")
    if answer.line:
        st.caption(t("your_line", line=answer.line))
        st.code(answer.trace or answer.source, language=None)
    if plots.drawable(answer.expected, answer.got):
        _picture(page, answer)
    if answer.inputs:
        st.caption(
            t("given") + ": " + " · ".join(f"{code_span(name)} {code_span(word)}" for name, word in answer.inputs)
        )
    if answer.checked:
        if not answer.right:
            st.caption(t("passed_cases"))
        with st.container(horizontal=True, gap="small"):
            for case in answer.checked:
                st.badge(t(f"cases.{case}"), icon=":material/check:", color="green")
    if answer.printed:
        with st.expander(t("printed"), icon=":material/terminal:"):
            st.code(answer.printed, language=None)
            if answer.cut:
                st.caption(t("printed_cut"))
    if answer.overhead:
        own, overhead = answer.milliseconds
        st.caption(t("took", own=own, overhead=overhead))


def _shown(page: Page, name: str, part: Any) -> str:
    """A blank's filling. What comes from the learner's process is shown as it is, never read as Markdown."""
    text = str(part)
    if name == "place" and text.startswith("output"):
        rest = text.removeprefix("output")
        return page.t("result") + (f" {code_span(rest)}" if rest else "")
    return code_span(text.replace("\n", " ")) if text else ""


def _picture(page: Page, answer: Feedback) -> None:
    t = page.t
    where, shape = list(answer.where), list(answer.expected.shape)
    labels = {name: t(name) for name in ("expected", "got", "difference", "row", "column")}
    page.figure(
        plots.expected_against_got(answer.expected, answer.got, answer.where, labels),
        "comparison",
        t("figure_alt", where=where),
        lambda: pd.DataFrame({t("expected"): answer.expected.ravel(), t("got"): answer.got.ravel()}),
    )
    if plots.cut(answer.expected.shape):
        st.caption(t("slice", where=code_span(str(where)), shape=code_span(str(shape))))


def solution(page: Page, exercise: exercises.Exercise) -> None:
    """Draw the parts that follow passing: the reference, and the next questions."""
    t = page.t
    with st.expander(t("solution"), icon=":material/key:"):
        st.code(exercise.solution.strip(), language="python")
    st.markdown(f"##### {t('follow_ups')}")
    for follow_up in exercise.follow_ups:
        with st.expander(follow_up.ask):
            st.markdown(follow_up.answer)
