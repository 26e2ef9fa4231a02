"""The pages of the app: the lessons of the course, home, and the pages for interview practice."""

from __future__ import annotations

import streamlit as st

import lessons
from core.course import GROUPS, after, course, lesson

HOME = "home"

INTERVIEW = {
    "interview_study": ":material/menu_book:",
    "interview_recall": ":material/style:",
    "interview_mock": ":material/timer:",
    "interview_mistakes": ":material/bug_report:",
    "exercises": ":material/code:",
}


def groups() -> dict[str, dict[str, str]]:
    """Icons by page by group, as the navigation shows them: the groups of the course, then "interview"."""
    lessons = {group: {one.slug: one.icon for one in course() if one.group == group} for group in GROUPS}
    return lessons | {"interview": INTERVIEW}


def script(slug: str) -> str:
    """The script of a page, as `st.Page` and `st.page_link` take it."""
    if slug == HOME:
        return "home.py"
    folder, _, name = slug.partition("_")
    return f"interview/{name}.py" if folder == "interview" else f"{slug}/page.py"


def needs(slug: str, language: str) -> str:
    """Duration of a lesson and the lessons it builds on, in a line; empty for a page that is no lesson."""
    found, t = lesson(slug), lessons.labels("common", language)
    if found is None:
        return ""
    before = [one.slug for one in course() if one.slug in found.needs]
    if not before:
        return t("lesson.minutes", minutes=found.minutes)
    titles = t("lesson.comma").join(lessons.lesson(one, language).title for one in before)
    return t("lesson.minutes_needs", minutes=found.minutes, needs=titles)


def next_lesson(slug: str, language: str) -> None:
    """The link to the lesson that comes next, at the end of a lesson."""
    if found := after(slug):
        title = lessons.lesson(found.slug, language).title
        label = lessons.labels("common", language)("lesson.next", title=title)
        st.page_link(script(found.slug), label=f"**{label}**", icon=found.icon)
