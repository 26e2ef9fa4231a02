"""The lab on context: a model's predictions with the left side only, and without each visible word."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.charts.colors import COLORS
from core.charts.figures import percent
from core.engine import ENGINE
from core.labs.mlm_masking import context as mlm_context
from core.labs.mlm_masking import context_figures as context_plots
from core.labs.mlm_masking import gaps as mlm_masking
from core.labs.mlm_masking.gaps import Answer
from core.source import weights_of
from pages.kit.page import Page, code_span
from pages.mlm_masking.sentence import Sentence, answers, choose_word, models, roles


def context(page: Page, sentence: Sentence) -> None:
    """Left context only, then each visible word blocked in turn."""
    t, setting, text = page.t, page.setting, sentence.text
    names, called = models(page), roles(page)
    left, right = st.columns(2)
    with left:
        position = choose_word(page, sentence, "token_context", t("hidden_word"))
    with right:
        who = page.choice("who", "teacher", t("who"), list(called), format_func=called.get)
    sides = mlm_context.both_sides_and_left(ENGINE, setting, names[who], text, position)
    if not page.predict("left", mlm_masking.direction(sides.left.loss - sides.both.loss)):
        return
    titles = {"left": t("left_title"), "both": t("both_title")}
    for column, side in zip(st.columns(2), titles, strict=True):
        answer = getattr(sides, side)
        change = f"{sides.left.loss - sides.both.loss:+.2f}" if side == "left" else None
        column.metric(t(f"{side}_metric"), f"{answer.loss:.2f}", change, "inverse", border=True, height="stretch")
    said = {side: getattr(sides, side) for side in titles}
    answers(page, said, titles, dict.fromkeys(titles, COLORS[who]), sentence.tokens.pieces[position], "side")
    st.caption(t("left_unfair"))
    page.check(max(trace.check() for trace in sides.traces))
    st.markdown(f"#### {page.lesson['influence'].title}")
    page.prose("influence")
    found = mlm_context.influences(ENGINE, setting, names[who], text, position)
    _influence(page, found, sides.both, sentence.tokens.pieces[position])
    page.code("context", text=text, name=names[who], folder=weights_of(names[who]), position=position)


def _influence(page: Page, found: Sequence[mlm_context.Influence], base: Answer, truth: str) -> None:
    """A bar for each visible word, and the one that matters most in a sentence."""
    t = page.t
    if not found:
        st.info(t("influence_none"), icon=":material/info:")
        return
    strongest = mlm_context.strongest(found)
    change = f"{strongest.change:+.2f}"
    words, changes = [one.word for one in found], [one.change for one in found]
    columns = t.group("columns")
    page.figure(
        context_plots.influence_bars(words, changes, t.group("influence") | {"change": t("influence_change")}),
        "influence",
        t("influence_alt", truth=truth, word=strongest.word, change=change),
        lambda: pd.DataFrame({columns["word"]: words, columns["change"]: changes}),
    )
    before, after = (percent(value) for value in (base.probability, strongest.probability))
    key = "influence_helped" if strongest.change <= 0 else "influence_hindered"
    word, truth = code_span(strongest.word), code_span(truth)
    st.markdown(t(key, word=word, truth=truth, before=before, after=after, change=change))
    if len(found) == mlm_context.MOST_WORDS:
        st.caption(t("influence_limit", count=len(found)))
