"""The labs of the page on layer outputs that match layers and heads."""

from __future__ import annotations

import streamlit as st

from core.charts.colors import DIFFERENCE, NEGATIVE, POSITIVE
from core.labs.layer_outputs import cka as matching
from core.labs.layer_outputs import figures as plots
from core.labs.layer_outputs import heads as attention
from core.labs.layer_outputs import hidden_states as study
from core.labs.layer_outputs import matching_figures as match_plots
from core.numbering import listed, numbers, read, shown
from pages.kit import components
from pages.kit.page import Page
from pages.layer_outputs.tokens import COLORS, focus, more, window


def _open_cell(page: Page, layers: tuple[int, int]) -> None:
    """Open a cell of the grid, named by the teacher's and the student's layer."""
    page.put("cka_teacher", int(layers[0]))
    page.put("cka_student", int(layers[1]))


def layers_match(page: Page, both: study.Pair, text: str) -> None:
    """CKA of all layers, its control, two layer maps, and one cell opened."""
    t = page.t
    rows, columns = len(both.teacher.layers), len(both.student.layers)
    special = page.toggle("cka_special", False, t("special"))
    positions = both.shown(special)
    found = matching.layer_grid(both, positions)
    answer = matching.guess_answer(found.best, both.depths, rows, min(2, columns))
    if answer is not None and not page.predict("guess_layer", answer):
        return
    views = t.group("views")
    view = page.choice("view", "measured", t("view"), list(views), format_func=views.get)
    left, right = st.columns(2)
    with right:
        st.markdown(f"**{t('open_cell')}**")
        st.caption(t("open_hint"))
        chosen = (
            page.slider("cka_teacher", min(3, rows), t("teacher_layer"), 0, rows, help=t("zero_help")),
            page.slider("cka_student", min(2, columns), t("student_layer"), 0, columns, help=t("zero_help")),
        )
        states = [trace.hidden[layer, positions] for trace, layer in zip(both.traces.values(), chosen, strict=True)]
        steps = matching.growth(both, positions, *chosen)
        page.figure(
            match_plots.growth_lines(steps, t.group("growth")),
            "growth",
            t("growth_alt", measured=f"{steps.measured[-1]:.2f}", control=f"{steps.control[-1]:.2f}"),
            lambda: match_plots.growth_table(steps, t.group("growth")),
        )
    with left:
        labels = {"embeddings": t("embeddings"), "x": t("student_layer"), "y": t("teacher_layer"), "scale": views[view]}
        labels |= {"best": t("best_map"), "made": t("made_map"), "cell": t("grid_cell")}
        best = ", ".join(map(str, found.best[1:]))  # a state's number is that of the layer as it is shown
        names = {"best": best, "made": listed(both.made_from)}
        page.figure(
            match_plots.layer_grid(found.view(view), found.best, both.depths, chosen, labels),
            "cka",
            t("grid_alt", layers=columns, best=names["best"]),
            lambda: plots.square_table(found.view(view), range(rows + 1), range(columns + 1)),
            on_click=lambda layers: _open_cell(page, layers),
        )
        lead = f"{min(found.lead[1:]):.3f}"
        same = found.best == both.depths
        st.markdown(t("cka_agree" if same else "cka_differ", layers=columns, lead=lead, **names))
        width, control = both.teacher.hidden.shape[-1], f"{found.control[chosen]:.2f}"
        few = bool(found.control[chosen] > 0.5)
        st.caption(t("few_warning" if few else "enough", count=len(positions), width=width, control=control))
    st.latex(match_plots.cka_formula(matching.cka_parts(*states)))
    known = positions.tolist()
    places = window(page, "grams", known)
    tokens = [both.pieces[place] for place in places]
    for column, role, state, layer in zip(st.columns(2), COLORS, states, chosen, strict=True):
        with column:
            st.markdown(t(f"gram_{role}", layer=layer))
            components.attention_map(
                study.part(matching.gram(state), known, places),
                tokens,
                tokens,
                key=f"lo_gram_{role}",
                labels=t.group("gram_map"),
                alt=t("gram_alt", count=len(tokens), model=t(f"role.{role}"), layer=layer),
                color=POSITIVE,
                signed=True,
            )
    more(page, "about_few", "few_tokens")
    more(page, "about_maps", "maps")
    page.code("cka", text=text, special=special)


