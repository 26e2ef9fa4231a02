"""The lab of the page on positions that puts five schemes on one head's scores."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.charts.colors import POSITIVE, PROBABILITIES
from core.engine import ENGINE
from core.labs.positional_encoding import formulas, relative
from core.labs.positional_encoding import order_figures as draw
from core.numbering import numbers, read, shown
from pages.kit import components
from pages.kit.page import Page, code_span
from pages.kit.picked import picked_cell


def schemes(page: Page) -> None:
    """One head's scores, and what the chosen scheme adds to them."""
    t, axis, setting, name = page.t, page.t.group("axis"), page.setting, page.setting.teacher
    text = page.sentence("text2", t("relative_text"), default=3)
    effect = relative.position_effect(ENGINE, setting, name, text)
    page.notices(ENGINE.tokens(setting, name, text))
    left, right = st.columns([3, 2])
    with right:
        strongest = relative.strongest_head(effect)
        with st.container(horizontal=True):
            layer = read(page.select("layer", shown(strongest[0]), t("layer"), numbers(len(effect))))
            head = read(page.select("head", shown(strongest[1]), t("head"), numbers(effect.shape[1])))
        names = {one: t(f"scheme_{one}") for one in relative.SCHEMES}
        scheme = page.radio("scheme", "learned", t("scheme"), list(names), format_func=names.__getitem__)
        knobs = _knobs(page, scheme)
    with left:
        st.markdown(f"**{t('effect')}**")
        page.figure(
            draw.effect_map(effect, (layer, head), axis),
            "effect",
            t(
                "effect_alt",
                layer=shown(layer),
                head=shown(head),
                value=effect[layer, head].item(),
                largest=effect.max().item(),
            ),
            lambda: pd.DataFrame(effect.numpy()),
        )
    scores = relative.head_scores(ENGINE, setting, name, text, layer, head)
    if scheme == "rotary" and not scores.can_rotate:
        st.info(t("odd_width"), icon=":material/info:")
        return
    found = relative.add(scores, scheme, knobs)
    query, key = _maps(page, scores, found, names[scheme])
    _formula_and_row(page, scores, found, (scheme, names[scheme]), (query, key))
    if found.explained is not None:
        st.markdown(t("explained", share=found.explained))
    if found.fit is not None or scheme not in relative.FITTED:
        st.markdown(t(f"note_{scheme}", found=found, knobs=knobs, vectors=knobs.vectors))
    if scheme == "rotary":
        _slide(page, scores, query, key, knobs.base)
    with st.expander(page.lesson["schemes"].title, icon=":material/menu_book:", key=page.key("schemes")):
        page.prose("schemes")
    page.check(scores.check)
    chosen = {name: getattr(knobs, name) for name in relative.KNOBS[scheme]}
    page.code(f"relative_{scheme}", text=text, layer=layer, head=head, **chosen)


def _knobs(page: Page, scheme: relative.Scheme) -> relative.Knobs:
    """The controls that belong to the scheme."""
    t = page.t
    if scheme == "t5":
        buckets = page.stops("buckets", 32, t("buckets"), [8, 16, 32, 64])
        return relative.Knobs(buckets=buckets, furthest=page.stops("furthest", 128, t("furthest"), [32, 64, 128, 256]))
    if scheme == "shaw":
        return relative.Knobs(clip=page.slider("clip", 4, t("clip"), 1, 16))
    if scheme == "alibi":
        return relative.Knobs(causal=page.toggle("causal", False, t("causal")))
    if scheme == "rotary":
        bases = [10, 100, 1000, 10_000, 100_000, 1_000_000]
        return relative.Knobs(base=page.stops("rotary_base", 10_000, t("rotary_base"), bases))
    return relative.Knobs()


def _maps(page: Page, scores: relative.HeadScores, found: relative.Addition, scheme: str) -> tuple[int, int]:
    """The words' scores, what is added, and the attention after it, side by side; the cell picked in any of them."""
    t, pieces = page.t, scores.tokens.pieces
    drawn = {
        t("scores_words"): (scores.words, POSITIVE, {"signed": True}),
        t("scores_added", scheme=scheme): (found.added, POSITIVE, {"signed": True}),
        t("scores_after", scheme=scheme): (found.after, PROBABILITIES, {"limits": (0.0, 1.0)}),
    }
    keys = [f"pe:map{number}" for number in range(len(drawn))]
    chosen = picked_cell(page, "token_cell", relative.default_cell(scores), keys, len(pieces))
    for column, key, (title, (values, color, options)) in zip(st.columns(3), keys, drawn.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            components.attention_map(
                values,
                pieces,
                pieces,
                key=key,
                labels=t.group("map"),
                alt=title,
                color=color,
                selected=chosen,
                **options,
            )
            page.numbers(key.replace(":", "_"), lambda values=values: pd.DataFrame(values.numpy()))
    return chosen


def _formula_and_row(
    page: Page, scores: relative.HeadScores, found: relative.Addition, scheme: tuple[str, str], chosen: tuple[int, int]
) -> None:
    """The chosen cell in numbers, what is added by distance, and the chosen query's row."""
    t, axis, pieces, (query, key) = page.t, page.t.group("axis"), scores.tokens.pieces, chosen
    st.markdown(t("cell_text", query_token=code_span(pieces[query]), i=query, key_token=code_span(pieces[key]), j=key))
    st.latex(formulas.score_formula(scheme[0], **relative.cell(scores, found, query, key)._asdict()))
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{t('by_distance_title')}**")
        page.figure(
            draw.added_by_distance(found.added, found.by_distance, axis),
            "by_distance",
            t("by_distance_alt", scheme=scheme[1], low=found.lowest, high=found.highest),
            lambda: pd.DataFrame({"mean": found.by_distance}),
        )
    with right:
        rows = {"words": found.before[query], "scheme": found.after[query], "model": found.own[query]}
        st.markdown(t("row_title", token=code_span(pieces[query])))
        page.figure(
            draw.row_bars(pieces, *rows.values(), axis),
            "row",
            t("row_alt", token=pieces[query], best=pieces[rows["scheme"].argmax()]),
            lambda: pd.DataFrame({"token": pieces, **rows}),
        )


def _slide(page: Page, scores: relative.HeadScores, query: int, key: int, base: float) -> None:
    """Rotary: both words moved by the same number keep their score."""
    t, pieces = page.t, scores.tokens.pieces
    st.markdown(f"**{t('slide_title')}**")
    if not page.predict("slide_both"):
        return
    left, right = st.columns([2, 3], vertical_alignment="center")
    with left:
        moved = page.slider("moved", 100, t("moved_by"), 0, 400)
        found = relative.slide(scores, query, key, moved, base)
        words = {"query_token": code_span(pieces[query]), "key_token": code_span(pieces[key])}
        st.markdown(t("slide_text", i=query, j=key, moved=moved, found=found, **words))
    with right:
        page.figure(
            draw.slide_figure(found.distances, found.curve, key - query, found.here, t.group("axis")),
            "slide",
            t("slide_alt", distance=key - query, value=found.here),
            lambda: pd.DataFrame({"distance": found.distances, "score": found.curve}),
        )
