"""The gap that the labs of the temperature page look into: opened by the sentence box, shown with its numbers and its code."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

import lessons
from core.engine import ENGINE
from core.labs import masked_words as predictions
from core.labs.temperature import soft_labels as study
from core.labs.temperature import tables
from core.numbering import numbers, read
from pages.kit.page import Page


@dataclass(frozen=True)
class Opened:
    """An open gap.

    Attributes:
        text: the sentence.
        which: the gap's place among the sentence's gaps.
        gap: what both models say there.
    """

    text: str
    which: int
    gap: study.MaskedPosition


def show(page: Page, figure: go.Figure, name: str, alt: str) -> None:
    """Draw a figure, with the numbers that it draws."""
    page.figure(figure, name, alt, lambda: tables.behind(figure))


def code(page: Page, opened: Opened, name: str, **blanks: object) -> None:
    """Show the lines that open this gap, and those of one lab."""
    gap = opened.gap
    page.code(name, text=opened.text, which=opened.which, truth=gap.word(gap.truth), **blanks)


def open_gap(page: Page) -> Opened:
    """Draw the sentence box and the choice of a gap, and run both models there."""
    t = page.t
    text = page.sentence()
    st.caption(t("mask_hint"))
    tokens = ENGINE.tokens(page.setting, page.setting.teacher, text)
    page.notices(tokens)
    positions = predictions.masked_positions(ENGINE, page.setting, page.setting.teacher, tokens)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = 0
        if len(positions) > 1:
            gaps = numbers(len(positions))
            named = {"format_func": lambda number: t("gap_name", number=number)}
            which = read(page.choice("token_gap", gaps[0], t("gap"), gaps, **named))
        gap = study.open_gap(ENGINE, page.setting, text, positions[which])
        example = next((one["truth"] for one in lessons.examples(page.slug) if one["text"] == text), [])
        default = example[which] if which < len(example) else gap.word(gap.truth)
        options = {"max_chars": 60, "placeholder": default, "help": t("truth_help"), "width": 260}
        word = page.text("token_truth", "", t("truth"), **options)
        page.reset()
    gap = study.with_truth(ENGINE, page.setting, gap, default)
    if word.strip():
        with page.guard():
            gap = study.with_truth(ENGINE, page.setting, gap, word)
    if gap.identical:
        st.info(t("identical"), icon=":material/content_copy:")
    return Opened(text, which, gap)
