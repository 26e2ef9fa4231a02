"""Figures of one head's computation, and of a model before and after something in its attention was broken."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import DIFFERENCE, KEY, NEUTRAL, PROBABILITIES, QUERY, SCORES, VALUE
from core.charts.figures import blank_figure, paired_bars, plain
from core.memory import remembered
from core.numbering import numbers

MOST_TICKS = 40
"""More tokens than this cannot all be written under an axis."""

TOP = 58
"""Pixels above a narrow figure, so that plotly's buttons do not cover the legend."""


def _vectors(rows: Sequence[tuple[str, ArrayLike, str]], x_title: str) -> go.Figure:
    """Vectors as small bars, one under another, on one x axis; each row with its own height."""
    figure = blank_figure(height=96 * len(rows) + 40, showlegend=False)
    figure.set_subplots(
        rows=len(rows),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.24 / len(rows),
        subplot_titles=[r[0] for r in rows],
    )
    figure.update_annotations(font_size=13, xanchor="left", x=0)
    for row, (_, values, color) in enumerate(rows, 1):
        values = np.asarray(values)
        figure.add_bar(
            x=np.arange(1, len(values) + 1),
            y=values,
            marker_color=color,
            hovertemplate="%{x}: %{y:.4f}<extra></extra>",
            row=row,
            col=1,
        )
        figure.update_yaxes(nticks=4, row=row, col=1)
    figure.update_xaxes(title=x_title, row=len(rows), col=1)
    figure.update_layout(bargap=0.15, margin={"l": 8, "r": 8, "t": 26, "b": 8})
    return figure


@remembered()
def dot_product(query: ArrayLike, key: ArrayLike, labels: Mapping[str, str]) -> go.Figure:
    """A query, a key, and their products, whose sum is the score.

    Args:
        query, key: `[d_k]`.
        labels: `query`, `key`, `product` (above the rows) and `dimension`.
    """
    query, key = np.asarray(query), np.asarray(key)
    rows = [(plain(labels["query"]), query, QUERY), (plain(labels["key"]), key, KEY)]
    return _vectors([*rows, (plain(labels["product"]), query * key, SCORES)], labels["dimension"])


@remembered()
def weighted_sum(value: ArrayLike, part: ArrayLike, context: ArrayLike, labels: Mapping[str, str]) -> go.Figure:
    """One key's value, the part of it that the query takes, and the sum over all keys.

    Args:
        value, part, context: v_j, a_ij v_j and z_i, `[d_v]` each.
        labels: `value`, `part`, `context` (above the rows) and `dimension`.
    """
    named = {"value": value, "part": part, "context": context}
    rows = [(plain(labels[name]), values, VALUE) for name, values in named.items()]
    figure = _vectors(rows, labels["dimension"])
    reach = max(float(np.abs(np.asarray(each)).max()) for each in named.values()) * 1.08 or 1.0
    figure.update_yaxes(range=[-reach, reach])  # one scale, so that a small weight shows as a small vector
    return figure


@remembered()
def over_keys(
    tokens: Sequence[str],
    values: ArrayLike,
    chosen: int,
    color: str,
    labels: Mapping[str, str],
    ghost: ArrayLike | None = None,
) -> go.Figure:
    """One number per key: scores or weights of one query.

    Args:
        tokens: `[key]`.
        values: `[key]`; minus infinity leaves a gap.
        chosen: the highlighted key.
        labels: `values` and, with a ghost, `ghost`.
        ghost: the numbers before, drawn as outlines behind them, `[key]`.
    """
    figure = blank_figure(height=260, y_title="" if ghost is not None else labels["values"], barmode="overlay")
    places = np.arange(len(tokens))
    names = [plain(token) for token in tokens]
    if ghost is not None:
        figure.add_bar(
            x=places,
            y=_finite(ghost),
            name=labels["ghost"],
            marker={"color": "rgba(0,0,0,0)", "line": {"color": NEUTRAL, "width": 1.2}},
            customdata=names,
            hovertemplate="%{customdata}: %{y:.4f}<extra>" + labels["ghost"] + "</extra>",
        )
    figure.add_bar(
        x=places,
        y=_finite(values),
        name=labels["values"],
        marker={"color": color, "opacity": [1.0 if place == chosen else 0.55 for place in places]},
        customdata=names,
        hovertemplate="%{customdata}: %{y:.4f}<extra></extra>",
        showlegend=ghost is not None,
    )
    step = max(1, math.ceil(len(tokens) / MOST_TICKS))
    shown = [place for place in places.tolist() if place % step == 0 or place == chosen]
    texts = [f"<b>{names[place]}</b>" if place == chosen else names[place] for place in shown]
    figure.update_xaxes(tickvals=shown, ticktext=texts, tickangle=-50)
    if ghost is not None:
        figure.update_layout(margin_t=TOP, height=290)
    return figure


def _finite(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    return np.where(np.isfinite(array), array, np.nan)


@remembered()
def before_and_after(words: Sequence[str], before: ArrayLike, after: ArrayLike, labels: Mapping[str, str]) -> go.Figure:
    """Two bars a word: the model whole, and with something broken in it.

    Args:
        words: `[word]`.
        before, after: probabilities, `[word]`.
        labels: `before`, `after` and `probability`.
    """
    figure = blank_figure(height=120 + 36 * len(words), x_title=labels["probability"], barmode="group")
    shown = [plain(word) for word in words]
    paired_bars(figure, shown, [(labels["before"], before, PROBABILITIES), (labels["after"], after, DIFFERENCE)])
    figure.update_layout(margin_t=TOP)
    return figure


@remembered()
def entropy_by_layer(before: ArrayLike, after: ArrayLike, ceiling: float, labels: Mapping[str, str]) -> go.Figure:
    """The mean entropy of attention in each layer, before and after.

    Args:
        before, after: in nats, `[layer]`.
        ceiling: the largest entropy possible, that of uniform attention.
        labels: `before`, `after`, `entropy`, `layer` and `ceiling`.
    """
    figure = blank_figure(height=340, x_title=labels["layer"], y_title=labels["entropy"], barmode="group")
    layers = numbers(len(np.asarray(before)))
    for name, values, color in (("before", before, PROBABILITIES), ("after", after, DIFFERENCE)):
        hover = "%{x}: %{y:.3f}<extra>" + labels[name] + "</extra>"
        figure.add_bar(x=layers, y=np.asarray(values), name=labels[name], marker_color=color, hovertemplate=hover)
    figure.add_hline(y=ceiling, line={"color": NEUTRAL, "dash": "dash"}, annotation_text=labels["ceiling"])
    figure.update_xaxes(dtick=1)
    figure.update_yaxes(range=[0, ceiling * 1.15])
    figure.update_layout(margin_t=TOP)
    return figure
