"""The toy whose matrices a learner edits, and BertViz."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.charts import colors
from core.engine import ENGINE
from core.labs.self_attention import bertviz_view, formulas
from core.labs.self_attention import toy as toys
from core.numbering import read
from pages.kit import components
from pages.kit.page import Page

TOY_TOKENS = ["A", "B", "C"]


def toy(page: Page) -> None:
    """Matrices to edit, and every step computed from them."""
    t = page.t
    if "_sa_toy" not in st.session_state:  # at first, and after Reset, which also needs editors without a memory
        st.session_state["_sa_toy"] = {
            part: toys.read(page.parameter(f"toy_{part}"), toys.START[part]) for part in toys.START
        }
        st.session_state["sa_toy_revision"] = st.session_state.get("sa_toy_revision", 0) + 1
    with st.container(horizontal=True):
        causal = page.toggle("causal", False, t("causal"))
        swapped = page.toggle("swapped", False, t("swapped"))
    edited = {}
    parts = iter(st.session_state["_sa_toy"].items())
    for _ in range(2):
        for column, (part, rows) in zip(st.columns(2), parts, strict=False):
            with column:
                st.markdown(t("toy_x") if part == "x" else f"$W_{part[-1].upper()}$")
                edited[part] = _editor(part, rows)
    matrices = {part: toys.checked(toys.NAMES[part], rows) for part, rows in edited.items()}
    for part, rows in edited.items():
        page.set_parameter(f"toy_{part}", "" if rows == toys.START[part] else toys.written(rows))
    found = toys.attention(**matrices, causal=causal, swapped=swapped)
    with st.container(border=True):
        for column, part in zip(st.columns(3), ("query", "key", "value"), strict=True):
            column.latex(formulas.toy_projection(part, getattr(found, part)))
        for column, (formula, values, color) in zip(
            st.columns(3),
            (
                (r"S = QK^\top / \sqrt{4}", found.scores, colors.SCORES),
                (r"A = \text{softmax}(S)", found.weights, colors.PROBABILITIES),
                ("Z = AV", found.output, colors.VALUE),
            ),
            strict=True,
        ):
            column.latex(formulas.matrix(formula, values, color))
        left, right = st.columns([2, 3], vertical_alignment="center")
        tokens = TOY_TOKENS[::-1] if swapped else TOY_TOKENS
        with left:
            components.attention_map(
                found.weights,
                tokens,
                tokens,
                key="sa_toy_map",
                labels=t.group("map") | {"hint": t("toy_hint")},
                alt=t("toy_map", token=tokens[0], value=f"{found.weights[0, 0]:.2f}"),
                color=colors.PROBABILITIES,
            )
        said = ("swap_same" if found.equivariant else "swap_differs") if swapped else "toy_try"
        right.markdown(t(said, moved=f"{found.moved:.1e}"))
    page.code("toy", matrices=[*edited.values()], causal=causal)


def _editor(part: str, rows: toys.Rows) -> list[list[float | None]]:
    """One matrix as a table of numbers; the rows as edited, None where a cell is empty."""
    frame = pd.DataFrame(rows, columns=list("1234"), dtype=float)
    edited = st.data_editor(
        frame,
        hide_index=True,
        key=f"_sa_toy_{part}_{st.session_state['sa_toy_revision']}",
        column_config={column: st.column_config.NumberColumn(format="%g") for column in frame},
        num_rows="fixed",
    )
    return edited.to_numpy().tolist()


def bertviz(page: Page, name: str, text: str) -> None:
    """BertViz's own views, built only when they are opened."""
    t = page.t
    view = page.choice(
        "bertviz",
        "off",
        t("bertviz"),
        ["off", "head", "model"],
        format_func=t.group("views").get,
        label_visibility="collapsed",
    )
    if view == "off":
        return
    trace = ENGINE.trace(page.setting, name, text)
    layers, heads = trace.probabilities.shape[:2]
    tokens, shown = trace.tokens.pieces, None
    if len(tokens) > bertviz_view.bertviz_limit(layers, heads):
        limit, layer = bertviz_view.bertviz_limit(1, heads), st.session_state.get(page.key("layer"), 1)
        if len(tokens) > limit:
            st.info(t("bertviz_too_long", tokens=len(tokens), limit=limit))
            return
        st.info(
            t("bertviz_one_layer", tokens=len(tokens), limit=bertviz_view.bertviz_limit(layers, heads), layer=layer)
        )
        shown = [read(layer)]
    st.iframe(
        bertviz_view.bertviz_html(view, trace.probabilities, tokens, shown, st.context.theme.type == "dark"),
        height=bertviz_view.bertviz_height(view, len(shown) if shown else layers, heads, len(tokens)),
        alt=t("bertviz_alt", view=t(f"views.{view}"), model=name, tokens=len(tokens)),
    )
