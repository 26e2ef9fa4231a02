"""Distil: a teacher, a student and its twin without a teacher learn while one watches, and can be looked into."""

import streamlit as st

import lessons
from core.errors import LabError
from core.labs.distil import probe as looks
from core.labs.distil import setup as study
from core.runs.queue import RunView
from core.runs.server import workshop
from pages.distil import live
from pages.distil import probe as distil_look
from pages.distil import setup as distil_setup
from pages.kit import runs
from pages.kit.page import Page, code_span
from pages.kit.visitor import owner

page = Page("distil", "dl")

LISTED = 6  # earlier runs


def play(page: Page, setup: study.Setup, text: str, steps: int | None) -> None:
    """Starts a run of what is set up, and shows it; an error is said where the button is."""
    guess = st.session_state.get(page.key("guess"))
    try:
        run = study.begin(setup, distil_setup.title(page, setup), owner(), steps, prediction=guess)
        live.watch(run, text)
        runs.go_to(page, run.name)
        st.session_state["_dl_started"] = True
    except LabError as error:
        st.session_state["_dl_failed"] = error


def guessed(page: Page) -> bool:
    """Asks what will come of it; whether the learner has said, or would rather see at once."""
    t = page.t
    asked = lessons.quiz(page.slug, t.language)["outcome"]
    with st.container(border=True):
        guess = page.choice(
            "guess",
            None,
            f"**{t('predict')}** {asked.prompt}",
            list(range(len(asked.choices))),
            format_func=lambda index: asked.choices[index].text,
            required=False,
        )
        if guess is not None:
            return True
        return st.toggle(t("show_at_once"), key=page.key("unguessed"), persist_state="session")


def starting(page: Page, setup: study.Setup, text: str) -> None:
    """The buttons that begin; they wait for a guess and for a set-up that can work."""
    t, ready = page.t, guessed(page)
    with st.container(horizontal=True, vertical_alignment="center"):
        arguments = {"disabled": not ready, "on_click": play}
        st.button(
            t("runs.play"),
            key="dl_play",
            type="primary",
            icon=":material/play_arrow:",
            args=(page, setup, text, None),
            **arguments,
        )
        st.button(t("runs.step"), key="dl_step", icon=":material/skip_next:", args=(page, setup, text, 1), **arguments)
        if ready:
            seconds = workshop().estimate(setup.plan("").to_dict())
            st.caption(t("start_note", time=runs.duration(page, seconds)))
        else:
            st.caption(t("guess_first"))
    failed = st.session_state.pop("_dl_failed", None)
    if failed is not None:
        raise failed


def setting_up(page: Page, view: RunView | None) -> None:
    """Choose, see the pair, guess, press play."""
    if st.session_state.pop("_dl_started", False):
        st.rerun()  # the run has a part of its own on the page
    distil_setup.presets(page)
    left, right = st.columns([6, 5], gap="large")
    with left:
        setup = distil_setup.choose(page)
    with right:
        setup.check()
        distil_setup.draw(page, setup)
    distil_setup.formula(page, setup)
    text = ""
    place = st.container()
    if view is None:
        st.markdown(f"**{page.t('before_first')}**")
        text = distil_look.sentence(page, setup.task)
        with page.guard():
            distil_look.show(page, looks.before(setup, text))
    with place:
        starting(page, setup, text)
    study.prepare(setup)


def earlier(page: Page, view: RunView | None) -> None:
    """The learner's own runs of this page."""
    mine = [one for one in runs.mine(page.slug) if view is None or one.name != view.name][:LISTED]
    if not mine:
        return
    page.section("runs")
    for one in mine:
        with st.container(horizontal=True, vertical_alignment="center"):
            label = page.t("open_run")
            st.button(label, key=f"dl_open_{one.name}", on_click=runs.go_to, args=(page, one.name), type="tertiary")
            st.markdown(f"{code_span(one.title)} · {page.t(f'runs.states.{one.state}')}")


runs.offer_interrupted(page, page.slug)
view = runs.current(page)
if view is None:
    page.section("setup")
    page.run(setting_up, view)
else:
    runs.follow(page, view.name, lambda now: live.draw(page, now))
    with st.expander(page.t("another"), icon=":material/add:"):
        page.run(setting_up, view)
earlier(page, view)
page.section("reading")
page.quiz("twin", "labels", "seeds")
