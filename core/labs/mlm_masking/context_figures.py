"""Figures of the sources of a masked word's prediction: the effect of each word, and the prediction of each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import NEGATIVE, POSITIVE, STUDENT, TEACHER
from core.charts.figures import blank_figure, percent
from core.labs.mlm_masking.figures import TRUE_MARK, below, literal
from core.memory import remembered


@remembered()
def influence_bars(words: Sequence[str], changes: ArrayLike, labels: Mapping[str, str]) -> go.Figure:
    """A bar for each visible word, in the order of the text: the effect of hiding it on the true word's log-probability.

    Args:
        words: `[word]`.
        changes: in nats, `[word]`; below zero the word helped.
        labels: `change`, `helped`, `hindered`.
    """
    values = np.asarray(changes)
    figure = blank_figure(height=130 + 26 * len(words), x_title=labels["change"], barmode="relative")
    below(figure)
    for name, part, color in (("helped", values <= 0, NEGATIVE), ("hindered", values > 0, POSITIVE)):
        figure.add_bar(
            y=np.flatnonzero(part),
            x=values[part],
            orientation="h",
            name=labels[name],
            marker_color=color,
            text=[f"{value:+.2f}" if abs(value) >= 0.005 else "0" for value in values[part]],
            textposition="outside",
            cliponaxis=False,
            customdata=[literal(words[index]) for index in np.flatnonzero(part)],
            hovertemplate="%{customdata}: %{x:+.3f}<extra></extra>",
        )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(words))),
        ticktext=[literal(word) for word in words],
        showgrid=False,
    )
    reach = max(float(np.abs(values).max(initial=0.0)), 0.1)
    low, high = min(float(values.min(initial=0.0)), 0.0), max(float(values.max(initial=0.0)), 0.0)
    figure.update_xaxes(range=[low - 0.18 * reach, high + 0.18 * reach], zeroline=True, zerolinewidth=2)
    return figure


@remembered()
def lens_table(
    words: Sequence[Sequence[str]],
    probabilities: ArrayLike,
    depths: Sequence[str],
    truth: str,
    color: str,
    x_title: str,
    surest: float = 1.0,
) -> go.Figure:
    """The best words at each depth as a heat map: the deeper the colour, the surer the model would have been.

    Args:
        words: `[depth][word]`.
        probabilities: `[depth, word]`.
        depths: names of the rows, from the embeddings to the last layer.
        truth: the true word, marked where it appears.
        surest: the probability that gets the full colour; one for all models that are compared.
    """
    values = np.asarray(probabilities)
    figure = blank_figure(height=90 + 46 * len(depths), x_title=x_title)
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    figure.add_heatmap(
        z=values,
        x=list(range(1, values.shape[1] + 1)),
        y=list(range(len(depths))),
        # The theme's text stays readable on a colour that never fully covers the background.
        colorscale=[[0, f"rgba({red},{green},{blue},0.0)"], [1, f"rgba({red},{green},{blue},0.38)"]],
        zmin=0,
        zmax=surest,
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )
    # A trace of its own, for the text in a heat map is coloured as if the page were always white.
    cells = [(depth, place) for depth in range(len(depths)) for place in range(values.shape[1])]
    shown = [(TRUE_MARK if words[row][column] == truth else "") + literal(words[row][column]) for row, column in cells]
    chances = [float(values[cell]) for cell in cells]
    figure.add_scatter(
        x=[place + 1 for _, place in cells],
        y=[depth for depth, _ in cells],
        mode="text",
        text=[f"{word}<br>{percent(chance)}" for word, chance in zip(shown, chances, strict=True)],
        textfont={"size": 12},
        customdata=[f"{word}: {chance:.5f}" for word, chance in zip(shown, chances, strict=True)],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    figure.update_yaxes(
        autorange="reversed", tickvals=list(range(len(depths))), ticktext=list(depths), showgrid=False, zeroline=False
    )
    figure.update_xaxes(dtick=1, showgrid=False)
    return figure


@remembered()
def lens_curves(
    teacher: Sequence[float],
    student: Sequence[float],
    labels: Mapping[str, str],
    depths: Mapping[str, Sequence[str]],
    kind: str,
    ceiling: float | None = None,
) -> go.Figure:
    """One measure by depth, both models on one axis: the share of its layers that a model has gone through.

    Args:
        teacher, student: from the embeddings to the last layer, `[layer + 1]` each.
        labels: `teacher`, `student`, `depth`, `measure`, `ceiling`.
        depths: names of the points, by "teacher" and "student", `[layer + 1]`.
        kind: "rank" (logarithmic, 1 at the top), "probability" or "entropy".
        ceiling: the largest value possible, drawn as a line.
    """
    figure = blank_figure(height=350, x_title=labels["depth"], y_title=labels["measure"])
    below(figure)
    shown = {"rank": ":,.0f", "probability": ":.2%", "entropy": ":.2f"}[kind]
    for name, values, color in (("teacher", teacher, TEACHER), ("student", student, STUDENT)):
        layers = range(len(values))
        figure.add_scatter(
            x=[layer / (len(values) - 1) for layer in layers],
            y=list(values),
            name=labels[name],
            mode="lines+markers",
            line={"color": color, "width": 3},
            marker={"size": 9, "symbol": "circle" if name == "teacher" else "diamond"},
            customdata=list(depths[name]),
            hovertemplate=f"%{{customdata}}: %{{y{shown}}}<extra>{labels[name]}</extra>",
        )
    if ceiling is not None:
        figure.add_hline(
            y=ceiling, line={"dash": "dot", "width": 1.5, "color": "gray"}, annotation_text=labels["ceiling"]
        )
    figure.update_xaxes(tickformat=".0%", range=[-0.03, 1.03])
    if kind == "rank":
        figure.update_yaxes(type="log", autorange="reversed", dtick=1, tickformat=",.0f")
    elif kind == "probability":
        figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    else:
        figure.update_yaxes(rangemode="tozero")
    return figure
