"""The shipped students next to their teacher: attention, value relations, CKA of all layers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.charts.colors import DIFFERENCE
from core.engine import ENGINE
from core.labs.what_to_match import figures as plots
from core.labs.what_to_match import layer_costs as costing
from core.labs.what_to_match import layer_maps as maps
from core.labs.what_to_match import relations as study
from core.labs.what_to_match.figures import color_of
from core.numbering import listed as numbered
from core.numbering import numbers, read, shown
from core.source import weights_of
from pages.kit import components
from pages.kit.components.map_wall import WallFrame, map_wall
from pages.kit.page import Page, code_span


def name_of(page: Page, arm: str) -> str:
    """Name of a student on the page."""
    known = page.t.group("arms")
    return known.get(arm, arm)


def spoken(page: Page, arm: str) -> str:
    """The same inside Markdown; a name from elsewhere is shown as it is."""
    known = page.t.group("arms")
    return known[arm] if arm in known else code_span(arm)


def more(page: Page, label: str, section: str) -> None:
    """Deeper text, for those who want it."""
    with st.expander(page.t(label), icon=":material/menu_book:"):
        page.prose(section)


def listed(page: Page, names: Sequence[str], values: Sequence[float], digits: int = 2) -> str:
    """Students with a number each, in a sentence."""
    parts = [
        page.t("distance_pair", name=name_of(page, name), value=f"{value:.{digits}f}")
        for name, value in zip(names, values, strict=True)
    ]
    return ", ".join(parts)


def map_words(map_: Sequence[int]) -> str:
    """A layer map in a sentence, layers from 1 on."""
    return ", ".join(numbered(pair, " → ") for pair in study.pairs_of(map_))


def layer_and_head(
    page: Page, cast: study.PairedTraces, map_: Sequence[int], view: str, prefix: str
) -> tuple[int, int, int]:
    """The controls for a student's layer and a head; returns (student's layer, teacher's layer, head)."""
    t, paired = page.t, dict(study.pairs_of(map_))
    layers = [layer for layer in range(cast.depth) if layer in paired]

    def named(number: int) -> str:
        return t("beside", student=number, teacher=shown(paired[read(number)]))

    choices = [shown(layer) for layer in layers]
    options = {"format_func": named, "filter_mode": None}
    layer = read(page.select(f"{prefix}_student_layer", choices[-1], t("student_layer"), choices, **options))
    telling = study.telling_head(cast, view, (layer, paired[layer]))
    head = page.select(
        f"{prefix}_head",
        shown(telling),
        t("head"),
        [shown(study.EVERY_HEAD), *numbers(cast.heads)],
        format_func=lambda number: str(number) if number else t("every_head"),
        filter_mode=None,
    )
    return layer, paired[layer], read(head)


def frame_of(page: Page, seen: study.SideBySide, label: str = "") -> WallFrame:
    """The maps of one step, each with its distance to the teacher's."""
    notes = [page.t("kl_note", value=f"{value:.3f}") for value in seen.distances[1:]]
    return WallFrame(label, seen.maps, [page.t("reference"), *notes])


def wall_table(page: Page, seen: study.SideBySide) -> pd.DataFrame:
    """The numbers of a wall."""
    names = [name_of(page, name) for name in seen.names]
    return plots.maps_table(seen.maps, names, seen.pieces, seen.pieces, page.t.group("cells"))


def kept_place(page: Page, steps: Sequence[int], key: str) -> int:
    """Index of the step that the address names; the last one if none. The component with this key follows."""
    asked = page.parameter("step")
    place = steps.index(int(asked)) if asked.isdecimal() and len(asked) < 7 and int(asked) in steps else len(steps) - 1
    if st.session_state.get(key + "_seen", place) != place:
        components.assign(key, place)
    return place


def keep_place(page: Page, steps: Sequence[int], key: str, place: int) -> None:
    """Write the step that is in view into the address."""
    st.session_state[key + "_seen"] = place
    page.set_parameter("step", "" if place == len(steps) - 1 else str(steps[place]))


