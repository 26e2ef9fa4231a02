"""The labs of the page on layer outputs that look at tokens: similarity, change, paths."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.charts.colors import STUDENT, TEACHER
from core.labs.layer_outputs import figures as plots
from core.labs.layer_outputs import hidden_states as study
from core.numbering import read, read_list, written
from core.numbering import shown as number
from lessons import Labels
from pages.kit import components
from pages.kit.page import Page, code_span

COLORS = {"teacher": TEACHER, "student": STUDENT}
WINDOW = 24
"""Tokens along a map's side; more would be taller than a screen."""

PLAYING, STARTED = "_lo_playing", "_lo_started"


def more(page: Page, label: str, prose: str) -> None:
    """Deeper text, folded."""
    with st.expander(page.t(label), icon=":material/info:"):
        page.prose(prose)


def layer_name(t: Labels, layer: int) -> str:
    """One layer in a sentence."""
    return t("layer_name", layer=layer) if layer else t("embeddings_name")


def window(page: Page, name: str, places: list[int]) -> list[int]:
    """The part of a long text that a map shows, moved by a slider; a short text is shown whole."""
    if len(places) <= WINDOW:
        return places
    label = page.t("window", shown=WINDOW, total=len(places))
    last = len(places) - WINDOW
    start = read(page.slider(f"token_{name}", number(0), label, number(0), number(last)))
    return places[start : start + WINDOW]


def focus(
    page: Page,
    name: str,
    keys: Sequence[str],
    default: tuple[int, int],
    axes: Sequence[list[int]],
    known: Sequence[int],
) -> tuple[tuple[int, int] | None, tuple[int, int]]:
    """The cell that some maps show together; the address keeps the layers or positions of its row and column, from 1.

    Args:
        default: where nothing was chosen, or what was chosen is not `known`.
        axes: the layers or positions of the maps' rows and columns.

    Returns:
        The cell as (row, column), None if it is outside the maps, and the layers or positions of it.
    """
    chosen = read_list(page.parameter(name))
    if len(chosen) != 2 or not set(chosen) <= set(known):
        chosen = default
    rows, columns = axes
    cell = (rows.index(chosen[0]), columns.index(chosen[1])) if chosen[0] in rows and chosen[1] in columns else None
    picked = components.shared_choice(keys, cell, (len(rows), len(columns)))
    if picked and picked != cell:
        cell, chosen = picked, (rows[picked[0]], columns[picked[1]])
        page.set_parameter(name, written(chosen))
    return cell, chosen


def _columns(t: Labels) -> list[str]:
    """The columns of a long table."""
    return [t(name) for name in ("model", "layer", "token", "value")]


def _play(page: Page) -> None:
    """Start the film at the embeddings, or stop it."""
    st.session_state[PLAYING] = not st.session_state.get(PLAYING)
    if st.session_state[PLAYING]:
        page.put("depth", 0)


def similarity(page: Page, both: study.Pair, text: str) -> None:
    """Cosines between tokens, teacher next to student, moving through the layers."""
    t = page.t
    playing = st.session_state.get(PLAYING, False)
    with st.container(horizontal=True, vertical_alignment="center"):
        icon = ":material/pause:" if playing else ":material/play_arrow:"
        st.button(t("pause" if playing else "play"), icon=icon, on_click=_play, args=(page,), key="_lo_play")
        special = page.toggle("special", False, t("special"))
    last = len(both.teacher.layers)

    def show() -> None:
        if playing and not st.session_state.get(PLAYING):
            st.rerun()  # the film is over: go on without its clock
        if playing and st.session_state.get(STARTED):
            page.put("depth", min(st.session_state[page.key("depth")] + 1, last))
            st.session_state[PLAYING] = st.session_state[page.key("depth")] < last
        st.session_state[STARTED] = playing
        _draw_similarity(page, both, text, both.shown(special))

    st.fragment(show, run_every=1.1 if playing else None)()


def _draw_similarity(page: Page, both: study.Pair, text: str, positions: study.Tensor) -> None:
    """The two maps and the curves at the chosen layer."""
    t, last = page.t, len(both.teacher.layers)
    stop = lambda: st.session_state.update({PLAYING: False})  # noqa: E731
    layer = page.slider("depth", min(3, last), t("depth"), 0, last, help=t("zero_help"), on_change=stop)
    places = window(page, "similarity", positions.tolist())
    tokens = [both.pieces[place] for place in places]
    keys, known = ["lo_cos_teacher", "lo_cos_student"], positions.tolist()
    cell, pair = focus(page, "token_pair", keys, study.interesting_pair(both), (places, places), known)
    found = {role: study.similarity(trace, positions) for role, trace in both.traces.items()}
    shown = {"teacher": layer, "student": both.beside(layer)}
    limits = study.common_limits(found.values())
    for column, (role, color) in zip(st.columns(2), COLORS.items(), strict=True):
        with column:
            heading = f"heading_{role}" if shown[role] else f"heading_{role}_0"
            st.markdown(t(heading, layer=shown[role], layers=len(both.traces[role].layers)))
            mean = f"{found[role].mean[shown[role]]:.2f}"
            components.attention_map(
                study.part(found[role].grid[shown[role]], known, places),
                tokens,
                tokens,
                key=f"lo_cos_{role}",
                labels=t.group("cos_map"),
                alt=t("cos_alt", count=len(tokens), model=t(f"role.{role}"), layer=shown[role], mean=mean),
                color=color,
                selected=cell,
                limits=limits,
            )
    names = [f"{code_span(both.pieces[place])} ({number(place)})" for place in pair]
    courses = {role: study.course(one, known, pair) for role, one in found.items()}
    for role, course in courses.items():
        numbers = {
            name: f"{value:+.2f}" if "lead" in name else f"{value:.2f}" for name, value in course.numbers.items()
        }
        key = "pair_together" if course.grows else "pair_apart"
        st.markdown(t(key, first=names[0], second=names[1], model=t(f"role.{role}"), **numbers))
    lines = []
    for role, one in found.items():
        at = both.depths if role == "student" else range(last + 1)
        for label, values in (("line_pair", one.between(known, pair)), ("line_mean", one.mean)):
            lines.append(plots.Line(values, at, t(label, model=t(role)), role == "student", label == "line_mean"))
    page.figure(
        plots.by_depth(lines, {"x": t("curve_x"), "y": t("cosine"), "embeddings": t("embeddings")}, layer),
        "similarity",
        t("curve_alt", **{name: f"{value:.2f}" for name, value in vars(courses["teacher"]).items()}),
        lambda: plots.line_table(lines, t("teacher_layer")),
    )
    with st.expander(t("about_cosine"), icon=":material/function:"):
        for role, trace in both.traces.items():
            st.markdown(f"{t(role)}, {layer_name(t, shown[role])}: {names[0]}, {names[1]}")
            st.latex(plots.cosine_formula(study.cosine_parts(trace, shown[role], *pair)))
    more(page, "about_average", "anisotropy")
    page.code("similarity", text=text, first=pair[0], second=pair[1])


