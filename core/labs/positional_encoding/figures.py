"""Figures of the page on positions: waves, clocks, and the learned table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from core.charts.colors import DIFFERENCE, KEY, NEGATIVE, POSITIVE, QUERY, SCORES, TEACHER
from core.charts.figures import BESIDE, TALL, blank_figure
from core.memory import remembered

QUIET = "rgba(128,128,128,0.55)"
"""Lines that only help the eye, on white and on black."""


def _faded(color: str, alpha: float) -> str:
    return f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:7], 16)},{alpha})"


DIVERGING = [[0, NEGATIVE], [0.5, _faded(NEGATIVE, 0)], [0.5, _faded(POSITIVE, 0)], [1, POSITIVE]]
"""From below zero to above; zero is the page's own background."""

SEQUENTIAL = [[0, _faded(DIFFERENCE, 0)], [1, DIFFERENCE]]


@remembered()
def encoding_heatmap(
    values: ArrayLike,
    rows: Sequence[int],
    columns: Sequence[int],
    positions: tuple[int, int],
    pair: int,
    labels: Mapping[str, str],
) -> go.Figure:
    """The encoding as cells, with the two chosen positions as lines and the chosen pair of dimensions as a frame.

    Args:
        values: `[row, column]`, from −1 to 1.
        rows, columns: the position of each row, the dimension of each column.
        positions: A and B.
        pair: i, of the dimensions 2i and 2i + 1.
        labels: `position`, `dimension`.
    """
    figure = blank_figure(430, labels["dimension"], labels["position"])
    figure.add_heatmap(
        z=np.asarray(values),
        x=[str(column) for column in columns],
        y=[str(row) for row in rows],
        zmin=-1,
        zmax=1,
        colorscale=DIVERGING,
        colorbar={"thickness": 10, "tickvals": [-1, 0, 1], "len": 0.6},
        hovertemplate=f"{labels['position']} %{{y}}, {labels['dimension']} %{{x}}: %{{z:.4f}}<extra></extra>",
    )
    for position, color, name in zip(positions, (QUERY, KEY), "AB", strict=True):
        row = int(np.searchsorted(rows, position, side="right")) - 1
        figure.add_shape(
            type="rect", x0=-0.5, x1=len(columns) - 0.5, y0=row - 0.5, y1=row + 0.5, line={"color": color, "width": 2}
        )
        # A is at the left, B at the right, so that they never cover each other.
        figure.add_annotation(
            x=-0.5 if name == "A" else len(columns) - 0.5,
            y=row,
            text=f"<b>{name}</b>",
            showarrow=False,
            font={"color": "white", "size": 12},
            bgcolor=color,
            borderpad=2,
        )
    if 2 * pair in columns:
        left = columns.index(2 * pair)
        figure.add_shape(
            type="rect", x0=left - 0.5, x1=left + 1.5, y0=-0.5, y1=len(rows) - 0.5, line={"color": SCORES, "width": 2}
        )
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False, nticks=10)
    figure.update_xaxes(type="category", showgrid=False, nticks=12, tickangle=0)
    return figure


