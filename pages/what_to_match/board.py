"""The layer-map board: a map is dragged, its cost is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.engine import ENGINE
from core.labs.what_to_match import convergence as courses
from core.labs.what_to_match import figures as plots
from core.labs.what_to_match import layer_costs as costing
from core.labs.what_to_match import layer_maps as maps
from core.labs.what_to_match import outcome as outcomes
from core.labs.what_to_match import relations as study
from core.numbering import shown as number
from core.runs.index import open_run
from core.runs.queue import RunView
from pages.kit import components
from pages.kit.components.layer_board import layer_board
from pages.kit.page import Page
from pages.what_to_match.shipped import map_words, more, name_of

PARAMETER = "map"
"""Under this name the address carries the learner's map."""


def _students(page: Page, view: RunView | None) -> dict[str, tuple[str, Callable[[], costing.LayerCosts]]]:
    """Students that the board can show: their names, and the costs of their layers against the teacher's."""
    t, found = page.t, {}
    for pair, title in t.group("pairs").items():
        teacher, students = study.names_of(page.setting, pair)
        for role, name in students.items():
            costs = lambda teacher=teacher, name=name: costing.costs_of(ENGINE, page.setting, teacher, name)  # noqa: E731
            found[f"{pair}-{role}"] = (f"{title}: {name_of(page, role)}", costs)
    if view is not None and view.state in ("finished", "stopped"):
        run = open_run(view.name)
        for arm in view.plan["arms"]:
            costs = lambda arm=arm: outcomes.final_costs(ENGINE, run, page.setting, arm)  # noqa: E731
            found[f"run-{arm}"] = (t("run_student", name=name_of(page, arm)), costs)
    return found


def board(page: Page, text: str, view: RunView | None) -> None:
    """The board with its costs."""
    t = page.t
    students = _students(page, view)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        who = page.select(
            "board_student",
            "words-distilled",
            t("which_student"),
            list(students),
            format_func=lambda name: students[name][0],
            filter_mode=None,
        )
        slot = st.container()
        places = t.group("on")
        place = page.choice(
            "board_on",
            "sample",
            t("measured_on"),
            list(places),
            format_func=places.get,
        )
    with st.spinner(t("measuring")):
        costs = students[who][1]()
    if place == "text":
        costs = _on_text(page, who, costs, text, view)
    titles = {name: title for name, title in t.group("criteria").items() if name in costs.criteria}
    with slot:
        criterion = page.select(
            "criterion", "attention" if "attention" in titles else "cka", t("criterion"), list(titles),
            format_func=titles.get, filter_mode=None,
        )  # fmt: skip
    if "attention" not in titles:
        st.info(t("no_heads"), icon=":material/info:")
    given = maps.rules(*costs.shape)
    map_ = _dragged(page, costs, criterion, given)
    found = maps.verdict(costs, criterion, map_)
    _say(page, found)
    shown = t.group("rules")
    marked = {shown[name]: (one.rank, one.cost) for name, one in maps.marked(costs, criterion, map_, given).items()}
    page.figure(
        plots.all_maps(found.totals, marked, (found.rank, found.cost), t.group("maps")),
        "maps",
        t("maps_alt", count=found.count, lowest=f"{found.lowest:.3f}", highest=f"{found.highest:.3f}", rank=found.rank),
        lambda: plots.costs_table(costs.of, titles, {"student": t("student_column"), "teacher": t("teacher_column")}),
    )
    st.latex(plots.sum_formula(found.losses, found.cost))
    _every_cost(page, costs, map_, titles)
    more(page, "about_costs", "costs")
    if not who.startswith("run-"):
        pair, role = who.rsplit("-", 1)
        teacher, names = study.names_of(page.setting, pair)
        page.code("board", teacher=teacher, student=names[role], layer_map=tuple(map_))


def _on_text(page: Page, who: str, costs: costing.LayerCosts, text: str, view: RunView | None) -> costing.LayerCosts:
    """The costs on the learner's text, with the matrices that were fitted on the definitions."""
    pair, role = who.rsplit("-", 1)
    if pair == "run":
        run = open_run(view.name)
        cast = courses.frames(ENGINE, run, text)[-1].cast
    else:
        cast = study.read(ENGINE, page.setting, pair, text)
    return costs.on(study.features_of(cast.teacher), study.features_of(cast.students[role]))


def _dragged(
    page: Page, costs: costing.LayerCosts, criterion: str, given: dict[str, tuple[int, ...]]
) -> tuple[int, ...]:
    """Buttons for the rules and the board itself; the map lives in the address."""
    t, (students, teachers) = page.t, costs.shape
    key = f"wm_board_{students}_{teachers}"
    first = given.get("first", (teachers - 1,) * students)

    def put(map_: Sequence[int]) -> None:
        page.set_parameter(PARAMETER, maps.map_text(map_))
        components.assign(key, map_)

    with st.container(horizontal=True, gap="small"):
        for name, map_ in given.items():
            st.button(t(f"rules.{name}"), key=f"wm_rule_{name}", on_click=put, args=(map_,))
    asked = maps.map_from(page.parameter(PARAMETER), students, teachers, first)
    if st.session_state.get(key + "_seen") != asked:  # a link or Reset has changed it: the board follows
        components.assign(key, asked)
    cost = maps.verdict(costs, criterion, asked).cost
    map_ = layer_board(
        costs.of[criterion],
        asked,
        maps.best_map(costs, criterion),
        key=key,
        labels=t.group("board"),
        alt=t("board_alt", map=map_words(asked), cost=f"{cost:.3f}"),
    )
    st.session_state[key + "_seen"] = map_
    if map_ != asked:
        page.set_parameter(PARAMETER, maps.map_text(map_))
        if st.session_state.get(page.key("map_rule")) == "board":
            st.rerun()  # the set-up of the run names the map
    return map_


def _say(page: Page, found: maps.Verdict) -> None:
    """The map's cost and place, and what is odd about it."""
    t = page.t
    blanks = {"map": map_words(found.map_), "cost": f"{found.cost:.3f}", "count": f"{found.count:,}"}
    if found.rank == 1:
        st.markdown(t("your_map_best", **blanks))
    else:
        best, lowest = map_words(found.best), f"{found.lowest:.3f}"
        st.markdown(t("your_map", rank=found.rank, best=best, lowest=lowest, **blanks))
    for low, high in study.crossings(found.map_)[:1]:
        st.warning(t("crossing", low=number(low), high=number(high)), icon=":material/shuffle:")
    if found.shares:
        st.warning(t("shared"), icon=":material/merge:")
    if found.partial:
        st.caption(t("unpaired_note"))


def _every_cost(page: Page, costs: costing.LayerCosts, map_: Sequence[int], titles: dict[str, str]) -> None:
    """The map by every cost, and whether the costs agree on the best one."""
    t = page.t
    found = {criterion: maps.verdict(costs, criterion, map_) for criterion in titles}
    st.markdown(f"**{t('all_criteria')}**")
    st.dataframe(
        {
            t("criterion"): list(titles.values()),
            t("maps.mine"): [f"{one.cost:.3f}" for one in found.values()],
            t("place"): [t("of_count", rank=one.rank, count=one.count) for one in found.values()],
            t("best_by"): [map_words(one.best) for one in found.values()],
        },
        hide_index=True,
    )
    best = {map_words(one.best) for one in found.values()}
    if len(best) == 1:
        st.markdown(t("best_agree", map=best.pop()))
    else:
        parts = "; ".join(f"{titles[name]} {map_words(one.best)}" for name, one in found.items())
        st.markdown(t("best_differ", list=parts))
