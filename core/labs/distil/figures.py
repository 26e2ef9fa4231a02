"""Figures of a live distillation: loss terms, quality over the steps, soft labels side by side.

Texts are passed as `labels`; `lessons/distil/labels.toml` describes each key under the figure's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.charts.colors import ARMS, NEUTRAL
from core.charts.figures import BESIDE, blank_figure, paired_bars, plain
from core.memory import remembered

if TYPE_CHECKING:
    from core.labs.distil.curves import Curve

_DASHES = {"teacher": "dot", "distilled": "solid", "control": "dash"}


def loss_curves(terms: Mapping[str, Sequence[Curve]], steps: int, labels: Mapping[str, str]) -> go.Figure:
    """Each loss term in a panel of its own, all seeds thin.

    Args:
        terms: by the term's name.
        steps: of one seed, in all: the end of the axis, so that the remaining steps show.
        labels: `step`, the arms' names, and the terms' names under "term.…" ("term.soft").
    """
    names = list(terms)
    figure = _panels([_term(name, labels) for name in names], labels["step"], steps)
    shown: set[str] = set()
    drawn = [_line(curve, labels, place, shown) for place, name in enumerate(names, start=1) for curve in terms[name]]
    figure.add_traces(drawn)
    figure.update_yaxes(rangemode="tozero", nticks=5)
    return figure


def _term(name: str, labels: Mapping[str, str]) -> str:
    base, _, number = name.rpartition("_")
    if f"term.{name}" in labels:
        return labels[f"term.{name}"]
    return f"{labels[f'term.{base}']} {number}"


@remembered()
def quality_curves(measures: Mapping[str, Sequence[Curve]], steps: int, labels: Mapping[str, str]) -> go.Figure:
    """Accuracy and agreement over the steps, all seeds; the teacher as a level.

    Args:
        measures: by name.
        steps: as in `loss_curves`.
        labels: `step`, the arms' names, and each measure's name.
    """
    figure = _panels([labels[name] for name in measures], labels["step"], steps)
    shown: set[str] = set()
    figure.add_traces(
        [
            _line(curve, labels, place, shown, markers=True)
            for place, curves in enumerate(measures.values(), start=1)
            for curve in curves
        ]
    )
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02], nticks=6)
    for column in range(2, len(measures) + 1):
        figure.update_yaxes(showticklabels=False, col=column)  # the scale is the first panel's
    return figure


def _panels(titles: Sequence[str], step: str, steps: int) -> go.Figure:
    """Empty panels side by side; below each other beyond three, so that each stays wide enough to read."""
    return go.Figure(_grid(titles, step, steps))


@remembered()
def _grid(titles: Sequence[str], step: str, steps: int) -> go.Figure:
    """Kept, since a page that follows a run draws a figure every second, and the panels are most of its cost."""
    columns = max(1, min(len(titles), 3))
    rows = max(1, -(-len(titles) // columns))
    height = 120 + 200 * rows
    spaced = {"horizontal_spacing": 0.09, "vertical_spacing": 90 / height if rows > 1 else 0}
    figure = blank_figure(height=height)
    grid = make_subplots(rows=rows, cols=columns, subplot_titles=[*titles], figure=figure, **spaced)
    # Above, the legend would be under the buttons that save the figure.
    grid.update_layout(margin={"l": 8, "r": 8, "t": 52, "b": 72}, legend={"yanchor": "top", "y": -66 / (height - 124)})
    grid.update_annotations(font_size=13)
    grid.update_xaxes(range=[0, steps * 1.02], nticks=5)
    for column in range(1, columns + 1):
        grid.update_xaxes(title_text=step, title_standoff=4, row=rows, col=column)
    return grid


def _line(curve: Curve, labels: Mapping[str, str], place: int, shown: set[str], markers: bool = False) -> dict:
    """One thin line in panel number `place`, counted from 1; the arm's name appears once in the legend."""
    name, axis = labels[curve.arm], "" if place == 1 else str(place)
    beside = name if curve.seed is None else f"{name}, {labels['seed'].format(seed=curve.seed)}"
    first = curve.arm not in shown
    dots = (markers and curve.seed is not None) or len(curve.steps) == 1  # a line of one point would not be seen
    shown.add(curve.arm)
    return {
        "type": "scatter",
        "x": curve.steps,
        "y": curve.values,
        "mode": "lines+markers" if dots else "lines",
        "name": name,
        "legendgroup": curve.arm,
        "showlegend": first,
        "line": {"color": ARMS.get(curve.arm, NEUTRAL), "width": 1.8, "dash": _DASHES.get(curve.arm, "solid")},
        "marker": {"size": 5},
        "opacity": 0.85,
        "hovertemplate": "%{x}: %{y:.3f}<extra>" + beside + "</extra>",
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
    }


@remembered()
def soft_labels(classes: Sequence[str], models: Mapping[str, Sequence[float]], labels: Mapping[str, str]) -> go.Figure:
    """A group of bars per class: each model's probability.

    Args:
        classes: their names in the page's language, `[class]`.
        models: probabilities by model, `[class]`.
        labels: `probability` and the models' names.
    """
    figure = blank_figure(
        height=110 + (16 * len(models) + 8) * len(classes), x_title=labels["probability"], barmode="group"
    )
    rows = [(labels.get(name, name), shares, ARMS.get(name, NEUTRAL)) for name, shares in models.items()]
    paired_bars(figure, [plain(name) for name in classes], rows)
    # One scale for all steps, or a growing bar would look like a shrinking axis; the scale follows the constant teacher.
    largest = max(max(shares) for shares in models.values())
    end = max(min(1.0, 1.8 * max(models["teacher"])), largest) * 1.16
    figure.update_xaxes(range=[0, end])
    figure.update_layout(margin=BESIDE, legend={"traceorder": "normal"}, bargap=0.25)
    return figure