def motion(page: Page, both: study.Pair, text: str) -> None:
    """Draw the lengths of states, and the distance that a layer moves them."""
    t = page.t
    names = t.group("measures")
    measure = page.choice("measure", "change", t("measure"), list(names), format_func=names.get)
    st.markdown(t(f"formulas.{measure}"))
    first = 0 if measure == "norm" else number(0)  # what the first row is called: the embeddings, or layer 1
    values = {role: study.motion(trace, measure) for role, trace in both.traces.items()}
    most = {role: study.largest(rows) for role, rows in values.items()}
    labels = {name: t(name) for name in (*COLORS, "embeddings")} | {"scale": names[measure], "cell": t("motion_cell")}
    top, token = most["teacher"], both.pieces[most["teacher"].position]
    page.figure(
        plots.layers_by_token(*values.values(), both.pieces, first, labels),
        "motion",
        t("motion_alt", measure=names[measure], value=f"{top.value:.2f}", layer=top.layer + first, token=token),
        lambda: plots.long_table({t(role): rows for role, rows in values.items()}, both.pieces, first, _columns(t)),
    )
    said = {}
    for role, one in most.items():
        said[f"{role}_value"] = f"{one.value:.2f}"
        said[f"{role}_token"] = code_span(both.pieces[one.position])
        said[f"{role}_layer"] = layer_name(t, one.layer + first)
    st.markdown(t("motion_most", **said))
    depths = {"teacher": range(len(both.teacher.hidden)), "student": both.depths}
    lines = [plots.Line(rows.mean(1), depths[role], t(role), role == "student") for role, rows in values.items()]
    ends = {name: f"{lines[0].values[place]:.2f}" for name, place in (("start", 0), ("end", -1))}
    page.figure(
        plots.by_depth(lines, {"x": t("curve_x"), "y": t("mean_over_tokens"), "embeddings": t("embeddings")}),
        "motion_mean",
        t("motion_lines_alt", measure=names[measure], **ends),
        lambda: plots.line_table(lines, t("teacher_layer")),
    )
    more(page, "about_norms", "norms")
    page.code("motion", text=text)


def paths(page: Page, both: study.Pair, text: str) -> None:
    """The way of some tokens through the layers, in a plane."""
    t = page.t
    tokens, count = both.pieces, len(both.pieces)
    key = f"_lo_path_{hash(text)}"
    chosen = st.multiselect(
        t("path_tokens"),
        range(count),
        (page.positions("token_path", (), count) or study.interesting_pair(both))[:4],
        format_func=lambda place: f"{tokens[place]} ({number(place)})",
        key=key,
        max_selections=4,
        on_change=lambda: page.set_parameter("token_path", written(st.session_state[key])),
    )
    with st.container(horizontal=True):
        close = page.toggle("close", True, t("close"), help=t("close_help"))
        together = page.toggle("together", True, t("together"), help=t("together_help"))
        unit = page.toggle("unit", True, t("unit"), help=t("unit_help"))
    fitted = tuple(chosen) if close else ()
    seen = study.plane(both, together, unit, fitted)
    if together and not seen.together:
        st.info(t("widths_differ"))
    if not chosen:
        st.info(t("path_none"), icon=":material/touch_app:")
    kept = {"teacher": f"{seen.teacher_kept:.0%}", "student": f"{seen.student_kept:.0%}"}
    labels = {name: t(name) for name in (*COLORS, "embeddings")} | {"point": t("path_point")}
    page.figure(
        plots.token_paths(
            seen.teacher,
            seen.student,
            tokens,
            chosen,
            seen.together,
            labels | {"x": t("component", number=1), "y": t("component", number=2)},
        ),
        "paths",
        t("path_alt", tokens=", ".join(tokens[place] for place in chosen), **kept),
        lambda: plots.long_table(
            {f"{t(role)}, {t('component', number=i + 1)}": vars(seen)[role][..., i] for role in COLORS for i in (0, 1)},
            tokens,
            0,
            _columns(t),
        ),
    )
    st.markdown(t("kept" if close and chosen else "kept_all", rest=seen.rest, **kept))
    page.code("paths", text=text, together=seen.together, unit=unit, fitted=fitted)
