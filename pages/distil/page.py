"""Distil: live training of a student and its control without a teacher, with a view into teacher and students."""

import streamlit as st

from core.labs.distil import probe as looks
from core.labs.distil import setup as study
from core.labs.distil.resolved import ResolvedSetup
from core.runs.queue import RunView
from core.runs.run import Run
from pages.distil import live
from pages.distil import probe as distil_look
from pages.distil import setup as distil_setup
from pages.kit import runs, start_run
from pages.kit.page import Page, code_span
from pages.kit.visitor import owner

page = Page("distil", "dl")

LISTED = 6  # earlier runs


def starting(page: Page, setup: ResolvedSetup, text: str) -> None:
    """A guess, and the buttons that begin."""
    guess, ready = start_run.guess(page, "outcome")

    def begin(steps: int | None) -> Run:
        run = study.begin(setup, distil_setup.title(page, setup), owner(), steps, prediction=guess)
        live.watch(run, text)
        return run

    start_run.start(page, [setup.untitled], begin, ready=ready)


def setting_up(page: Page, view: RunView | None) -> None:
    """Choose, see the pair, guess, press play."""
    distil_setup.presets(page)
    left, right = st.columns([6, 5], gap="large")
    with left:
        chosen = distil_setup.choose(page)
    with right:
        setup = chosen.resolve()
        distil_setup.draw(page, setup)
    distil_setup.formula(page, setup)
    text = ""
    place = st.container()
    if view is None:
        st.markdown(f"**{page.t('before_first')}**")
        text = distil_look.sentence(page, setup.teacher.task)
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
    with st.expander(page.t("runs.another"), icon=":material/add:"):
        page.run(setting_up, view)
earlier(page, view)
page.section("reading")
page.quiz("twin", "labels", "seeds")
