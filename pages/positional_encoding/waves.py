"""The lab on sinusoids: the whole picture, one pair as a clock, two positions compared."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.charts.colors import POSITIVE
from core.labs.positional_encoding import encodings as study
from core.labs.positional_encoding import figures as draw
from core.labs.positional_encoding import formulas
from pages.kit.page import Page

WIDTHS, BASES = [4, 8, 16, 32, 64, 128, 256, 384], [10, 100, 1000, 10_000, 100_000, 1_000_000]


def waves(page: Page) -> None:
    """Sinusoids: the whole picture, one pair as a clock, two positions compared."""
    t, axis = page.t, page.t.group("axis")
    left, middle, right = st.columns(3)
    with left:
        length = page.slider("length", 40, t("length"), 8, 512)
        a = page.slider("a", 6, t("position_a"), 0, length - 1)
    with middle:
        width = page.stops("width", 64, t("width"), WIDTHS)
        b = page.slider("b", min(10, length - 1), t("position_b"), 0, length - 1)
    with right:
        base = page.stops("base", 10_000, t("base"), BASES)
        pair = page.slider("pair", min(4, width // 2 - 1), t("pair"), 0, width // 2 - 1)
    found, clock = study.waves(length, width, base), study.clock(width, base, pair, a, b)
    hands = clock.hands.tolist()
    left, right = st.columns([3, 2])
    with left:
        page.figure(
            draw.encoding_heatmap(found.drawn, found.rows, found.columns, (a, b), pair, axis),
            "waves",
            t("wave_alt", length=length, width=width, a=a, b=b),
            lambda: pd.DataFrame(found.encoding.numpy()).rename_axis(axis["position"]).reset_index(),
        )
        if found.shrunk:
            st.caption(t("wave_blocks", rows=found.positions_per_row, shown=len(found.columns), width=width))
    with right:
        page.figure(
            draw.clock_figure(clock.angles, clock.frequency, min(length, 100), pair, (a, b), axis),
            "clock",
            t("clock_alt", first=2 * pair, second=2 * pair + 1, a=a, b=b, hand_a=hands[0], hand_b=hands[1]),
            lambda: pd.DataFrame({"position": [a, b], "hand": hands}),
        )
        st.markdown(t("clock_text", pair=pair, period=clock.period, turns=clock.turns))
    written = formulas.wave_formulas(a, pair, width, base, clock.angles[0])
    for column, formula in zip(st.columns(2), written, strict=True):
        column.latex(formula)
    page.section("distance")
    if page.predict("same_distance"):
        both = study.compare_positions(width, base, a, b)
        left, right = st.columns([3, 2], vertical_alignment="center")
        with left:
            line = (axis["sinusoid_line"], found.similarity.cosine, POSITIVE)
            page.figure(
                draw.similarity_lines([line], axis, (both.distance, both.cosine)),
                "distance",
                t("distance_alt", distance=both.distance, value=both.cosine),
                lambda: pd.DataFrame(found.similarity._asdict()),
            )
        with right:
            st.latex(formulas.dot_formula(a, b, width, both.dot))
            st.markdown(t("distance_text", a=a, b=b, both=both))
        with st.expander(t("turn_title"), icon=":material/rotate_right:", key=page.key("turn")):
            st.markdown(t("turn_text", distance=both.distance))
            st.latex(formulas.turn_formula(clock.matrix.tolist(), hands))
    page.code("waves", length=length, width=width, base=base, a=a, b=b)
