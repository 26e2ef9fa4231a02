"""The lab on the table of positions that the teacher learned."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.charts.colors import POSITIVE, TEACHER
from core.engine import ENGINE
from core.labs.positional_encoding import encodings as study
from core.labs.positional_encoding import figures as draw
from pages.kit.page import Page


def learned(page: Page) -> None:
    """The teacher's own table: overview, a stretch of it, its path, its rows."""
    t, axis = page.t, page.t.group("axis")
    table = study.learned_table(ENGINE, page.setting, page.setting.teacher)
    rows, width = table.table.shape
    st.markdown(t("table_text", rows=rows, width=width, count=table.table.numel()))
    left, right = st.columns(2)
    with left:
        last = table.last_start
        first = page.slider("from", min(300, last), t("from_position"), 0, last) if last else 0
    path = study.path(table.table, first)

    def axes_label(one: int) -> str:
        names = {"one": one + 1, "two": one + 2, "p": path.periods[one], "q": path.periods[one + 1]}
        return t("axes_auto") if one < 0 else t("axes_choice", **names)

    with right:
        one = page.select("axes", -1, t("axes"), [-1, *range(len(path.periods) - 1)], format_func=axes_label)
    axes = path.axes if one < 0 else (one, one + 1)
    near = list(range(path.first, path.last + 1))
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{t('overview', rows=rows)}**")
        page.figure(
            draw.cosine_map(table.drawn, table.starts, axis, (path.first, path.last)),
            "overview",
            t("overview_alt", rows=rows, size=table.block),
            lambda: pd.DataFrame(table.drawn.numpy(), table.starts, table.starts).reset_index(),
        )
        st.markdown(f"**{t('curves_title')}**")
        curves = {"learned_line": table.similarity.cosine, "sinusoid_line": table.sinusoids.cosine}
        colors = {"learned_line": TEACHER, "sinusoid_line": POSITIVE}
        page.figure(
            draw.similarity_lines([(axis[name], curve, colors[name]) for name, curve in curves.items()], axis),
            "curves",
            t("curves_alt", near=curves["learned_line"][1], valley=table.valley, sinusoid=curves["sinusoid_line"][1]),
            lambda: pd.DataFrame(curves),
        )
        st.markdown(t("waves_again", valley=table.valley, hill=table.hill) if table.hill else t("no_waves"))
    with right:
        st.markdown(f"**{t('closeup', first=path.first, last=path.last)}**")
        page.figure(
            draw.cosine_map(path.cosines, near, axis),
            "closeup",
            t("closeup_alt", first=path.first, last=path.last, low=path.cosines.min().item()),
            lambda: pd.DataFrame(path.cosines.numpy(), near, near).reset_index(),
        )
        st.markdown(f"**{t('path_title')}**")
        facts = {"one": axes[0] + 1, "two": axes[1] + 1, "p": path.periods[axes[0]], "q": path.periods[axes[1]]}
        page.figure(
            draw.path_figure(path.scores, axes, path.first, axis),
            "path",
            t("path_alt", first=path.first, last=path.last, **facts),
            lambda: pd.DataFrame(path.scores.numpy(), near).reset_index(),
        )
        turning = t("path_clock", turns=path.turns[axes[0]]) if path.goes_round(axes[0]) else t("path_no_clock")
        st.markdown(t("path_text", share=path.share_of(axes), **facts) + " " + turning)
    st.markdown(f"**{t('profile_title')}**")
    seams = ", ".join(f"{seam}|{seam + 1}" for seam in table.seams) or t("no_seams")
    page.figure(
        draw.row_profile(table.norms, table.next_cosine, table.seams, axis),
        "profile",
        t("profile_alt", table=table, seams=seams),
        lambda: pd.DataFrame({"norm": table.norms, "next_cosine": [*table.next_cosine.tolist(), None]}),
    )
    st.markdown(t("profile_text", table=table, seams=seams))
    untrained = table.untrained
    st.markdown(t("untrained_some", count=len(untrained), some=untrained[:9]) if untrained else t("trained_all"))
    with st.expander(page.lesson["seams"].title, icon=":material/help:", key=page.key("seams")):
        page.prose("seams")
    page.code("learned", first=first)