def side_by_side(page: Page, text: str) -> None:
    """A shipped pair on the learner's text."""
    t = page.t
    pairs, views = t.group("pairs"), t.group("views")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        pair = page.choice("pair", "words", t("which_pair"), list(pairs), format_func=pairs.get)
        view = page.choice("view", "attention", t("view"), list(views), format_func=views.get)
    if pair in study.SHIPPED:
        st.caption(t(f"pair_facts.{pair}"))
    teacher, students = study.names_of(page.setting, pair)
    page.notices(ENGINE.tokens(page.setting, teacher, text))
    cast = study.read(ENGINE, page.setting, pair, text)
    if view == "cka":
        _all_layers(page, cast, pair, text)
        return
    map_ = study.made_from(ENGINE, page.setting, pair)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        layer, other, head = layer_and_head(page, cast, map_, view, "shipped")
    seen = study.wall(cast, view, (layer, other), head)
    map_wall(
        [frame_of(page, seen)],
        [name_of(page, name) for name in seen.names],
        seen.pieces,
        seen.pieces,
        key="wm_shipped_wall",
        labels=t.group("wall"),
        alt=t(
            "wall_alt",
            view=views[view],
            layer=shown(layer),
            count=len(seen.names),
            distances=listed(page, seen.names[1:], seen.distances[1:]),
        ),
        colors=[color_of(name) for name in seen.names],
        limits=(0.0, study.reach([seen])),
    )
    page.numbers("shipped", lambda: wall_table(page, seen))
    _said(page, cast, seen, view)
    page.check(cast.check)
    if view == "values":
        more(page, "about_relations", "relations")
    folders = {
        "teacher_folder": weights_of(teacher),
        "student_folders": [weights_of(name) for name in students.values()],
    }
    page.code(f"shipped_{view}", pair=pair, text=text, layer=layer, other=other, head=head, **folders)


def _said(page: Page, cast: study.PairedTraces, seen: study.SideBySide, view: str) -> None:
    """Draw the meaning of the distances, whichever way they go."""
    t = page.t
    if len(seen.names) == 2:
        heads = {"student": cast.heads, "teacher": len(cast.teacher.layers[0].query)}
        key = "one_student_heads" if heads["student"] == heads["teacher"] else "one_student"
        st.markdown(t(key, value=f"{seen.distances[1]:.3f}", **heads))
        return
    near, far = sorted(seen.distances[1:])
    key = "nearer_taught" if seen.nearest == "distilled" else "nearer_control"
    st.markdown(t(key, near=f"{near:.3f}", far=f"{far:.3f}", what=t(f"whats.{view}")))


def _all_layers(page: Page, cast: study.PairedTraces, pair: str, text: str) -> None:
    """CKA of every layer with every layer, the layer map drawn in."""
    t = page.t
    places = t.group("on")
    place = page.choice("cka_on", "sample", t("measured_on"), list(places), format_func=places.get)
    teacher, students = study.names_of(page.setting, pair)
    with st.spinner(t("measuring")):
        costs = [costing.costs_of(ENGINE, page.setting, teacher, name) for name in students.values()]
    if place == "text":
        known = study.features_of(cast.teacher)
        costs = [
            one.on(known, study.features_of(trace)) for one, trace in zip(costs, cast.students.values(), strict=True)
        ]
    map_ = study.made_from(ENGINE, page.setting, pair)
    draw_grids(page, list(students), [[1 - one.of["cka"] for one in costs]], [""], map_, "wm_shipped_grid")
    if place == "text":
        width = cast.teacher.hidden.shape[-1]
        st.caption(t("few_tokens", count=len(cast.pieces), width=width))
    st.caption(t("asked_models", names=", ".join(code_span(name) for name in (teacher, *students.values()))))
    page.code("cka", pair=pair)


def draw_grids(
    page: Page,
    names: Sequence[str],
    steps: Sequence[Sequence],
    labels: Sequence[str],
    map_: Sequence[int],
    key: str,
    frame: int | None = None,
) -> int:
    """CKA grids `[student layer, teacher layer]` of some students at some steps; returns the step's place that is shown."""
    t = page.t
    found = [maps.grids(step) for step in steps]
    means = [maps.along(step, map_) for step in steps]
    marks = [[(other, layer) for layer, other in study.pairs_of(map_)]] * len(names)
    frames = [
        WallFrame(label, grid.maps, [t("cka_note", value=f"{value:.3f}") for value in mean], grid.best)
        for label, grid, mean in zip(labels, found, means, strict=True)
    ]
    rows, columns = map(numbers, found[-1].maps.shape[1:])
    place = map_wall(
        frames,
        [name_of(page, name) for name in names],
        rows,
        columns,
        key=key,
        labels=t.group("grid"),
        alt=t("cka_alt", distances=listed(page, names, means[-1])),
        colors=[DIFFERENCE] * len(names),
        limits=(0.0, 1.0),
        marks=marks,
        numbers=True,
        largest=64,
        frame=frame,
    )
    st.caption(t("cka_legend", map=map_words(map_)))
    st.markdown(t("cka_same" if found[place].follows(map_) else "cka_other"))
    table = [name_of(page, name) for name in names]
    cells = {"row": t("teacher_column"), "column": t("student_column")}
    page.numbers(key, lambda: plots.maps_table(found[place].maps, table, rows, columns, cells))
    return place
