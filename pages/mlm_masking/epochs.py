"""The lab on static and dynamic masks: the tokens that are ever masked."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.engine import ENGINE
from core.labs.mlm_masking import figures as plots
from core.labs.mlm_masking import masking as mlm_draws
from core.labs.mlm_masking import tables
from pages.kit.page import Page
from pages.mlm_masking.sentence import Sentence

MOST_ROWS = 40


def epochs(page: Page, sentence: Sentence) -> None:
    """Draw the tokens that are ever masked."""
    t, setting, text = page.t, page.setting, sentence.text
    probability, count, seed = _controls(page)
    if not page.predict("ten"):
        return
    found = {
        regime: mlm_draws.epochs_of(ENGINE, setting, text, probability, count, copies, seed)
        for regime, copies in mlm_draws.COPIES.items()
    }
    regimes = t.group("regimes")
    for column, (regime, one) in zip(st.columns(len(found)), found.items(), strict=True):
        with column:
            st.metric(t("covered_after", regime=regimes[regime]), f"{one.covered[-1]:.0%}", border=True)
            st.latex(tables.coverage_formula(probability, one.draws, one.expected[-1]))
    _coverage(page, found, regimes, count)
    regime = page.choice("regime", "ten", t("regime"), list(found), format_func=regimes.get)
    _target_grid(page, sentence, found[regime], regimes[regime], plots.REGIMES[regime])
    st.markdown(t("roberta_note"))
    st.dataframe(tables.table_1(t.group("roberta"), t.group("columns")), hide_index=True)
    page.code("epochs", text=text, probability=probability, epochs=count, seed=seed)


def _controls(page: Page) -> tuple[float, int, int]:
    """Chance, epochs, seed."""
    t = page.t
    first, second, third = st.columns(3, vertical_alignment="bottom")
    with first:
        rate = page.slider("chance", 15, t("rate"), 1, 60)
    with second:
        count = page.slider("epochs", 40, t("epochs"), 1, 40)
    with third:
        seed = page.number("order", 0, t("seed"), 0, 9999)
    return rate / 100, count, seed


def _coverage(page: Page, found: Mapping[str, mlm_draws.Epochs], names: Mapping[str, str], count: int) -> None:
    """The three coverage curves."""
    t = page.t
    measured = {regime: one.covered for regime, one in found.items()}
    expected = {regime: one.expected for regime, one in found.items()}
    last = tables.shares({names[regime]: values[-1] for regime, values in measured.items()})
    page.figure(
        plots.coverage_curves(measured, expected, names, t.group("grid")),
        "coverage",
        t("coverage_alt", epochs=count, values=last),
        lambda: tables.coverage_table(found, names, t.group("columns")),
    )


def _target_grid(page: Page, sentence: Sentence, one: mlm_draws.Epochs, regime: str, color: str) -> None:
    """Token × epoch, cut at `MOST_ROWS` rows."""
    t = page.t
    pieces = [sentence.tokens.pieces[position] for position in sentence.allowed]
    page.figure(
        plots.target_grid(one.targets[:MOST_ROWS], pieces[:MOST_ROWS], t.group("grid"), color),
        "targets",
        t("grid_alt", regime=regime, never=one.never, total=len(pieces)),
        lambda: pd.DataFrame(one.targets.tolist(), index=pieces).reset_index(),
    )
    if len(pieces) > MOST_ROWS:
        st.caption(t("grid_cut", shown=MOST_ROWS, total=len(pieces)))
