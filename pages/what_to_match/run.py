"""Setting up, starting and following a run of four students that match different things."""

from __future__ import annotations

import streamlit as st

from core.labs.what_to_match import convergence as courses
from core.labs.what_to_match import figures as plots
from core.labs.what_to_match import plan as running
from core.labs.what_to_match import relations as study
from core.labs.what_to_match.figures import color_of
from core.numbering import shown
from core.runs import datasets
from core.runs.index import open_run
from core.runs.queue import RunView
from core.runs.run import Run
from pages.kit import runs, start_run
from pages.kit.components.map_wall import map_wall
from pages.kit.page import Page
from pages.kit.visitor import owner
from pages.what_to_match.board import PARAMETER
from pages.what_to_match.shipped import frame_of, listed, map_words, more, name_of

STEPS = (80, 160, 240, 320)
WEIGHTS = (0.1, 0.3, 1.0, 3.0, 10.0)
SEEDS = (1, 2, 3)
LISTED = 6


def setup(page: Page, text: str) -> None:
    """The controls of a new run, a guess, and the button that starts it."""
    t = page.t
    procedures, choices = t.group("procedures"), t.group("map_choices")
    given = running.maps_offered(page.parameter(PARAMETER))
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            procedure = page.choice(
                "procedure", "beside", t("procedure"), list(procedures),
                format_func=procedures.get,
            )  # fmt: skip
            seeds = page.choice("seeds", 1, t("seeds"), list(SEEDS), help=t("seeds_help"))
            rule = page.select("map_rule", "uniform", t("map"), list(given), format_func=choices.get, filter_mode=None)
        left, right = st.columns(2, gap="large")
        with left:
            steps = page.stops("steps", 160, t("steps"), STEPS)
        with right:
            weight = page.stops(
                "weight", 1.0, t("weight"), WEIGHTS, format_func="× {:g}".format,
                disabled=procedure == "before", help=t("weight_help"),
            )  # fmt: skip
        chosen = running.Setup(steps, procedure, weight, given[rule], seeds)
        shape = running.SHAPE
        blanks = {"depth": shape.depth, "width": shape.width, "heads": shape.heads}
        blanks |= {"texts": f"{running.TEXTS:,}", "labels": running.LABELS}
        st.caption(t("map_says", map=map_words(chosen.map_), **blanks))
        more(page, "about_recipes", "recipes")
    guess, ready = start_run.guess(page, "guess_best", running.ARMS)
    title = t("run_title", procedure=procedures[procedure], steps=steps)
    plan = running.plan(chosen, title, {"prediction": guess})

    def begin(steps: int | None) -> Run:
        run = datasets.begin(plan, owner(), steps)
        run.watch(text)
        return run

    start_run.start(page, [plan], begin, name="start", label=t("start"), ready=ready)


def standing(page: Page, view: RunView) -> None:
    """Draw the progress of a run, and its students' outputs for the text at this moment."""
    t = page.t
    runs.control_bar(page, view)
    runs.progress_line(page, view)
    if not view.status.active:
        return
    run = open_run(view.name)
    watched = run.watched()
    if watched is None:
        st.caption(t("live_wait"))
        return
    _live_maps(page, run, watched)
    _live_accuracy(page, run, view)


def _live_maps(page: Page, run: Run, watched: dict) -> None:
    t = page.t
    layer, other = courses.last_pair(run, watched)
    seen = study.live_wall(watched, (layer, other), study.EVERY_HEAD)
    map_wall(
        [frame_of(page, seen)],
        [name_of(page, name) for name in seen.names],
        seen.pieces,
        seen.pieces,
        key="wm_live",
        labels=t.group("wall"),
        alt=t("live_alt", step=watched["step"], distances=listed(page, seen.names[1:], seen.distances[1:])),
        colors=[color_of(name, place) for place, name in enumerate(seen.names)],
        limits=(0.0, study.reach([seen])),
        lead=len(seen.names) > 4,
    )
    st.caption(t("live_caption", step=watched["step"], layer=shown(layer), beside=shown(other)))


def _live_accuracy(page: Page, run: Run, view: RunView) -> None:
    t, seen = page.t, courses.accuracy_so_far(run)
    if len(seen.steps) < 2:
        return
    names = {arm: name_of(page, arm) for arm in seen.accuracy}
    measures = t.group("measures")
    page.figure(
        plots.course_lines(
            seen.steps,
            seen.accuracy,
            names,
            seen.teacher,
            {"x": t("step"), "y": measures["accuracy"], "teacher": t("arms.teacher"), "percent": ""},
        ),
        "live",
        t(
            "course_alt",
            measure=measures["accuracy"],
            values=listed(page, list(names), [values[-1] for values in seen.accuracy.values()]),
        ),
        lambda: plots.course_table(seen.steps, seen.accuracy, names, t("step")),
    )


def another(page: Page) -> None:
    """Back to the set-up."""
    st.button(
        page.t("runs.another"), key="wm_new", icon=":material/add:", type="tertiary", on_click=_leave, args=(page,)
    )


def _leave(page: Page) -> None:
    runs.show(page, "")


def earlier(page: Page) -> None:
    """The visitor's earlier runs of this page."""
    mine = runs.mine(page.slug)[:LISTED]
    if not mine:
        return
    with st.popover(page.t("earlier"), icon=":material/history:"):
        for view in mine:
            st.button(
                f"{view.title} · {page.t(f'runs.states.{view.state}')}",
                key=f"wm_open_{view.name}",
                on_click=runs.go_to,
                args=(page, view.name),
                type="tertiary",
            )
