"""Results of the students: their maps step by step, their distance from the teacher, and their accuracy."""

from __future__ import annotations

import streamlit as st

import lessons
from core.engine import ENGINE
from core.labs.what_to_match import convergence as courses
from core.labs.what_to_match import figures as plots
from core.labs.what_to_match import outcome as outcomes
from core.labs.what_to_match import relations as study
from core.labs.what_to_match.figures import color_of
from core.labs.what_to_match.plan import ARMS
from core.numbering import shown as number
from core.runs.index import open_run
from pages.kit import verdict
from pages.kit.components.map_wall import map_wall
from pages.kit.page import Page
from pages.what_to_match.shipped import (
    draw_grids,
    frame_of,
    keep_place,
    kept_place,
    layer_and_head,
    listed,
    more,
    name_of,
    spoken,
    wall_table,
)

SHARES = ("accuracy", "agreement")


def convergence(page: Page, name: str, text: str) -> None:
    """The kept students on the learner's text, step by step."""
    t, run = page.t, open_run(name)
    if not courses.album_of(ENGINE, run).steps:
        st.info(t("no_snapshots"), icon=":material/hourglass_empty:")
        return
    views = t.group("views")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        view = page.choice("run_view", "attention", t("view"), list(views), format_func=views.get)
        slot = st.container(horizontal=True, gap="medium")
    map_ = courses.map_of(ENGINE, run)
    if view == "cka":
        found = _course(page, run, map_)
        labels = [t("step_label", step=step) for step in found.steps]
        grids = [[near[place].cka for near in found.near.values()] for place in range(len(found.steps))]
        st.caption(t("cka_where"))
        place = kept_place(page, found.steps, "wm_run_grid")
        shown = draw_grids(page, list(found.near), grids, labels, map_, "wm_run_grid", place)
        keep_place(page, found.steps, "wm_run_grid", shown)
        return
    with st.spinner(t("replaying")):
        frames = courses.frames(ENGINE, run, text)
    with slot:
        layer, other, head = layer_and_head(page, frames[-1].cast, map_, view, "run")
    walls = [study.wall(frame.cast, view, (layer, other), head) for frame in frames]
    last = walls[-1]
    distances = listed(page, last.names[1:], last.distances[1:])
    steps = [frame.step for frame in frames]
    shown = map_wall(
        [frame_of(page, wall, t("step_label", step=frame.step)) for wall, frame in zip(walls, frames, strict=True)],
        [name_of(page, one) for one in last.names],
        last.pieces,
        last.pieces,
        key="wm_run_wall",
        labels=t.group("wall"),
        alt=t("wall_alt", view=views[view], layer=number(layer), count=len(last.names), distances=distances),
        colors=[color_of(one, place) for place, one in enumerate(last.names)],
        limits=(0.0, study.reach(walls)),
        lead=len(last.names) > 4,
        frame=kept_place(page, steps, "wm_run_wall"),
    )
    keep_place(page, steps, "wm_run_wall", shown)
    page.numbers("run_wall", lambda: wall_table(page, walls[shown]))
    first = walls[0].distances[1:]
    alike = "same_start" if study.alike(first) else "other_start"
    st.markdown(
        t(alike, first=frames[0].step, low=f"{min(first):.2f}", high=f"{max(first):.2f}")
        + " "
        + t(
            "at_end",
            last=frames[-1].step,
            near=spoken(page, last.nearest),
            low=f"{min(last.distances[1:]):.2f}",
            far=spoken(page, last.furthest),
            high=f"{max(last.distances[1:]):.2f}",
        )
    )
    tokens = frames[-1].cast.teacher.tokens
    if tokens.truncated:
        st.caption(t("truncated", kept=len(tokens.pieces), total=tokens.total))
    page.check(frames[-1].cast.check)
    if view == "values":
        more(page, "about_relations", "relations")


def _course(page: Page, run, map_) -> courses.Course:
    """Measure the kept students, with a bar while it takes time."""
    bar = st.progress(0.0, text=page.t("replaying"))
    found = courses.course(ENGINE, run, page.setting, map_, bar.progress)
    bar.empty()
    return found


