"""The rubric of one answer in a mock interview: ticked by the learner, with a hint from the teacher model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.engine import ENGINE
from core.practice import mock, similarity
from lessons.interview import InterviewQuestion, questions
from pages.interview import question as parts
from pages.kit import session
from pages.kit.page import Page

ICONS = {"found": ":green-badge", "unsure": ":gray-badge", "missing": ":orange-badge"}


def marks(page: Page, one: mock.Mock, question: InterviewQuestion, keep: Callable[[dict[str, Any]], None]) -> None:
    """Draw the learner's answer, the model answer, and the points to tick; `keep` stores a change."""
    t = page.t
    written = one.answers.get(question.id, "").strip()
    if written:
        st.markdown(f"**{t('you_wrote')}**")
        st.text(written)
    else:
        st.info(t("nothing_written"), icon=":material/mic:")
    parts.short(question)
    with st.expander(t("model_answer"), icon=":material/menu_book:"):
        parts.full(question)
        parts.wrong(question)
    st.markdown(f"##### {t('mark')}")
    hints = _hints(page, question, written) if written else {}
    ticks = one.ticks.get(question.id, frozenset())
    keys = [f"_im_tick_{one.id}_{question.id}_{point}" for point in range(len(question.rubric))]

    def changed() -> None:
        keep(mock.ticked(question.id, [point for point, key in enumerate(keys) if st.session_state[key]]))

    for point, (text, key) in enumerate(zip(question.rubric, keys, strict=True)):
        st.session_state.setdefault(key, point in ticks)
        hint = hints.get(point)
        label = f"{text} {ICONS[hint]}[{t(f'hint_{hint}')}]" if hint else text
        st.checkbox(label, key=key, on_change=changed)


def _hints(page: Page, question: InterviewQuestion, written: str) -> dict[int, str]:
    """Hint for each point, once the learner requests it."""
    if not page.toggle("hint", False, page.t("hint")):
        return {}
    page.prose(f"hint_{similarity.method(session.language())}")
    setting = page.setting
    others = [f"{other.short} {other.full}" for other in questions(session.language()).values()]
    found = similarity.hints(ENGINE, setting, setting.teacher, written, question.rubric, others, session.language())
    return dict(enumerate(found))
