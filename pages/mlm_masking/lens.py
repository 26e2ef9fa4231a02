"""The lab that reads the vocabulary head after every layer."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.charts.colors import COLORS
from core.engine import ENGINE
from core.labs.mlm_masking import context as mlm_context
from core.labs.mlm_masking import context_figures as context_plots
from core.labs.mlm_masking import tables
from core.numbering import numbers
from pages.kit.page import Page, code_span
from pages.mlm_masking.sentence import Sentence, choose_word, models, roles


def lens(page: Page, sentence: Sentence) -> None:
    """The vocabulary head after every layer."""
    t, setting, text = page.t, page.setting, sentence.text
    called = roles(page)
    position = choose_word(page, sentence, "token_lens", t("hidden_word"))
    seen = {who: mlm_context.lens(ENGINE, setting, name, text, position) for who, name in models(page).items()}
    if not page.predict("settled", seen["teacher"].settled):
        return
    for column, who in zip(st.columns(2), called, strict=True):
        with column:
            st.markdown(f"**{called[who]}**")
            _table(page, seen[who], who, sentence.tokens.pieces[position], mlm_context.surest(list(seen.values())))
    st.caption(t("lens_first_row"))
    _curves(page, seen, called)
    page.check(max(one.trace.check() for one in seen.values()))
    page.code("lens", text=text, position=position)


def _table(page: Page, seen: mlm_context.Lens, who: str, truth: str, surest: float) -> None:
    """One model's best words by depth."""
    t = page.t
    depths = _depths(page, seen)
    columns = t.group("columns")
    page.figure(
        context_plots.lens_table(
            [[guess.word for guess in row] for row in seen.best],
            [[guess.probability for guess in row] for row in seen.best],
            depths,
            truth,
            COLORS[who],
            t("lens_place"),
            surest,
        ),
        f"lens-{who}",
        t("lens_alt", who=t(who), first=seen.best[0][0].word, last=seen.best[-1][0].word),
        lambda: tables.lens_table(seen, depths, columns),
    )
    st.markdown(t("lens_settled", who=t(who), word=code_span(seen.best[-1][0].word), depth=depths[seen.decided]))


def _depths(page: Page, seen: mlm_context.Lens) -> list[str]:
    layers = [page.t("lens_layer", number=number) for number in numbers(seen.layers)]
    return [page.t("lens_embeddings"), *layers]


def _curves(page: Page, seen: Mapping[str, mlm_context.Lens], names: Mapping[str, str]) -> None:
    """Rank, probability or entropy through the layers, both models in one picture."""
    t = page.t
    measures = {name: t(f"measures.{name}") for name in ("rank", "probability", "entropy")}
    kind = page.choice(
        "measure",
        "rank",
        t("lens_measure"),
        list(measures),
        format_func=measures.get,
    )
    values = {who: getattr(one, kind) for who, one in seen.items()}
    labels = dict(names) | {"depth": t("lens_depth"), "measure": measures[kind], "ceiling": t("measures.ceiling")}
    depths = {who: _depths(page, one) for who, one in seen.items()}
    ends = {
        f"{who}_{end}": f"{values[who][index]:.3g}" for who in values for end, index in (("first", 0), ("last", -1))
    }
    ceiling = mlm_context.most_possible(seen["teacher"]) if kind == "entropy" else None
    page.figure(
        context_plots.lens_curves(values["teacher"], values["student"], labels, depths, kind, ceiling),
        "depth",
        t("lens_curve_alt", measure=measures[kind], **ends),
        lambda: tables.depth_table(values, depths, names, measures[kind], t.group("columns")),
    )