def heads_match(page: Page, both: study.Pair, text: str) -> None:
    """One student head next to a teacher's, their difference, and all pairs of heads."""
    t = page.t
    teacher_layers, student_layers = len(both.teacher.layers), len(both.student.layers)
    matches = t.group("matches")
    forget = lambda: page.set_parameter("heads", "")  # noqa: E731
    for_student, for_teacher, for_match = st.columns(3)
    with for_student:
        choices = numbers(student_layers)
        start = min(2, student_layers)
        options = {"on_change": forget, "filter_mode": None}
        mine = read(page.select("student_layer", start, t("student_layer"), choices, **options))
        beside = both.made_from[mine]
    with for_teacher:

        def named(number: int) -> str:
            return str(number) if number else t("mapped_layer", layer=shown(beside))

        options = [0, *numbers(teacher_layers)]  # 0 follows the layer map
        number = page.select(
            "teacher_layer",
            0,
            t("beside"),
            options,
            format_func=named,
            on_change=forget,
            filter_mode=None,
        )
        theirs = read(number) if number else beside
    with for_match:
        match = page.select(
            "match",
            "one_to_one",
            t("match"),
            list(matches),
            format_func=matches.get,
            on_change=forget,
            filter_mode=None,
        )
    found = attention.match_heads(both.teacher, both.student, theirs, mine)
    count, others = found.divergence.shape
    head = read(page.slider("head", min(3, count), t("head_slider"), 1, count, on_change=forget))
    pairing = found.by(match)
    axes = (list(range(count)), list(range(others)))
    pair, (own, other) = focus(page, "heads", ["lo_kl"], (head, pairing[head]), axes, max(axes, key=len))
    weights = {
        "teacher": both.teacher.layers[theirs].probabilities[other],
        "student": both.student.layers[mine].probabilities[own],
    }
    difference = weights["student"] - weights["teacher"]
    known = list(range(len(both.pieces)))
    places = window(page, "attention", known)
    tokens = [both.pieces[place] for place in places]
    keys = ["lo_head_teacher", "lo_head_student", "lo_head_difference"]
    cell, (query, _) = focus(page, "token_cell", keys, attention.largest_cell(difference), (places, places), known)
    headings = {
        "teacher": t("head_teacher", layer=shown(theirs), head=shown(other)),
        "student": t("head_student", layer=shown(mine), head=shown(own)),
    }
    for column, role in zip(st.columns(3), (*COLORS, "difference"), strict=True):
        signed = role == "difference"
        with column:
            st.markdown(t("head_difference") if signed else headings[role])
            layer, head = {"teacher": (theirs, other), "student": (mine, own)}.get(role, (0, 0))
            components.attention_map(
                study.part(difference if signed else weights[role], known, places),
                tokens,
                tokens,
                key=f"lo_head_{role}",
                labels=t.group("difference_map" if signed else "attention_map"),
                alt=t("difference_alt", largest=f"{difference.abs().max():.2f}") if signed else t(
                    "attention_alt", model=t(f"role.{role}"), layer=shown(layer), head=shown(head), count=len(known)),
                color=POSITIVE if signed else COLORS[role],
                negative_color=NEGATIVE,
                signed=signed,
                limits=None if signed else (0.0, 1.0),
                selected=cell,
            )  # fmt: skip
    st.markdown(
        t(
            "kl_here",
            value=f"{found.divergence[own, other]:.3f}",
            count=len(known),
            mean=f"{found.mean(pairing):.3f}",
        )
    )
    st.markdown(t("heads_kept", kept=found.kept, heads=count))
    grid, bars = st.columns(2)
    with grid:
        st.markdown(t("heads_title"))
        names = [[f"{t('head')} {number}" for number in numbers(size)] for size in (count, others)]
        components.attention_map(
            found.divergence,
            *names,
            key="lo_kl",
            labels=t.group("kl_map"),
            alt=t("kl_alt", rows=count, columns=others, smallest=f"{found.divergence.min():.3f}"),
            color=DIFFERENCE,
            selected=pair,
            limits=(0.0, found.scale),
        )
        page.numbers("heads", lambda: plots.square_table(found.divergence, *names))
    with bars:
        st.markdown(t("distance_title", layer=shown(mine)))
        distance = attention.distance_by_layer(both.teacher, both.student, mine)
        best = distance.best
        page.figure(
            match_plots.distance_bars(distance, beside, mine, t.group("distance")),
            "distance",
            t("distance_alt", layer=shown(mine), best=shown(best)),
            lambda: match_plots.distance_table(distance, t.group("distance")),
        )
        layers = {"best": best, "same": min(mine, teacher_layers - 1), "made": beside}
        said = {name: shown(layer) for name, layer in layers.items()}
        values = {f"{name}_value": f"{distance.one_to_one[layer]:.2f}" for name, layer in layers.items()}
        st.markdown(t("distance_story", **said, **values))
    with st.expander(t("row_formula", token=both.pieces[query]), icon=":material/function:"):
        terms = attention.largest_terms(weights["teacher"][query], weights["student"][query])
        st.latex(match_plots.divergence_formula(terms))
        st.dataframe(
            match_plots.term_table(terms, both.pieces, [t(name) for name in ("token", "teacher", "student", "part")]),
            hide_index=True,
        )
    more(page, "about_same", "same_number")
    page.code(
        "attention",
        text=text,
        teacher_layer=theirs,
        student_layer=mine,
        teacher_head=other,
        student_head=own,
    )
