"""Home: what this is, one live figure, the map of the course."""

import pandas as pd
import streamlit as st

import lessons
from core import engine
from core.charts.figures import prediction_bars
from core.engine import ENGINE
from core.labs import masked_words as predictions
from pages.interview import due
from pages.kit import course, session
from pages.kit.page import Page

page = Page("home", "ho")
t = page.t


def live(page: Page) -> None:
    """Teacher and student fill the same gap."""
    setting = page.setting
    text = page.sentence()
    st.caption(t("mask_hint"))
    teacher = ENGINE.trace(setting, setting.teacher, text)
    page.notices(teacher.tokens)
    position = predictions.masked_positions(ENGINE, setting, setting.teacher, teacher.tokens)[0]
    predictions.require_shared_vocabulary(ENGINE, setting)
    student = ENGINE.trace(setting, setting.student, text)
    found = predictions.compare(ENGINE, setting, teacher, student, position)
    labels = {"teacher": t("teacher"), "student": t("student"), "probability": t("probability")}
    page.figure(
        prediction_bars(found.words, found.teacher, found.student, labels),
        "predictions",
        t("figure_alt", teacher=found.teacher_best[0].word, student=found.student_best[0].word),
        lambda: pd.DataFrame({t("word"): found.words, t("teacher"): found.teacher, t("student"): found.student}),
    )
    sizes = [engine.card(name).parameters for name in (setting.student, setting.teacher)]
    st.markdown(t("agreement", shared=found.shared, share=f"{sizes[0] / sizes[1]:.0%}"))
    page.check(max(teacher.check(), student.check()))
    page.code("predictions", text=text)


def cards(group: str) -> None:
    """The pages of one group of the navigation, each with its lead and, for a lesson, its minutes and what it needs."""
    language = session.language()
    with st.grid(2, min_column_width=300):
        for slug, icon in course.groups()[group].items():
            lesson = lessons.lesson(slug, language)
            with st.container(border=True, gap="xsmall", height="stretch"):
                st.page_link(course.script(slug), label=f"**{lesson.title}**", icon=icon)
                st.markdown(lesson.lead)
                if line := course.needs(slug, language):
                    st.caption(line)


page.section("live")
page.run(live)

page.section("map")
cards("course")

page.section("distilling")
cards("distilling")

page.section("interview")
with page.guard():
    due.today()
cards("interview")

page.section("use")
