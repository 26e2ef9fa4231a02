"""Figures that compare a teacher's layers with a student's. Layer 0 is the embeddings everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import PROBABILITIES, STUDENT, TEACHER
from core.charts.figures import blank_figure, plain, state_names
from core.memory import remembered

if TYPE_CHECKING:
    from core.labs.layer_outputs.hidden_states import Cosine

FAINT = "rgba(140, 140, 140, {})"
DASHES = ("solid", "dot", "dash", "dashdot")


@dataclass(frozen=True)
class Line:
    """One number a layer for one model.

    Attributes:
        values: `[layer]`.
        at: the teacher's layer at which each state is drawn, the embeddings first; a measure of change has one value less.
        name: for the legend.
        of_student: true for the student's line; decides the colour.
        thin: a line in the background, such as a baseline.
    """

    values: ArrayLike
    at: Sequence[int]
    name: str
    of_student: bool = False
    thin: bool = False


def line_table(lines: Sequence[Line], layer: str) -> pd.DataFrame:
    """The lines' numbers: a column `layer` (the teacher's), then one column a line, empty where it has no point."""
    table = pd.DataFrame({layer: sorted({place for line in lines for place in line.at})}).set_index(layer)
    for line in lines:
        values = np.asarray(line.values, dtype=float)
        table[line.name] = pd.Series(values, index=list(line.at)[len(line.at) - len(values) :])
    return table.reset_index()


def long_table(
    values: Mapping[str, ArrayLike], tokens: Sequence[str], first: int, columns: Sequence[str]
) -> pd.DataFrame:
    """Numbers by model, layer and token.

    Args:
        values: `[layer, token]` by the model's name.
        first: the first row's layer.
        columns: the names of the columns model, layer, token and value.
    """
    rows = [
        (model, layer, token, float(value))
        for model, grid in values.items()
        for layer, line in enumerate(np.asarray(grid), first)
        for token, value in zip(tokens, line, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(columns))


def square_table(values: ArrayLike, rows: Sequence[object], columns: Sequence[object]) -> pd.DataFrame:
    """A grid `[row, column]` with its rows' names in the first column; names must differ."""
    return pd.DataFrame(np.asarray(values), index=pd.Index(rows, name=""), columns=list(columns)).reset_index()


@remembered()
def by_depth(lines: Sequence[Line], labels: Mapping[str, str], current: int | None = None) -> go.Figure:
    """Lines over the teacher's layers; the student's points are at the layers they were made from, with their number.

    Args:
        labels: `x`, `y`, and `embeddings` for layer 0.
        current: the teacher's layer chosen on the page.
    """
    figure = blank_figure(height=340, x_title=labels["x"], y_title=labels["y"], hovermode="x unified")
    last = max(max(line.at) for line in lines)
    if current is not None:
        figure.add_vrect(x0=current - 0.18, x1=current + 0.18, fillcolor=FAINT.format(0.22), line_width=0)
    for line in lines:
        color = STUDENT if line.of_student else TEACHER
        first = len(line.at) - len(np.asarray(line.values))  # measures of change begin at layer 1
        values, at = np.asarray(line.values, dtype=float), list(line.at)[first:]
        numbered = line.of_student and not line.thin
        figure.add_scatter(
            x=at,
            y=values,
            name=line.name,
            mode="lines+markers+text" if numbered else "lines+markers",
            text=[str(layer + first) for layer in range(len(values))] if numbered else None,
            textposition="bottom center",
            line={"color": color, "width": 1.5 if line.thin else 3, "dash": "dot" if line.thin else "solid"},
            marker={"size": 6 if line.thin else 10, "symbol": "diamond" if line.of_student else "circle"},
            opacity=0.75 if line.thin else 1,
            hovertemplate="%{y:.3f}<extra>" + line.name + "</extra>",
        )
    names = state_names(last + 1, labels["embeddings"])
    figure.update_xaxes(tickvals=list(range(last + 1)), ticktext=names, range=[-0.35, last + 0.35])
    return figure