@remembered()
def clock_figure(
    angles: Sequence[float],
    frequency: float,
    dots: int,
    pair: int,
    positions: tuple[int, int],
    labels: Mapping[str, str],
) -> go.Figure:
    """One pair of dimensions as a clock: 0 at the top, clockwise, a hand for each of the two positions.

    Args:
        angles: of the hands, in radians, `[2]`.
        frequency: radians per position.
        dots: number of positions, from 0 on, that are drawn as dots.
        pair: i, of the dimensions 2i and 2i + 1.
        positions: of the hands, A and B.
        labels: `position`, `dimension`, and `hand` with {name} and {position}.
    """
    figure = blank_figure(430, f"{labels['dimension']} {2 * pair} (sin)", f"{labels['dimension']} {2 * pair + 1} (cos)")
    figure.update_layout(margin=BESIDE)
    circle = np.linspace(0, 2 * math.pi, 121)
    figure.add_scatter(
        x=np.sin(circle), y=np.cos(circle), mode="lines", line={"color": QUIET, "width": 1}, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    places = np.arange(dots)
    figure.add_scatter(
        x=np.sin(places * frequency),
        y=np.cos(places * frequency),
        mode="markers",
        marker={"color": QUIET, "size": 6},
        customdata=places,
        hovertemplate=f"{labels['position']} %{{customdata}}: (%{{x:.3f}}, %{{y:.3f}})<extra></extra>",
        showlegend=False,
    )
    for angle, color, letter, position in zip(angles, (QUERY, KEY), "AB", positions, strict=True):
        name = labels["hand"].format(name=letter, position=position)
        figure.add_scatter(
            x=[0, math.sin(angle)],
            y=[0, math.cos(angle)],
            mode="lines+markers",
            line={"color": color, "width": 4},
            marker={"color": color, "size": [0, 12]},
            name=name,
            hovertemplate=f"{name}: (%{{x:.4f}}, %{{y:.4f}})<extra></extra>",
        )
    figure.update_xaxes(range=[-1.25, 1.25], zeroline=False, constrain="domain", tickvals=[-1, 0, 1])
    figure.update_yaxes(range=[-1.25, 1.25], zeroline=False, scaleanchor="x", constrain="domain", tickvals=[-1, 0, 1])
    return figure


@remembered()
def similarity_lines(
    curves: Sequence[tuple[str, ArrayLike, str]], labels: Mapping[str, str], mark: tuple[int, float] | None = None
) -> go.Figure:
    """Similarity by distance, one line each.

    Args:
        curves: (name, values `[distance]`, colour).
        labels: `distance`, `cosine`.
        mark: (distance, value) of a chosen pair.
    """
    figure = blank_figure(374 if len(curves) > 1 else 330, labels["distance"], labels["cosine"])
    for name, values, color in curves:
        figure.add_scatter(y=np.asarray(values), mode="lines", name=name, line={"color": color, "width": 2})
    if mark:
        figure.add_scatter(
            x=[mark[0]],
            y=[mark[1]],
            mode="markers",
            marker={"color": SCORES, "size": 13},
            name="A, B",
            showlegend=False,
        )
    figure.update_layout(showlegend=len(curves) > 1, hovermode="x", margin=TALL if len(curves) > 1 else {})
    figure.update_traces(hovertemplate="%{x}: %{y:.4f}")
    return figure


@remembered()
def cosine_map(
    values: ArrayLike, starts: Sequence[int], labels: Mapping[str, str], frame: tuple[int, int] | None = None
) -> go.Figure:
    """Cosines of all pairs of positions, `[row, column]`, rows and columns named by their first position.

    Args:
        labels: `position`, `cosine`.
        frame: the first and last position of a part to be framed.
    """
    figure = blank_figure(360, labels["position"], labels["position"])
    names = [str(start) for start in starts]
    figure.add_heatmap(
        z=np.asarray(values), x=names, y=names, zmin=-1, zmax=1, colorscale=DIVERGING,
        colorbar={"thickness": 10, "tickvals": [-1, 0, 1], "len": 0.6},
        hovertemplate=f"{labels['position']} %{{y}}, %{{x}}: {labels['cosine']} %{{z:.3f}}<extra></extra>",
    )  # fmt: skip
    if frame:
        low, high = (int(np.searchsorted(starts, edge, side="right")) - 1 for edge in frame)
        figure.add_shape(
            type="rect", x0=low - 0.5, x1=high + 0.5, y0=low - 0.5, y1=high + 0.5, line={"color": SCORES, "width": 2}
        )
    figure.update_xaxes(type="category", nticks=8, showgrid=False, tickangle=0, constrain="domain")
    figure.update_yaxes(
        type="category", nticks=8, showgrid=False, autorange="reversed", scaleanchor="x", constrain="domain"
    )
    return figure


@remembered()
def row_profile(norms: ArrayLike, next_cosine: ArrayLike, seams: Sequence[int], labels: Mapping[str, str]) -> go.Figure:
    """The length of each row, and below it its cosine with the next, with the seams marked.

    Args:
        labels: `position`, `norm`, `next_cosine`.
    """
    norms, next_cosine = np.asarray(norms), np.asarray(next_cosine)
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.08)
    figure.update_layout(blank_figure(360).layout, showlegend=False, hovermode="x")
    figure.add_scatter(y=norms, mode="lines", line={"color": TEACHER, "width": 2}, row=1, col=1)
    figure.add_scatter(y=next_cosine, mode="lines", line={"color": POSITIVE, "width": 1.5}, row=2, col=1)
    figure.add_scatter(
        x=list(seams),
        y=next_cosine[list(seams)],
        mode="markers+text",
        text=[f"{seam}|{seam + 1}" for seam in seams],
        textposition=[_beside(seam, seams, len(norms)) for seam in seams],
        marker={"color": NEGATIVE, "size": 9},
        row=2,
        col=1,
    )
    figure.update_traces(hovertemplate="%{x}: %{y:.3f}<extra></extra>")
    figure.update_xaxes(title_text=labels["position"], range=[-14, len(norms) + 14], row=2, col=1)
    figure.update_yaxes(range=[min(0.0, float(next_cosine.min())) - 0.12, 1.02], row=2, col=1)
    figure.update_yaxes(title_text=labels["norm"], rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text=labels["next_cosine"], row=2, col=1)
    return figure


def _beside(seam: int, seams: Sequence[int], length: int) -> str:
    """Side of its point on which a seam is named, so that it neither leaves the figure nor meets its neighbour."""
    crowded = any(0 < other - seam < length // 10 for other in seams)
    return "bottom left" if crowded or seam > length * 0.9 else "bottom right"


@remembered()
def path_figure(scores: ArrayLike, axes: tuple[int, int], first: int, labels: Mapping[str, str]) -> go.Figure:
    """Positions as beads on a string, in two principal components; early ones pale, late ones dark.

    Args:
        scores: `[position, component]`.
        axes: the components to draw, from 0.
        first: the number of the first bead.
        labels: `position`, and `component` with {number}.
    """
    scores = np.asarray(scores)
    figure = blank_figure(400, *(labels["component"].format(number=axis + 1) for axis in axes))
    numbers = first + np.arange(len(scores))
    figure.add_scatter(
        x=scores[:, axes[0]], y=scores[:, axes[1]], mode="lines+markers", customdata=numbers,
        line={"color": QUIET, "width": 1, "shape": "spline"},
        marker={
            "size": 10, "color": numbers, "colorscale": [[0, _faded(TEACHER, 0.35)], [1, TEACHER]],
            "colorbar": {"thickness": 10, "len": 0.6, "title": {"text": labels["position"], "side": "right"}},
            "line": {"color": TEACHER, "width": 1},
        },
        hovertemplate=f"{labels['position']} %{{customdata}}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(zeroline=False, constrain="domain")
    figure.update_yaxes(zeroline=False, scaleanchor="x", constrain="domain")
    return figure
