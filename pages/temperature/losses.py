"""The lab on the losses of one gap: soft, hard and mixed, what codebases make of them, and wrong code."""

from __future__ import annotations

import streamlit as st

import lessons
from core.labs.temperature import figures as plots
from core.labs.temperature import formulas, losses, tables
from core.labs.temperature import soft_labels as study
from pages.kit.page import Page, code_span
from pages.temperature.gap import Opened, code, show


def three_losses(page: Page, opened: Opened) -> None:
    """Soft, hard and mixed, with every choice that codebases make differently."""
    t, gap = page.t, opened.gap
    left, right = st.columns(2, gap="medium")
    with left:
        temperature = page.stops("loss_temp", 2, t("temperature"), study.TEMPERATURES, format_func="{:g}".format)
    with right:
        w = page.slider("weight", 0.5, t("weight"), 0.0, 1.0, step=0.05)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        ways, names = t.group("directions"), t.group("reductions")
        direction = page.choice(
            "direction", "forward", t("direction"), list(losses.DIRECTIONS), format_func=ways.__getitem__
        )
        reduction = page.choice(
            "reduction",
            "batchmean",
            t("reduction"),
            list(names),
            format_func=names.__getitem__,
            help=t("reduction_help"),
        )
        scaled = page.toggle("square", True, t("square"))
    found = losses.losses(gap, temperature, w, direction, scaled, reduction)
    with st.grid(3, min_column_width=110):
        for label, value in (("soft_loss", found.soft), ("hard_loss", found.hard), ("mixed_loss", found.mixed)):
            st.metric(t(label), f"{value:.4g}" if value > 1e-3 else f"{value:.1e}", border=True)
    numbers = (found.divergence, found.hard, found.mixed, temperature, w, direction, scaled, reduction, gap.words)
    st.latex(formulas.loss_formula(*numbers))
    st.caption(t("hard_line", word=code_span(gap.word(gap.truth)), probability=found.probability))
    if not scaled:
        st.info(t("square_off"), icon=":material/trending_down:")
    if reduction == "mean":
        st.info(t("mean_on", words=gap.words), icon=":material/trending_down:")
    labels = t.group("loss")
    soft, hard, mixed = losses.over_temperatures(gap, w, direction, scaled, reduction)
    show(
        page,
        plots.loss_curve(study.TEMPERATURES, soft, hard, mixed, temperature, labels),
        "losses",
        labels["alt"].format(first=soft[0], last=soft[-1], hard=found.hard),
    )
    options = {"direction": direction, "scaled": scaled, "reduction": reduction}
    code(page, opened, "losses", temperature=temperature, weight=w, **options)
    page.section("codebases")
    _codebases(page, gap, temperature, w)


def _codebases(page: Page, gap: study.MaskedPosition, temperature: float, w: float) -> None:
    """Draw the loss that ten codebases would print for these logits."""
    t = page.t
    rows = lessons.table(page.slug, "codebases")
    spread = losses.compared(gap, rows, temperature, w)
    st.markdown(t("losses_line", least=spread.least, most=spread.most, factor=spread.factor))
    table = tables.codebase_table(rows, spread.printed, t.group("codes"), t.language)
    pinned = {table.columns[0]: st.column_config.TextColumn(pinned=True)}
    st.dataframe(table, hide_index=True, height="content", column_config=pinned, alt=t("codes_alt", T=temperature))
    page.numbers("codebases", lambda: table)


def mistakes(page: Page, opened: Opened) -> None:
    """Wrong code, and what it does on these logits."""
    t, gap = page.t, opened.gap
    rows = lessons.table(page.slug, "snippets")
    names = {row["id"]: t("snippet_name", number=number) for number, row in enumerate(rows, start=1)}
    wrong = page.choice("snippet", rows[0]["id"], t("snippet"), list(names), format_func=names.__getitem__)
    st.code(next(row["code"] for row in rows if row["id"] == wrong).strip(), language="python")
    if not page.predict(wrong):
        return
    found = losses.consequence(gap, wrong)
    st.markdown(t(f"evidence.{wrong}", **found.numbers))
    if found.message:
        st.code(found.message, language=None, wrap_lines=True)
    if found.leak:
        labels, leak = t.group("leak"), found.leak
        show(page, plots.leak_curve(leak.shares, leak.loss, leak.gradient, labels), "leak", labels["alt"])