@remembered()
def layers_by_token(
    teacher: ArrayLike, student: ArrayLike, tokens: Sequence[str], first_layer: int, labels: Mapping[str, str]
) -> go.Figure:
    """Two heat maps over the same tokens, the teacher's layers above the student's, on one scale.

    Args:
        teacher, student: `[layer, token]`.
        first_layer: the number of the first row, 0 for the embeddings.
        labels: `teacher`, `student`, `embeddings`, `scale`; `cell` with {layer}, {token} and {value} for the pointer.
    """
    values = [np.asarray(teacher, dtype=float), np.asarray(student, dtype=float)]
    rows = [len(part) for part in values]
    figure = blank_figure(height=130 + 26 * sum(rows))
    gap = 0.1
    split = (1 - gap) * rows[1] / sum(rows)
    finite = (
        np.concatenate([part[np.isfinite(part)] for part in values]) if np.isfinite(values[0]).any() else [0.0, 1.0]
    )
    low, high = float(min(finite)), float(max(finite))
    shown = [plain(token) for token in tokens]
    for part, axis, name in zip(values, ("y", "y2"), (labels["teacher"], labels["student"]), strict=True):
        layers = state_names(first_layer + len(part), labels["embeddings"])[first_layer:]
        hover = [
            [
                labels["cell"].format(layer=layer, token=token, value=f"{value:.3f}")
                for token, value in zip(shown, line, strict=True)
            ]
            for layer, line in zip(layers, part, strict=True)
        ]
        figure.add_heatmap(
            z=part,
            x=list(range(len(tokens))),
            y=list(range(len(part))),
            yaxis=axis,
            zmin=low,
            zmax=high,
            colorscale=[[0, "rgba(133, 134, 252, 0.04)"], [1, PROBABILITIES]],
            colorbar={"title": {"text": labels["scale"], "side": "right"}, "thickness": 12, "len": 0.9},
            showscale=axis == "y",
            hovertext=hover,
            hovertemplate="%{hovertext}<extra>" + name + "</extra>",
            xgap=1,
            ygap=1,
        )
        ticks = {"tickvals": list(range(len(part))), "ticktext": layers, "autorange": "reversed", "showgrid": False}
        domain = [split + gap, 1] if axis == "y" else [0, split]
        key = "yaxis" if axis == "y" else "yaxis2"
        figure.update_layout(
            {key: {"domain": domain, "title": {"text": name}, "automargin": True, "zeroline": False, **ticks}}
        )
    step = max(1, len(tokens) // 48)  # a long text names every second or third token
    named = list(range(0, len(tokens), step))
    figure.update_layout(
        xaxis={
            "tickvals": named,
            "ticktext": [shown[place] for place in named],
            "tickangle": -60 if len(tokens) > 12 else 0,
            "showgrid": False,
            "anchor": "y2",
        }
    )
    return figure


@remembered()
def token_paths(
    teacher: ArrayLike,
    student: ArrayLike,
    tokens: Sequence[str],
    chosen: Sequence[int],
    together: bool,
    labels: Mapping[str, str],
) -> go.Figure:
    """Teacher and student next to each other: every state a faint point, the chosen tokens' path from layer to layer.

    Args:
        teacher, student: `[layer, token, 2]`.
        tokens: `[token]`.
        chosen: indices of the tokens whose path is drawn, the first most prominent.
        together: True if both have the same plane, so that their axes are the same.
        labels: `teacher`, `student` (headings), `embeddings`, `x`, `y`, and `point` with {token} and {layer}.
    """
    figure = blank_figure(height=470, showlegend=False)
    panels = ((teacher, TEACHER, "x", "y", labels["teacher"]), (student, STUDENT, "x2", "y2", labels["student"]))
    for number, (points, color, x, y, heading) in enumerate(panels):
        points = np.asarray(points, dtype=float)
        layers, count = points.shape[:2]
        hover = [
            labels["point"].format(token=plain(tokens[i]), layer=layer) for layer in range(layers) for i in range(count)
        ]
        figure.add_scatter(
            x=points[..., 0].ravel(),
            y=points[..., 1].ravel(),
            xaxis=x,
            yaxis=y,
            mode="markers",
            marker={"size": 5, "color": FAINT.format(0.35)},
            hovertext=hover,
            hoverinfo="text",
        )
        for order, token in enumerate(chosen):
            path = points[:, token]
            names = state_names(layers, plain(tokens[token]))
            figure.add_scatter(
                x=path[:, 0],
                y=path[:, 1],
                xaxis=x,
                yaxis=y,
                mode="lines+markers+text",
                text=names,
                textposition="top center" if order % 2 == 0 else "bottom center",
                line={
                    "color": color,
                    "width": 2.5,
                    "dash": DASHES[order % len(DASHES)],
                    "shape": "spline",
                    "smoothing": 0.4,
                },
                marker={
                    "size": [13 if layer in (0, layers - 1) else 8 for layer in range(layers)],
                    "symbol": ["circle-open", *["circle"] * (layers - 2), "square"][:layers],
                    "color": color,
                },
                hovertext=[labels["point"].format(token=plain(tokens[token]), layer=layer) for layer in range(layers)],
                hoverinfo="text",
            )
        place = 0.23 if number == 0 else 0.77
        figure.add_annotation(text=f"<b>{heading}</b>", x=place, y=1.06, xref="paper", yref="paper", showarrow=False)
    figure.update_layout(
        xaxis={"domain": [0, 0.46], "title": {"text": labels["x"]}, "zeroline": False},
        yaxis={"title": {"text": labels["y"]}, "zeroline": False},
        xaxis2={"domain": [0.54, 1], "title": {"text": labels["x"]}, "anchor": "y2", "zeroline": False},
        yaxis2={"anchor": "x2", "zeroline": False},
        margin={"t": 40, "l": 8, "r": 8, "b": 8},
    )
    if together:
        figure.update_layout(xaxis2={"matches": "x"}, yaxis2={"matches": "y"})
    return figure


def cosine_formula(parts: Cosine) -> str:
    """LaTeX with the numbers."""
    return (
        r"\begin{aligned}\cos(a, b) &= \frac{a \cdot b}{\lVert a \rVert \, \lVert b \rVert} \\[4pt] &= "
        rf"\frac{{{parts.dot:.2f}}}{{{parts.first:.2f} \cdot {parts.second:.2f}}} = {parts.cosine:.3f}\end{{aligned}}"
    )
