"""Figures of the similarity of two models' layers. Layer 0 is the embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import DIFFERENCE, PROBABILITIES, STUDENT, TEACHER
from core.charts.figures import blank_figure, state_names
from core.memory import remembered
from core.numbering import numbers, shown

if TYPE_CHECKING:
    from core.labs.layer_outputs.cka import Growth, Parts
    from core.labs.layer_outputs.heads import LayerDistance, Term


NEUTRAL = "#77727D"
"""The least of a scale whose cells carry white numbers, in light and in dark mode."""


@remembered()
def layer_grid(
    values: ArrayLike,
    best: Sequence[int],
    made: Sequence[int],
    chosen: tuple[int, int],
    labels: Mapping[str, str],
) -> go.Figure:
    """CKA of teacher layers (rows) with student layers (columns), with two layer maps drawn on it.

    Args:
        values: `[teacher layer, student layer]`.
        best: the most similar row of each column.
        made: the row that each column was made from.
        chosen: the cell in focus, (teacher layer, student layer).
        labels: `embeddings`, `x`, `y`, `best`, `made`, `scale`; `cell` with {teacher}, {student} and {value}.
    """
    values = np.asarray(values, dtype=float)
    rows, columns = values.shape
    figure = blank_figure(height=170 + 46 * rows, x_title=labels["x"], y_title=labels["y"], clickmode="event+select")
    figure.add_heatmap(
        z=values,
        zmin=min(0.0, float(values.min())) if float(values.max()) < 0.5 else float(values.min()),
        zmax=float(values.max()),
        colorscale=[[0, NEUTRAL], [1, DIFFERENCE]],
        colorbar={"title": {"text": labels["scale"], "side": "right"}, "thickness": 12},
        hoverinfo="skip",
        xgap=2,
        ygap=2,
    )
    places = [(row, column) for row in range(rows) for column in range(columns)]
    hover = [
        labels["cell"].format(teacher=row, student=column, value=f"{values[row, column]:.4f}") for row, column in places
    ]
    figure.add_scatter(  # what a click hits: plotly reports no clicks on a heat map to Streamlit
        x=[column for _, column in places],
        y=[row for row, _ in places],
        customdata=places,
        mode="markers+text",
        text=[f"{values[place]:.2f}" for place in places],
        textfont={"size": 14, "color": "white"},
        marker={"symbol": "square", "size": 36, "color": "rgba(0, 0, 0, 0.004)"},
        unselected={"marker": {"opacity": 1}},
        hovertext=hover,
        hoverinfo="text",
        showlegend=False,
    )
    for name, map_, symbol, color, shift in (
        (labels["made"], made, "diamond", STUDENT, -0.33),
        (labels["best"], best, "star", TEACHER, 0.33),
    ):
        figure.add_scatter(
            x=[column + shift for column in range(columns)],
            y=[row + 0.27 for row in map_],
            mode="lines+markers",
            name=name,
            line={"color": color, "width": 1.5, "dash": "dot"},
            marker={"symbol": symbol, "size": 12, "color": color, "line": {"width": 1.5, "color": "white"}},
            hoverinfo="skip",
        )
    figure.update_layout(legend={"y": -0.16, "yanchor": "top"})  # above, in a narrow column, it would meet the buttons
    row, column = chosen
    figure.add_shape(
        type="rect",
        x0=column - 0.49,
        x1=column + 0.49,
        y0=row - 0.49,
        y1=row + 0.49,
        line={"color": "#8a8a8a", "width": 3},
    )
    names = state_names(max(rows, columns), labels["embeddings"])
    figure.update_xaxes(tickvals=list(range(columns)), ticktext=names[:columns], showgrid=False, zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(rows)), ticktext=names[:rows], autorange="reversed", showgrid=False, zeroline=False
    )
    return figure


@remembered()
def growth_lines(steps: Growth, labels: Mapping[str, str]) -> go.Figure:
    """CKA on the first n tokens, and its control; labels `x`, `y`, `measured`, `control`."""
    figure = blank_figure(height=320, x_title=labels["x"], y_title=labels["y"], hovermode="x unified")
    for name, values, dash, color in (
        (labels["measured"], steps.measured, "solid", DIFFERENCE),
        (labels["control"], steps.control, "dot", "#8a8a8a"),
    ):
        figure.add_scatter(
            x=steps.counts,
            y=list(values),
            name=name,
            mode="lines+markers",
            line={"dash": dash, "color": color, "width": 3},
        )
    figure.update_traces(hovertemplate="%{y:.3f}")
    figure.update_yaxes(range=[0, 1.04])
    figure.update_layout(legend={"y": -0.28, "yanchor": "top"})
    return figure


def growth_table(steps: Growth, labels: Mapping[str, str]) -> pd.DataFrame:
    """The numbers of `growth_lines`."""
    return pd.DataFrame(
        {labels["x"]: steps.counts, labels["measured"]: steps.measured, labels["control"]: steps.control}
    )


def cka_formula(parts: Parts) -> str:
    """LaTeX with the numbers; K and L are the centred XXᵀ of teacher and student."""
    numbers = [_scientific(number) for number in (parts.inner, parts.teacher, parts.student)]
    return (
        r"\begin{aligned}\mathrm{CKA} &= \frac{\sum_{ij} K_{ij} L_{ij}}{\lVert K \rVert_F \, \lVert L \rVert_F} \\[4pt]"
        rf" &= \frac{{{numbers[0]}}}{{{numbers[1]} \cdot {numbers[2]}}} = {parts.cka:.3f}\end{{aligned}}"
    )


def _scientific(number: float) -> str:
    digits, exponent = f"{number:.2e}".split("e")
    return rf"{digits} \times 10^{{{int(exponent)}}}"


def divergence_formula(terms: Sequence[Term]) -> str:
    """LaTeX: the divergence of one query as a sum, with the numbers of its first term."""
    first = terms[0]
    return (
        r"\begin{aligned}\mathrm{KL} &= \sum_k p_k \ln \frac{p_k}{q_k} \\[4pt] &= "
        rf"{first.teacher:.3f} \ln \frac{{{first.teacher:.3f}}}{{{first.student:.3f}}} + \dots"
        rf" = ({first.part:+.3f}) + \dots\end{{aligned}}"
    )


def term_table(terms: Sequence[Term], tokens: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """The terms under the columns `names`: token, teacher, student, part."""
    rows = [(tokens[term.key], term.teacher, term.student, term.part) for term in terms]
    return pd.DataFrame(rows, columns=list(names)).round(4)


def distance_table(found: LayerDistance, labels: Mapping[str, str]) -> pd.DataFrame:
    """The numbers of `distance_bars`."""
    layers = numbers(len(found.same))
    return pd.DataFrame({labels["x"]: layers, labels["same"]: found.same, labels["one_to_one"]: found.one_to_one})


@remembered()
def distance_bars(found: LayerDistance, made: int, same_number: int, labels: Mapping[str, str]) -> go.Figure:
    """Distance of one student layer's attention to each teacher layer's.

    Args:
        found: mean KL per head by teacher layer.
        made, same_number: the two layers (from 0) to name on the axis.
        labels: `x`, `y`, `same`, `one_to_one`, `made`, `same_number`.
    """
    figure = blank_figure(height=360, x_title=labels["x"], y_title=labels["y"], barmode="group")
    layers = numbers(len(found.same))
    for name, values, color in (
        (labels["same"], found.same, DIFFERENCE),
        (labels["one_to_one"], found.one_to_one, PROBABILITIES),
    ):
        figure.add_bar(
            x=layers,
            y=values,
            name=name,
            marker_color=color,
            text=[f"{value:.2f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y:.4f}<extra>" + name + "</extra>",
        )
    notes = {shown(made): labels["made"]}
    if same_number != made:
        notes[shown(same_number)] = labels["same_number"]
    ticks = [f"<b>{layer}</b><br>{notes[layer]}" if layer in notes else str(layer) for layer in layers]
    figure.update_xaxes(tickvals=layers, ticktext=ticks, tickangle=0)
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(legend={"y": -0.3, "yanchor": "top"})
    return figure
