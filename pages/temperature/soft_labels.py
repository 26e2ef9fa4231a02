"""The lab on one soft label: the vocabulary at one temperature."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.charts.figures import percent
from core.labs.temperature import figures as plots
from core.labs.temperature import formulas
from core.labs.temperature import soft_labels as study
from pages.kit.page import Page, code_span
from pages.temperature.gap import Opened, code, show


def soft_labels(page: Page, opened: Opened, entropies: Sequence[Sequence[float]]) -> None:
    """The vocabulary at one temperature.

    Args:
        entropies: at each temperature, of the teacher and of the student.
    """
    t, gap = page.t, opened.gap
    temperature = page.stops("temp", 2, t("temperature"), study.TEMPERATURES, format_func="{:g}".format)
    seen = study.view(gap, temperature)
    now, one, few = seen.teacher, seen.before, seen.few
    with st.grid("auto", min_column_width=150):
        for label, value, beside in (
            ("entropy", f"{now.entropy:.2f}", t("at_one", value=f"{one.entropy:.2f}")),
            ("effective", f"{now.effective:,.0f}", t("at_one", value=f"{one.effective:,.0f}")),
            ("dark", f"{now.dark:.2%}", t("at_one", value=f"{one.dark:.2%}")),
            ("top", percent(now.top), t("at_one", value=percent(one.top))),
            ("kept", f"{now.kept:,}", t("of_words", words=gap.words)),
        ):
            explained = t(f"help.{label}")
            st.metric(t(label), value, beside, delta_color="off", delta_arrow="off", help=explained, border=True)
    left, right = st.columns(2, gap="medium")
    with left:
        labels, best = t.group("bars"), seen.words
        alt = labels["alt"].format(T=temperature, word=best.words[0], top=now.top)
        show(page, plots.word_bars(best.words, best.teacher, best.student, labels), "words", alt)
    with right:
        numbers = {
            "words": gap.words - study.FEW,
            "tail": now.tail,
            "tail_one": one.tail,
            "top": percent(now.top),
        }
        st.markdown(t("tail_note", T=temperature, few=percent(few.top), **numbers))
        labels = t.group("bands")
        kinds = (("teacher", 1, one), ("teacher", temperature, now), ("student", temperature, seen.student))
        rows = {labels[kind].format(T=at): label.bands for kind, at, label in (*kinds, ("few", temperature, few))}
        show(
            page,
            plots.mass_bands(rows, study.BANDS, labels),
            "bands",
            labels["alt"].format(T=temperature, best=now.best),
        )
    st.markdown(t("softmax_line", word=code_span(gap.word(gap.truth))))
    st.latex(formulas.softmax_formula(seen.distance, temperature, seen.probability))
    left, right = st.columns(2, gap="medium")
    with left:
        labels, values = t.group("ranked"), seen.curves[1][1]
        alt = labels["alt"].format(T=temperature, words=gap.words, first=values[0], last=values[-1])
        show(page, plots.ranked_curve(seen.curves, temperature, 1 / gap.words, labels), "ranked", alt)
    with right:
        labels, most = t.group("warming"), study.most(gap)
        labels["most"] = labels["most"].format(words=gap.words, most=most)
        alt = labels["alt"].format(low=entropies[0][0], high=entropies[0][-1])
        show(page, plots.entropy_curve(study.TEMPERATURES, *entropies, temperature, most, labels), "entropy", alt)
    with st.expander(page.lesson["tail"].title, icon=":material/menu_book:"):
        page.prose("tail")
    code(page, opened, "soft", temperature=temperature)
