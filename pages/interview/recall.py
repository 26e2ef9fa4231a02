"""Flash cards: what is due today, rated by the learner, scheduled by FSRS."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from core.practice import figures as plots
from core.practice import schedule
from lessons import interview
from pages.interview import question as parts
from pages.kit import learner, session
from pages.kit.page import Page

page = Page("interview_recall", "ir")
t, terms = page.t, learner.terms()
bank = interview.questions(session.language())
EXTRA = 5


def said(interval: timedelta) -> str:
    unit, count = schedule.spoken(interval)
    return t(f"units.{unit}", count=count)


def rate(known: str, question: str, seen: int, name: str) -> None:
    """Write a rating down, unless another tab has rated this card since it was drawn."""
    page.set_parameter("shown", "")
    with page.guard():
        if len(learner.progress().events(known, "review", question)) == seen:
            learner.progress().add(known, "review", question, {"rating": int(schedule.RATINGS[name])})
        else:
            st.session_state["_ir_elsewhere"] = True


def card(known: str, question: interview.InterviewQuestion, cards: schedule.Deck, seen: int, now: datetime) -> None:
    """One card: the question, then its answer and the four ratings."""
    with st.container(border=True):
        parts.badges(question)
        st.markdown(f"### {question.ask}")
        if page.parameter("shown") != question.id:
            st.markdown(t("try_first"))
            st.button(t("show"), type="primary", on_click=page.set_parameter, args=("shown", question.id))
            return
        st.markdown(question.short)
        with st.expander(t("full"), icon=":material/menu_book:"):
            parts.full(question)
            parts.wrong(question)
            parts.lab(question)
        st.markdown(f"**{t('how_well')}**")
        away = schedule.intervals(cards.cards.get(question.id), now)
        with st.container(horizontal=True):
            for name, interval in away.items():
                st.button(
                    t("back_in", rating=t(f"ratings.{name}"), interval=said(interval)),
                    key=f"_ir_rate_{name}",
                    on_click=rate,
                    args=(known, question.id, seen, name),
                )


def numbers(cards: schedule.Deck, todo: schedule.Today, now: datetime) -> None:
    with st.container(horizontal=True):
        st.metric(t("due"), len(todo.due), border=True)
        st.metric(t("new"), len(todo.new), border=True)
        st.metric(t("streak"), schedule.streak(cards.days, now, learner.zone()), border=True)
        st.metric(t("begun"), t("begun_of", count=len(cards.cards), total=len(bank)), border=True)


def ahead(cards: schedule.Deck, now: datetime) -> None:
    """The next two weeks as bars."""
    page.section("forecast")
    counts = schedule.forecast(cards.cards, now, learner.zone())
    facts = {"days": len(counts), "today": next(iter(counts.values())), "total": sum(counts.values())}
    page.figure(
        plots.forecast_bars(counts, {"cards": t("cards"), "date_format": t("date_format")}),
        "forecast",
        t("forecast_alt", **facts),
        lambda: pd.DataFrame({t("day"): list(counts), t("cards"): list(counts.values())}),
    )


def practise(known: str) -> None:
    now = datetime.now(UTC)
    reviews = learner.progress().events(known, "review")
    cards = schedule.deck(reviews, list(bank), now, learner.zone())
    top = st.container()
    with st.expander(t("deck"), icon=":material/style:"):
        topics = terms.group("topics")
        chosen = page.pills("topics", [], t("topics"), list(topics), format_func=topics.get)
        a_day = page.slider("new", schedule.NEW_A_DAY, t("new_a_day"), 0, 40)
    among = {question.id for question in bank.values() if question.topic in chosen} if chosen else None
    todo = schedule.today(cards, now, learner.zone(), a_day, among)
    with top:
        numbers(cards, todo, now)
        if st.session_state.pop("_ir_elsewhere", False):
            st.info(t("elsewhere"), icon=":material/tab:")
        if todo.queue:
            question = bank[todo.queue[0]]
            card(known, question, cards, sum(review.item == question.id for review in reviews), now)
        else:
            finished(todo, now, a_day)
    if cards.cards:
        ahead(cards, now)


def finished(todo: schedule.Today, now: datetime, a_day: int) -> None:
    waits = todo.next_due is not None
    st.success(t("done_until", interval=said(todo.next_due - now)) if waits else t("done"), icon=":material/done_all:")
    with st.container(horizontal=True):
        st.button(t("five_more"), on_click=page.put, args=("new", min(a_day + EXTRA, 40)), disabled=a_day >= 40)
        st.button(t("look"), type="tertiary", icon=":material/refresh:")


with page.guard():
    known = learner.ask()
    if known:
        practise(known)
page.section("method")
with page.guard():
    learner.corner()