def outcome(page: Page, name: str) -> None:
    """Draw the students' distances from the teacher, and their accuracy."""
    t, run = page.t, open_run(name)
    if not courses.album_of(ENGINE, run).steps:
        st.info(t("no_snapshots"), icon=":material/hourglass_empty:")
        return
    map_, measures = courses.map_of(ENGINE, run), t.group("measures")
    measure = page.choice(
        "measure",
        "attention",
        t("measure"),
        list(measures),
        format_func=measures.get,
    )
    way = _course(page, run, map_)
    bar = st.progress(0.0, text=t("measuring"))
    end = outcomes.outcome(ENGINE, run, page.setting, map_, bar.progress)
    bar.empty()
    names = {arm: name_of(page, arm) for arm in way.near}
    labels = {"x": measures[measure], "teacher": t("arms.teacher")} | ({"percent": ""} if measure in SHARES else {})
    level = end.teacher_accuracy if measure == "accuracy" and end.seeds else None
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{t('way', seed=way.seed)}**")
        lines = way.lines(measure)
        if lines is None:
            st.caption(t("only_at_end"))
        else:
            ends = [values[-1] for values in lines.values()]
            page.figure(
                plots.course_lines(way.steps, lines, names, level, {**labels, "x": t("step"), "y": measures[measure]}),
                "course",
                t("course_alt", measure=measures[measure], values=listed(page, list(lines), ends)),
                lambda: plots.course_table(way.steps, lines, names, t("step")),
            )
    with right:
        st.markdown(f"**{t('final')}**")
        if not end.seeds:
            st.caption(t("unfinished"))
        else:
            values = end.of[measure]
            means = [end.mean(measure, arm) for arm in values]
            page.figure(
                plots.outcome_dots(values, names, level, labels),
                "outcome",
                t(
                    "dots_alt",
                    measure=measures[measure],
                    count=len(end.seeds),
                    values=listed(page, list(values), means),
                ),
                lambda: plots.outcome_table(end.of, names, measures, t("student")),
            )
    if end.seeds:
        st.dataframe(plots.outcome_table(end.of, names, measures, t("student")), hide_index=True)
        st.caption(t("one_seed") if len(end.seeds) == 1 else t("spread_note", count=len(end.seeds)))
        _conclusion(page, run, end)
    more(page, "about_recipes", "recipes")


def _conclusion(page: Page, run, end: outcomes.Outcome) -> None:
    """In words: what each teacher's help was worth, who is nearest, and whether the guess was right."""
    t, control = page.t, page.t("verdict.control")
    taught = [arm for arm in end.of["accuracy"] if arm != outcomes.CONTROL]
    for arm in taught if outcomes.CONTROL in end.of["accuracy"] else ():
        name = t("verdict_arm", arm=name_of(page, arm))
        st.markdown(f"- {verdict.sentence(page, end.compare(arm), name, control, t('verdict.accuracy'))}")
    near, best = end.nearest("attention"), end.winner
    if near is not None:
        blanks = {"near": spoken(page, near), "kl": f"{end.mean('attention', near):.2f}"}
        key = "near_unclear" if best is None else "near_and_best" if near == best else "near_not_best"
        if best is not None:
            blanks |= {"best": spoken(page, best), "accuracy": f"{end.mean('accuracy', best):.1%}"}
            blanks["own"] = f"{end.mean('accuracy', near):.1%}"
        st.markdown(t(key, **blanks))
    guess = run.written_plan.get("extra", {}).get("prediction")
    if guess in ARMS:
        why = lessons.quiz(page.slug, t.language)["guess_best"].choices[ARMS.index(guess)].why
        key = "guess_open" if best is None else "guess_right" if guess == best else "guess_wrong"
        words = t(key, guess=name_of(page, guess), best=name_of(page, best) if best else "")
        (st.success if guess == best else st.info)(f"{words} {why}", icon=":material/psychology:")
