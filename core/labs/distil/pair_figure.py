"""A teacher and a student drawn next to each other: the layers that stay, depth and width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from core.charts.colors import NEUTRAL, STUDENT, TEACHER
from core.charts.figures import blank_figure
from core.memory import remembered
from core.numbering import shown

if TYPE_CHECKING:
    from core.labs.distil.resolved import Pair

_WIDE = 0.62
"""Half the drawn width of the widest model."""


@remembered()
def pair(drawn: Pair, labels: Mapping[str, str]) -> go.Figure:
    """Layers as blocks, the lowest at the bottom, as wide as their model; lines join a layer with the one it comes from (whole)
    or is compared with (dotted).

    Args:
        labels: `teacher`, `student`, `shape` with {layers}, {width}, {heads}; `layer` with {number}; `off` with {count}.
    """
    deepest = drawn.teacher[0]
    figure = blank_figure(height=90 + 36 * deepest, showlegend=False)
    widest = max(drawn.teacher[1], drawn.student[1])
    stays = None if drawn.kept is None else set(drawn.kept)
    for layer in range(drawn.teacher[0]):
        count = sum(1 for where, _ in drawn.off if where == layer)
        text = labels["layer"].format(number=shown(layer))
        if count:
            text += f" · {labels['off'].format(count=count)}"
        faint = stays is not None and layer not in stays
        _block(figure, 0.0, layer, drawn.teacher[1] / widest, TEACHER, text, 0.25 if faint else 1.0)
    places = drawn.kept if drawn.kept is not None else _spread(drawn.student[0], deepest)
    for layer, height in enumerate(places):
        text = labels["layer"].format(number=shown(layer))
        _block(figure, 2.0, height, drawn.student[1] / widest, STUDENT, text, 1.0)
    if drawn.kept is not None:
        for height in drawn.kept:
            _join(figure, drawn, widest, height, height, "solid", 2.0)
    for ours, theirs in drawn.compared:
        _join(figure, drawn, widest, theirs, places[ours], "dot", 1.5)
    for x, name, shape in ((0.0, labels["teacher"], drawn.teacher), (2.0, labels["student"], drawn.student)):
        about = labels["shape"].format(layers=shape[0], width=shape[1], heads=shape[2])
        figure.add_annotation(x=x, y=deepest + 0.15, text=f"<b>{name}</b><br>{about}", showarrow=False)
    figure.update_xaxes(visible=False, range=[-0.75, 2.75], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.65, deepest + 0.75], fixedrange=True)
    return figure


def _spread(count: int, of: int) -> Sequence[float]:
    """Heights of a fresh student's layers: in the middle of the teacher's, one after the other."""
    return [(of - count) / 2 + layer for layer in range(count)]


def _block(
    figure: go.Figure, x: float, y: float, share: float, color: str, text: str, opacity: float, height: float = 0.34
) -> None:
    half = _WIDE * max(share, 0.12)
    figure.add_shape(
        type="rect",
        x0=x - half,
        x1=x + half,
        y0=y - height,
        y1=y + height,
        fillcolor=color,
        opacity=opacity,
        line={"width": 0},
        layer="below",
    )
    inside = share > 0.5
    figure.add_annotation(
        x=x if inside else x + half + 0.04,
        y=y,
        text=text,
        showarrow=False,
        xanchor="center" if inside else "left",
        font={"color": "#ffffff"} if inside and opacity == 1 else {},
        opacity=1.0 if opacity == 1 else 0.7,
    )


def _join(figure: go.Figure, drawn: Pair, widest: int, teacher: float, student: float, dash: str, width: float) -> None:
    start = _WIDE * max(drawn.teacher[1] / widest, 0.12)
    end = 2.0 - _WIDE * max(drawn.student[1] / widest, 0.12)
    line = {"color": NEUTRAL, "dash": dash, "width": width}
    figure.add_scatter(x=[start, end], y=[teacher, student], mode="lines", line=line, hoverinfo="skip")
