"""Sentence pairs: the heads for NSP (does it follow?) and SOP (the order) on one pair, its swap and an unrelated sentence."""

from __future__ import annotations

import streamlit as st

from core.engine import ENGINE
from core.labs.mlm_masking import sentence_pair_figures as plots
from core.labs.mlm_masking import sentence_pairs
from pages.kit.page import Page


def sentences(page: Page) -> None:
    """Three boxes, a guess, what both heads say, and how good they are."""
    t = page.t
    sentence_pairs.heads()  # says so before anything is asked, if they are not installed
    texts = {}
    for column, (name, start) in zip(st.columns(3), sentence_pairs.EXAMPLE.items(), strict=True):
        with column:
            texts[name] = page.text(name, start, t(f"sentences.{name}"))
    found = sentence_pairs.read(ENGINE, page.setting, **texts)
    if found.cut:
        st.info(t("sentences.cut"), icon=":material/content_cut:")
    if not page.predict("swap", found.direction):
        return
    arrangements = t.group("sentence_how")
    labels = t.group("sentence_bars")
    said = {how: f"{chance:.1%}" for how, chance in found.yes["nsp"].items()}
    sop = {f"sop_{how}": f"{chance:.1%}" for how, chance in found.yes["sop"].items()}
    page.figure(
        plots.pair_bars(found.yes, arrangements, labels),
        "sentences",
        t("sentences.alt", **said, **sop),
        lambda: plots.pair_table(
            found.yes, sentence_pairs.arranged(**texts), arrangements, labels | t.group("sentence_columns")
        ),
    )
    verdict = t("sentences.told" if found.told else "sentences.missed")
    st.markdown(t("sentences.says", verdict=verdict, **said, **sop))
    page.check(found.check())
    st.markdown(t("sentences.measured", pairs=f"{sentence_pairs.pairs_measured():,}"))
    columns = t.group("sentence_columns")
    st.dataframe(
        plots.accuracy_table(sentence_pairs.measured(), sentence_pairs.ALBERT, columns),
        hide_index=True,
        width="content",
    )
    st.caption(t("sentences.note"))
    page.code("sentences", **texts)
