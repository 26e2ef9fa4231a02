"""The labs on one head: all heads at once, the open one, and its computation for one query."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import ArrayLike

import lessons
from core.charts import colors
from core.engine import ENGINE
from core.labs.self_attention import figures as plots
from core.labs.self_attention import formulas
from core.labs.self_attention import heads as study
from core.numbering import numbers, read, shown
from core.source import weights_of
from core.trace import Trace
from pages.kit import components
from pages.kit.page import Page

OVERVIEWS = ["maps", "entropy", "distance", "special", "previous", "following"]
PARTS = ("layer", "head")
HABITS = ("special", "previous", "following", "itself")


def heads(page: Page, name: str, text: str) -> None:
    """All heads next to the open one, its pattern in words, and the steps of one query."""
    t = page.t
    trace = ENGINE.trace(page.setting, name, text)
    page.notices(trace.tokens)
    tokens, special = trace.tokens.pieces, trace.tokens.special
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        layer, head = _choose_head(page, name, trace)
        threshold = page.slider("threshold", 0.0, t("threshold"), 0.0, 0.5, step=0.01, width=180)
        hide = page.toggle("hide", False, t("hide_special"))
        average = page.toggle("average", False, t("average"))
    pattern = study.pattern_of(trace, layer, None if average else head)
    drawn = study.drawn_map(pattern, special, hide, threshold)
    query, key = _choose_pair(page, pattern, special, drawn)
    left, right = st.columns([6, 5], gap="small")
    with left:
        _overview(page, trace, layer, head)
    with right:
        best = {"query": tokens[query], "key": tokens[study.strongest_key(pattern, query)]}
        facts = {
            "layer": shown(layer),
            "head": shown(head),
            "tokens": len(tokens),
            "value": f"{pattern[query].max():.2f}",
        }
        named = [tokens[position] for position in drawn.positions]
        components.attention_map(
            drawn.weights,
            named,
            named,
            key="sa_map",
            labels=t.group("map"),
            alt=t("map_alt_average" if average else "map_alt", **facts, **best),
            color=colors.PROBABILITIES,
            selected=drawn.cell(query, key),
        )
        if hide or threshold:
            st.caption(t("hidden_note", hidden=f"{drawn.hidden:.0%}", faint=f"{drawn.faint:.0%}"))
        page.numbers(
            "map",
            lambda: pd.DataFrame(pattern.numpy(), tokens, tokens).reset_index(names=t("query"), allow_duplicates=True),
        )
    _describe(page, study.habits(pattern, special), len(tokens))
    if average:
        st.caption(t("average_note", head=shown(head), heads=len(trace.probabilities[layer])))
    place = {"layer": layer, "head": head, "query": query, "key": key}
    page.code("head", name=name, folder=weights_of(name), text=text, **place)
    page.section("steps")
    _walk(page, trace, layer, head, *_choose_in_words(page, tokens, pattern, special))


def _choose_head(page: Page, name: str, trace: Trace) -> tuple[int, int]:
    """The open layer and head, from 0: what was clicked in the grid, else what the boxes and the address say."""
    shape = tuple(trace.probabilities.shape[:2])
    opening = study.most_telling_head(ENGINE.trace(page.setting, name, lessons.examples(page.slug)[0]["text"]))
    boxes = [(part, shown(place), numbers(size)) for part, place, size in zip(PARTS, opening, shape, strict=True)]
    current = tuple(read(page.chosen(*box)) for box in boxes)
    cell = agree("sa_grid", current, shape)
    for (part, default, places), before, after in zip(boxes, current, cell, strict=True):
        if before != after:
            page.put(part, shown(after))
        page.select(part, default, page.t(part), places, width=90)
    return cell


def agree(component: str, current: tuple[int, int] | None, shape: tuple[int, int]) -> tuple[int, int] | None:
    """The cell that a map and the controls share; Escape in the map does not move the controls."""
    return components.shared_choice([component], current, shape) or components.shared_choice(
        [component], current, shape
    )


def _choose_pair(page: Page, pattern: ArrayLike, special: ArrayLike, drawn: study.DrawnMap) -> tuple[int, int]:
    """The query and the key to follow, as positions: what was clicked in the map, else what the boxes say."""
    everyone = numbers(len(pattern))

    def key_of(query: int) -> int:
        return read(page.chosen("token_key", shown(study.strongest_key(pattern, query)), everyone))

    query = read(page.chosen("token_query", shown(study.telling_query(pattern, special)), everyone))
    key = key_of(query)
    current = drawn.cell(query, key)
    cell = agree("sa_map", current, drawn.weights.shape)
    if cell != current:
        query, key = (drawn.positions[place] for place in cell)
        page.put("token_query", shown(query))
        key_of(query)  # the default that leaves the address
        page.put("token_key", shown(key))
    return query, key


def _choose_in_words(page: Page, tokens: Sequence[str], pattern: ArrayLike, special: ArrayLike) -> tuple[int, int]:
    """The same query and key, as two boxes."""
    everyone = numbers(len(tokens))
    with st.container(horizontal=True):
        named = {"format_func": lambda number: f"{number} · {tokens[read(number)]}", "width": 260}
        telling = shown(study.telling_query(pattern, special))
        query = read(page.select("token_query", telling, page.t("query"), everyone, **named))
        strongest = shown(study.strongest_key(pattern, query))
        key = read(page.select("token_key", strongest, page.t("key"), everyone, **named))
    return query, key


def _overview(page: Page, trace: Trace, layer: int, head: int) -> None:
    """Every head as a picture or as a number, and the badge that proves them."""
    t = page.t
    names = t.group("overviews")
    overview = page.select("overview", "maps", t("overview"), OVERVIEWS, format_func=names.get, width=260)
    habits = study.habits(trace.probabilities, trace.tokens.special)
    layers, heads = trace.probabilities.shape[:2]
    components.head_grid(
        trace.probabilities if overview == "maps" else None,
        values=None if overview == "maps" else getattr(habits, overview),
        key="sa_grid",
        labels=t.group("grid"),
        alt=t("grid_alt", layers=layers, heads=heads, layer=shown(layer), head=shown(head)),
        color=colors.PROBABILITIES,
        selected=(layer, head),
    )
    page.check(trace.check())


def _describe(page: Page, habits: study.Habits, total: int) -> None:
    """Describe the pattern, in a sentence and five numbers."""
    t = page.t
    shares = {part: f"{getattr(habits, part):.0%}" for part in HABITS}
    in_view = f"{habits.in_view:.1f}"
    st.markdown(t(f"kind.{habits.kind()}", **shares, in_view=in_view, total=total))
    with st.container(horizontal=True):
        st.metric(t("in_view"), in_view, help=t("in_view_help", total=total), border=True)
        st.metric(t("distance"), f"{habits.distance:.1f}", help=t("distance_help"), border=True)
        st.metric(t("special"), shares["special"], help=t("special_help"), border=True)
        st.metric(t("previous"), shares["previous"], border=True)
        st.metric(t("following"), shares["following"], border=True)


def _walk(page: Page, trace: Trace, layer: int, head: int, query: int, key: int) -> None:
    """The four steps, each with its formula, its figure and its numbers."""
    t, tokens = page.t, trace.tokens.pieces
    row = study.steps(trace, layer, head, query)
    of = {"query": tokens[query], "key": tokens[key]}
    dot, weight = f"{row.dots[key]:.2f}", f"{row.weights[key]:.3f}"

    def step(name: str, formula: list[str], figure: go.Figure, alt: str, table: Callable[[], pd.DataFrame]) -> None:
        with st.container(border=True):
            left, right = st.columns([6, 7], gap="medium", vertical_alignment="center")
            with left:
                st.markdown(f"**{page.lesson[f'step_{name}'].title}**")
                page.prose(f"step_{name}")
                for line in formula:
                    st.latex(line)
            with right:
                page.figure(figure, name, alt, table)

    labels = {"query": t("of_query", token=tokens[query]), "key": t("of_key", token=tokens[key])}
    labels |= {"dimension": t("dimension"), "product": t("product", sum=dot)}
    step(
        "product",
        [formulas.projections(row, tokens, query, key), formulas.dot(row, tokens, query, key)],
        plots.dot_product(row.query, row.keys[key], labels),
        t("product_alt", **of, sum=dot),
        lambda: pd.DataFrame({"q": row.query, "k": row.keys[key]}),
    )
    step(
        "scale",
        [formulas.scaled(row, tokens, query, key)],
        plots.over_keys(
            tokens, row.scores, key, colors.SCORES, {"values": t("score"), "ghost": t("raw_score")}, ghost=row.dots
        ),
        t("scores_alt", **of, value=f"{row.scores[key]:.2f}"),
        lambda: pd.DataFrame({t("token"): tokens, t("raw_score"): row.dots, t("score"): row.scores}),
    )
    step(
        "softmax",
        [formulas.softmax(row, tokens, query, key)],
        plots.over_keys(tokens, row.weights, key, colors.PROBABILITIES, {"values": t("weight")}),
        t("weights_alt", **of, value=weight),
        lambda: pd.DataFrame({t("token"): tokens, "exp": row.exponentials, t("weight"): row.weights}),
    )
    sizes = study.joining(trace, layer, query)
    labels = {"value": t("of_value", token=of["key"]), "part": t("part", weight=weight), "dimension": t("dimension")}
    step(
        "sum",
        [formulas.weighted_sum(row, tokens, query), formulas.joined(sizes)],
        plots.weighted_sum(
            row.values[key], row.parts[key], row.context, labels | {"context": t("context", total=len(tokens))}
        ),
        t("sum_alt", **of, value=weight),
        lambda: pd.DataFrame({"v": row.values[key], "a·v": row.parts[key], "z": row.context}),
    )
    st.caption(t("output_norm", norm=f"{sizes.output_norm:.2f}"))
    page.check(row.difference)
