"""Mock interview: a timed set by role and level, marked by the rubric, with a report."""

import time
import uuid
from datetime import date

import streamlit as st

from core.practice import mock
from lessons import interview
from pages.interview import marking as interview_marking
from pages.interview import question as parts
from pages.interview import report as interview_report
from pages.kit import learner, session
from pages.kit.page import Page

page = Page("interview_mock", "im")
t, terms = page.t, learner.terms()
bank = interview.questions(session.language())
rubrics = {id: len(question.rubric) for id, question in bank.items()}
topics = {id: question.topic for id, question in bank.items()}


def open_one(id: str) -> None:
    """Open an interview, or the choice of one."""
    page.set_parameter("id", id)
    page.set_parameter("at", "")


def keep(known: str, id: str, data: dict) -> None:
    """Store an event, and show an error where that fails."""
    with page.guard():
        learner.progress().add(known, "mock", id, data)


def setup(known: str) -> None:
    """Role, level, length and number; then the start."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        roles, levels = terms.group("roles"), terms.group("levels")
        role = page.select(
            "role",
            "engineer",
            terms("role"),
            list(roles),
            format_func=roles.get,
            width=230,
            filter_mode=None,
        )
        level = page.choice("level", "1", terms("level"), list(levels), format_func=levels.get)
        count = page.slider("count", 5, t("count"), 2, 12, width=180)
        seed = page.number("seed", 1, t("seed"), 1, 9999, help=t("seed_help"), width=130)
    found = mock.chosen(bank.values(), role, int(level), count, seed)
    if not found:
        st.info(t("none"), icon=":material/search_off:")
        return
    begun = mock.beginning(role, int(level), found, time.time())

    def start() -> None:
        id = uuid.uuid4().hex[:12]
        keep(known, id, begun | {"state": begun["state"] | {"started": time.time()}})
        open_one(id)

    st.markdown(t("plan", count=len(found), minutes=begun["state"]["minutes"]))
    st.button(t("start"), type="primary", icon=":material/play_arrow:", on_click=start)
    earlier(known)


def earlier(known: str) -> None:
    """The learner's interviews, the last one first."""
    ids = list(learner.progress().latest(known, "mock"))
    found = [one for id in reversed(ids) if (one := stored(known, id))]
    if not found:
        return
    st.markdown(f"#### {t('earlier')}")
    for one in found[:8]:
        total = mock.report(one, rubrics, topics).total
        score = t("score", earned=total.earned, possible=total.possible)
        label = t(
            "earlier_one",
            day=date.fromtimestamp(one.started).isoformat(),
            role=terms.group("roles").get(one.role, "?"),
            level=terms(f"levels.{one.level}"),
            score=score if one.stage == "report" else t("unfinished"),
        )
        st.button(label, key=f"_im_open_{one.id}", type="tertiary", on_click=open_one, args=(one.id,))


def stored(known: str, id: str) -> mock.Mock | None:
    return mock.read(learner.progress().events(known, "mock", id), rubrics) if id else None


@st.fragment(run_every=1.0)
def clock(one: mock.Mock) -> None:
    """Draw the remaining time. It never takes the box away from a learner who is still writing."""
    left = one.seconds_left(time.time())
    minutes, seconds = divmod(left, 60)
    st.progress(left / (60 * one.minutes), t("left", minutes=minutes, seconds=f"{seconds:02}"))
    if not left:
        st.warning(t("over"), icon=":material/timer_off:")


def place(one: mock.Mock) -> int:
    written = page.parameter("at")
    return min(int(written), len(one.questions) - 1) if written.isdecimal() and len(written) < 3 else 0


def steps(known: str, one: mock.Mock, at: int, onward: str, stage: str) -> None:
    """Back and forth between the questions, and after the last one to the next stage."""

    def go() -> None:
        keep(known, one.id, mock.moved(stage))
        page.set_parameter("at", "")

    def to(other: int) -> None:
        page.set_parameter("at", str(other) if other else "")

    last = at == len(one.questions) - 1
    with st.container(horizontal=True):
        st.button(t("previous"), on_click=to, args=(at - 1,), disabled=at == 0)
        st.button(t("next"), on_click=to, args=(at + 1,), disabled=last, type="secondary" if last else "primary")
        st.button(onward, on_click=go, type="primary" if last else "tertiary", icon=":material/done_all:")
        st.button(t("leave"), on_click=open_one, args=("",), type="tertiary")


def answering(known: str, one: mock.Mock) -> None:
    """One question at a time, with a box that keeps what is written."""
    clock(one)
    at = place(one)
    question = bank[one.questions[at]]
    key = f"_im_text_{one.id}_{question.id}"
    st.session_state.setdefault(key, one.answers.get(question.id, ""))

    def written() -> None:
        keep(known, one.id, mock.answered(question.id, st.session_state[key]))

    with st.container(border=True):
        st.caption(t("place", place=at + 1, count=len(one.questions)))
        parts.badges(question)
        st.markdown(f"### {question.ask}")
        st.text_area(t("answer"), key=key, height=200, max_chars=4000, on_change=written, help=t("answer_help"))
        st.caption(t("answer_help"))
    steps(known, one, at, t("to_marking"), "mark")


def marking(known: str, one: mock.Mock) -> None:
    """One question at a time against its rubric."""
    at = place(one)
    question = bank[one.questions[at]]
    with st.container(border=True):
        st.caption(t("place", place=at + 1, count=len(one.questions)))
        parts.badges(question)
        st.markdown(f"### {question.ask}")
        interview_marking.marks(page, one, question, lambda data: keep(known, one.id, data))
    steps(known, one, at, t("to_report"), "report")


def reporting(known: str, one: mock.Mock) -> None:
    interview_report.report(page, one, mock.report(one, rubrics, topics), bank)
    with st.container(horizontal=True):
        st.button(t("new"), type="primary", on_click=open_one, args=("",))
        st.button(t("back_to_marking"), on_click=keep, args=(known, one.id, mock.moved("mark")), type="tertiary")


STAGES = {"answer": answering, "mark": marking, "report": reporting}

with page.guard():
    known = learner.ask()
    if known:
        opened = stored(known, page.parameter("id"))
        if opened:
            STAGES[opened.stage](known, opened)
        else:
            setup(known)
page.section("method")
page.section("hint")
with page.guard():
    learner.corner()
