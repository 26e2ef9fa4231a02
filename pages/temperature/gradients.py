"""The labs on the gradient of one gap: where the two labels push the student's logits, and why T² is there."""

from __future__ import annotations

import streamlit as st

from core.labs.temperature import figures as plots
from core.labs.temperature import formulas, gradients
from core.labs.temperature import soft_labels as study
from core.theory.temperature import TEMPERATURES
from pages.kit.page import Page, code_span
from pages.temperature.gap import Opened, code, show


def pushed(page: Page, opened: Opened) -> None:
    """The two labels' pushes on the student's logits."""
    t, gap = page.t, opened.gap
    if gap.identical:
        st.info(t("identical"), icon=":material/content_copy:")
        return
    asked = gradients.riddle(gap, 2)
    if asked and not page.predict("riddle", asked.answer, truth=code_span(gap.word(gap.truth)), **_told(gap, asked)):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        temperature = page.stops("push_temp", 2, t("temperature"), study.TEMPERATURES, format_func="{:g}".format)
        scaled = page.toggle("push_square", True, t("square"))
    found, labels = gradients.pushes(gap, temperature, scaled), t.group("pushed")
    spelled = gap.spell(found.ids)
    lengths = {"soft": found.soft_length, "hard": found.hard_length, "cosine": found.agreement}
    st.markdown(t("push_line", words=gap.words, soft_up=found.soft_up, hard_up=found.hard_up, **lengths))
    named = {"word": spelled[0], "truth": gap.word(gap.truth)}
    pushes = {"soft": found.soft, "hard": found.hard}
    for column, (kind, values) in zip(st.columns(2, gap="medium"), pushes.items(), strict=True):
        with column:
            show(page, plots.push_bars(spelled, values, labels[kind]), kind, labels[f"alt_{kind}"].format(**named))
    places = {"push_up": found.riser, "push_truth": found.truth}
    for column, (label, place) in zip(st.columns(2, gap="medium"), places.items(), strict=True):
        row = [part[place].item() for part in (found.teacher, found.student, found.plain, found.soft, found.hard)]
        with column:
            st.markdown(t(label, word=code_span(spelled[place])))
            st.latex(formulas.push_formula(*row, place == found.truth, temperature, scaled))
    code(page, opened, "pushes", temperature=temperature, scaled=scaled)


def _told(gap: study.MaskedPosition, asked: gradients.Riddle) -> dict[str, str]:
    """The blanks of the question about the three wrong words."""
    blanks = {}
    for place, id, p, q in zip(("first", "second", "third"), asked.ids, asked.teacher, asked.student, strict=True):
        blanks |= {place: code_span(gap.word(id)), f"{place}_teacher": f"{p:.3%}", f"{place}_student": f"{q:.3%}"}
    return blanks


def square(page: Page, opened: Opened) -> None:
    """The gradient's length against temperature."""
    t, gap = page.t, opened.gap
    if gap.identical:
        st.info(t("identical"), icon=":material/content_copy:")
        return
    everything = gradients.gradients(gap)
    if not page.predict("doubling", everything.doubling):
        return
    sizes = {10: t("classes_best", count=10), 1000: t("classes_best", count=1000), 0: t("classes_all")}
    count = page.choice("classes", 0, t("classes"), list(sizes), format_func=sizes.__getitem__)
    found = gradients.gradients(gap.only(count)) if count else everything
    labels, other = t.group("norms"), t.group("cosines")
    key = "slopes" if found.shrinks > 1.5 else "slopes_hold"
    slopes = {"scaled": found.slope_scaled, "unscaled": found.slope_unscaled, "whole": found.shrinks}
    left, right = st.columns(2, gap="medium")
    with left:
        show(
            page,
            plots.norm_curve(found.temperatures, found.scaled, found.unscaled, found.limit, found.hard, labels),
            "gradient",
            labels["alt"].format(first=found.unscaled[0], last=found.unscaled[-1], scaled=found.scaled[-1]),
        )
        st.markdown(t(key, **slopes))
        st.markdown(t("balance", hard=found.hard, scaled=found.hard_over(True), unscaled=found.hard_over(False)))
    with right:
        ends = {"centred": found.centred[-1].item(), "raw": found.raw[-1].item()}
        show(
            page,
            plots.cosine_curve(found.temperatures, found.centred, found.raw, other),
            "cosine",
            other["alt"].format(**ends),
        )
        st.markdown(t("limit_line", **ends))
    st.badge(t("autograd", difference=found.worst), icon=":material/verified:", color="green", help=t("autograd_help"))
    with st.expander(page.lesson["derivation"].title, icon=":material/function:"):
        page.prose("derivation")
    code(page, opened, "gradients", count=count, temperatures=TEMPERATURES)
