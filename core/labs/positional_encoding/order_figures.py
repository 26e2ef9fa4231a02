"""Figures of the effect of a new order, and of the additions of schemes of relative positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import DIFFERENCE, KEY, POSITIVE, SCORES, TEACHER
from core.charts.figures import BESIDE, TALL, blank_figure, state_names
from core.labs.positional_encoding.figures import QUIET, SEQUENTIAL
from core.memory import remembered
from core.numbering import numbers, shown

SMALLEST = 1e-8
"""Where an error of exactly zero is drawn, which has no position on a logarithmic axis."""

MOST_POINTS = 1500
"""Pairs of positions drawn one by one; of more, every n-th."""


@remembered()
def shift_bars(words: Sequence[str], before: ArrayLike, after: ArrayLike, labels: Mapping[str, str]) -> go.Figure:
    """The masked word before and after: two bars a word.

    Args:
        words: `[word]`.
        before, after: probabilities, `[word]`.
        labels: `before`, `after`, `probability`.
    """
    figure = blank_figure(120 + 36 * len(words), labels["probability"], barmode="group")
    figure.update_layout(margin=BESIDE)
    rows = [f"{word}\u200b" for word in words]  # the mark keeps plotly from reading "2010" as a number
    for name, values, color in (("before", before, TEACHER), ("after", after, DIFFERENCE)):
        values = np.asarray(values)
        figure.add_bar(
            y=rows, x=values, orientation="h", name=labels[name], marker_color=color, cliponaxis=False,
            text=[f"{value:.1%}" for value in values], textposition="outside",
            hovertemplate="%{y}: %{x:.4f}<extra>" + labels[name] + "</extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category")
    # Room for the numbers at the ends of the bars.
    figure.update_xaxes(tickformat=".0%", range=[0, 1.25 * float(np.max([np.asarray(before), np.asarray(after)]))])
    return figure


@remembered()
def error_lines(
    with_positions: ArrayLike, without: ArrayLike, other_way: ArrayLike, size: float, labels: Mapping[str, str]
) -> go.Figure:
    """max |f(Px) − P f(x)| by depth, on a logarithmic axis.

    Args:
        with_positions, without, other_way: `[layer + 1]`, the embeddings first.
        size: a typical entry of a hidden state, drawn as a dotted line.
        labels: `with_positions`, `without_positions`, `other_way`, `size`, `layer`, `embeddings`, `error`.
    """
    figure = blank_figure(380, labels["layer"], labels["error"])
    figure.update_layout(margin={"t": 84})  # three long names
    names = state_names(len(np.asarray(with_positions)), labels["embeddings"])
    for name, values, color, dash in (
        ("with_positions", with_positions, TEACHER, "solid"),
        ("without_positions", without, DIFFERENCE, "solid"),
        ("other_way", other_way, POSITIVE, "dot"),
    ):
        values = np.asarray(values)
        figure.add_scatter(
            x=names, y=np.maximum(values, SMALLEST), mode="lines+markers", name=labels[name], customdata=values,
            line={"color": color, "width": 2, "dash": dash}, marker={"size": 8},
            hovertemplate="%{x}: %{customdata:.2e}<extra>" + labels[name] + "</extra>",
        )  # fmt: skip
    figure.add_hline(
        y=size, line={"color": QUIET, "dash": "dot"}, annotation_text=labels["size"], annotation_position="bottom left"
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="log", exponentformat="power", dtick=2, range=[-8.3, 1])
    return figure


@remembered()
def error_map(values: ArrayLike, tokens: Sequence[str], labels: Mapping[str, str]) -> go.Figure:
    """Map of the change of each token's states by depth, `[layer + 1, position]`.

    Args:
        tokens: in the new order.
        labels: `layer`, `embeddings`, `token`, `error`.
    """
    values = np.asarray(values)
    figure = blank_figure(380, "", labels["layer"])
    figure.add_heatmap(
        z=values, y=state_names(len(values), labels["embeddings"]), x=list(range(len(tokens))),
        text=[[_short(token) for token in tokens]] * len(values),
        zmin=0, colorscale=SEQUENTIAL, colorbar={"thickness": 10, "len": 0.8},
        hovertemplate=f"%{{text}}, {labels['layer']} %{{y}}: %{{z:.4f}}<extra></extra>",
    )  # fmt: skip
    crowded = max(1, len(tokens) // 24)
    shown = list(range(0, len(tokens), crowded))
    figure.update_xaxes(tickvals=shown, ticktext=[_short(tokens[i]) for i in shown], tickangle=-45, showgrid=False)
    figure.update_yaxes(type="category", showgrid=False)
    return figure


def _short(token: str) -> str:
    """A token in a figure: cut if long, and not read as HTML."""
    return (token if len(token) < 13 else token[:12] + "…").replace("&", "&amp;").replace("<", "&lt;")


@remembered()
def effect_map(values: ArrayLike, chosen: tuple[int, int], labels: Mapping[str, str]) -> go.Figure:
    """Map of the effect of positions on each head's scores, `[layer, head]`, with the chosen head framed.

    Args:
        chosen: (layer, head) from 0.
        labels: `layer`, `head`.
    """
    values = np.asarray(values)
    layers, heads = values.shape
    figure = blank_figure(110 + 26 * layers, labels["head"], labels["layer"])
    figure.add_heatmap(
        z=values, x=numbers(heads), y=numbers(layers), zmin=0, colorscale=SEQUENTIAL,
        colorbar={"thickness": 10, "len": 0.9},
        hovertemplate=f"{labels['layer']} %{{y}}, {labels['head']} %{{x}}: %{{z:.2f}}<extra></extra>",
    )  # fmt: skip
    layer, head = map(shown, chosen)
    figure.add_shape(
        type="rect", x0=head - 0.5, x1=head + 0.5, y0=layer - 0.5, y1=layer + 0.5, line={"color": SCORES, "width": 3}
    )
    figure.update_xaxes(dtick=1, showgrid=False)
    figure.update_yaxes(dtick=1, autorange="reversed", showgrid=False)
    return figure


@remembered()
def added_by_distance(added: ArrayLike, means: ArrayLike, labels: Mapping[str, str]) -> go.Figure:
    """A scheme's additions by key − query: each pair as a point, the means as a line.

    Args:
        added: `[query, key]`; −inf is left out.
        means: by distance, `[2 · positions − 1]`.
        labels: `slide_axis`, `added`, `pairs`, `mean`.
    """
    added, means = np.asarray(added, dtype=float), np.asarray(means)
    figure = blank_figure(350, labels["slide_axis"], labels["added"])
    figure.update_layout(margin=BESIDE)
    query, key = np.nonzero(np.isfinite(added))
    step = 1 + len(query) // MOST_POINTS
    query, key = query[::step], key[::step]
    figure.add_scatter(
        x=key - query, y=added[query, key], mode="markers", name=labels["pairs"],
        marker={"color": QUIET, "size": 5}, hovertemplate="%{x}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    reach = len(added) - 1
    figure.add_scatter(
        x=np.arange(-reach, reach + 1), y=means, mode="lines+markers", name=labels["mean"],
        line={"color": SCORES, "width": 2}, marker={"size": 5}, hovertemplate="%{x}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    return figure


@remembered()
def row_bars(
    tokens: Sequence[str], before: ArrayLike, after: ArrayLike, own: ArrayLike, labels: Mapping[str, str]
) -> go.Figure:
    """Attention of one query: by the words alone, with the scheme, and in the model as it is; `[key]` each.

    Args:
        labels: `words_alone`, `with_scheme`, `as_trained`, `attention`.
    """
    figure = blank_figure(394, "", labels["attention"], barmode="group")
    figure.update_layout(margin=TALL)
    places = list(range(len(tokens)))
    for name, values, color in (
        ("words_alone", before, QUIET),
        ("with_scheme", after, SCORES),
        ("as_trained", own, TEACHER),
    ):
        figure.add_bar(
            x=places, y=np.asarray(values), name=labels[name], marker_color=color, customdata=[_short(token) for token in tokens],
            hovertemplate="%{customdata}: %{y:.4f}<extra>" + labels[name] + "</extra>",
        )  # fmt: skip
    shown = places[:: max(1, len(places) // 24)]
    figure.update_xaxes(tickvals=shown, ticktext=[_short(tokens[i]) for i in shown], tickangle=-45)
    figure.update_yaxes(range=[0, 1.02])
    return figure


@remembered()
def slide_figure(
    distances: ArrayLike, curve: ArrayLike, distance: int, value: float, labels: Mapping[str, str]
) -> go.Figure:
    """The rotary score of one query and key by distance, with their real distance marked.

    Args:
        distances: key − query, `[point]`.
        curve: the score at each.
        distance, value: of the real pair.
        labels: `slide_axis`, `score`.
    """
    figure = blank_figure(280, labels["slide_axis"], labels["score"], showlegend=False)
    figure.add_scatter(x=np.asarray(distances), y=np.asarray(curve), mode="lines", line={"color": SCORES, "width": 2})
    figure.add_scatter(x=[distance], y=[value], mode="markers", marker={"color": KEY, "size": 13})
    figure.update_traces(hovertemplate="%{x}: %{y:.4f}<extra></extra>")
    return figure
