"""Figures of the experiments: students during training and their results, each seed a separate point.

Texts are passed as `labels`; `lessons/experiments/labels.toml` describes each key under the figure's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from core.charts.colors import ARMS, DIFFERENCE, NEGATIVE, NEUTRAL, POSITIVE, STUDENT
from core.charts.figures import BESIDE, TALL, blank_figure, level_line
from core.memory import remembered

if TYPE_CHECKING:
    from core.labs.experiments.omitted_class import OmittedClass
    from core.labs.experiments.results import Budget, Curves

STYLES = {
    "distilled": (ARMS["distilled"], "solid", "circle"),
    "square": (STUDENT, "solid", "circle"),
    "match": (DIFFERENCE, "dash", "diamond"),
    "plain": (NEGATIVE, "dot", "triangle-up"),
    "staged": (DIFFERENCE, "dash", "diamond"),
    "unlabelled": (POSITIVE, "dash", "diamond"),
    "control": (ARMS["control"], "dash", "square"),
    "static": (NEGATIVE, "dash", "square"),
    "dynamic": (POSITIVE, "solid", "circle"),
    "teacher": (ARMS["teacher"], "dot", "x"),
}
"""Colour, dash and symbol of each arm: never the colour alone."""


def ways(curves: Curves, labels: Mapping[str, str], measure: str = "accuracy") -> go.Figure:
    """The held-out measure over the steps, one line per student and seed, up to the last measurement.

    Args:
        labels: `step`, `accuracy` or `loss`, `teacher`, and the name of each arm.
        measure: "accuracy" or "loss".
    """
    lines = {
        arm: [(way.steps, getattr(way, measure)) for way in curves.of(arm)]
        for arm in dict.fromkeys(way.arm for way in curves.students)
    }
    level = curves.teacher_accuracy if measure == "accuracy" else curves.teacher_loss
    return way_lines(lines, curves.steps, level, labels, measure)


def way_lines(
    lines: Mapping[str, Sequence[tuple[Sequence[int], Sequence[float]]]],
    steps: int,
    level: float | None,
    labels: Mapping[str, str],
    measure: str = "accuracy",
) -> go.Figure:
    """Lines by arm, one per seed: steps of the measurements, and the measured values.

    Args:
        steps: the end of the axis.
        level: the teacher's own value, or None.
        labels: see `ways`.
    """
    figure = blank_figure(400, margin=TALL, x_title=labels["step"], y_title=labels[measure])
    figure.update_layout(uirevision="ways")  # a zoom survives the next point
    for arm, seeds in lines.items():
        color, dash, symbol = STYLES[arm]
        for number, (x, y) in enumerate(seeds):
            figure.add_scatter(
                x=list(x),
                y=list(y),
                mode="lines+markers",
                name=labels[arm],
                legendgroup=arm,
                showlegend=number == 0,
                line={"color": color, "dash": dash, "width": 2},
                marker={"symbol": symbol, "size": 6},
                hovertemplate="%{x}: %{y:.3f}<extra>" + labels[arm] + "</extra>",
            )
    if level is not None:
        level_line(figure, (0, steps), level, labels["teacher"])
    figure.update_xaxes(range=[0, steps * 1.02])
    if measure == "accuracy":
        figure.update_yaxes(range=[0, 1], tickformat=".0%")
    return figure


@remembered()
def seed_dots(values: Mapping[str, Sequence[float]], level: float | None, labels: Mapping[str, str]) -> go.Figure:
    """One row per arm, one point per seed, a tick at the mean.

    Args:
        values: shares by arm, one per seed.
        level: the teacher's own value, or None.
        labels: `accuracy`, `teacher`, `mean`, and the name of each arm.
    """
    figure = blank_figure(height=110 + 52 * len(values), x_title=labels["accuracy"], margin=BESIDE)
    for arm, seeds in values.items():
        color, _, symbol = STYLES[arm]
        figure.add_scatter(
            x=list(seeds),
            y=[labels[arm]] * len(seeds),
            mode="markers",
            name=labels[arm],
            showlegend=False,
            marker={"color": color, "symbol": symbol, "size": 11, "opacity": 0.75},
            hovertemplate="%{x:.1%}<extra>" + labels[arm] + "</extra>",
        )
        figure.add_scatter(
            x=[float(np.mean(seeds))],
            y=[labels[arm]],
            mode="markers+text",
            text=[f"{np.mean(seeds):.0%}"],
            textposition="top center",
            cliponaxis=False,
            showlegend=False,
            marker={"symbol": "line-ns", "size": 20, "line": {"color": color, "width": 3}},
            hovertemplate="%{x:.1%}<extra>" + labels["mean"] + "</extra>",
        )
    if level is not None:
        figure.add_vline(level, line={"color": NEUTRAL, "dash": "dot", "width": 1.5})
        figure.add_annotation(
            x=level, y=1, yref="paper", yanchor="bottom", showarrow=False, text=labels["teacher"], font={"size": 12}
        )
    figure.update_xaxes(range=[0, 1.03], tickformat=".0%")
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


@remembered()
def share_bars(rows: Mapping[str, Sequence[float]], labels: Mapping[str, str]) -> go.Figure:
    """One horizontal bar per row at the mean of some shares, and one point per seed.

    Args:
        rows: shares by the label shown on the axis.
        labels: `share`.
    """
    figure = blank_figure(height=110 + 52 * len(rows), x_title=labels["share"], showlegend=False, margin=BESIDE)
    means = [float(np.mean(values)) for values in rows.values()]
    figure.add_bar(
        y=list(rows),
        x=means,
        orientation="h",
        marker_color=STUDENT,
        opacity=0.55,
        text=[f"{mean:.0%}" for mean in means],
        textposition="inside",
        insidetextanchor="start",
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    figure.add_scatter(
        x=[value for values in rows.values() for value in values],
        y=[row for row, values in rows.items() for _ in values],
        mode="markers",
        marker={"color": STUDENT, "size": 9, "symbol": "circle-open", "line": {"width": 2}},
        hovertemplate="%{x:.1%}<extra></extra>",
    )
    figure.update_xaxes(range=[0, 1.03], tickformat=".0%")
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


@remembered()
def budget_dots(
    budgets: Sequence[Budget], arms: Sequence[str], level: float | None, labels: Mapping[str, str], flat: str = ""
) -> go.Figure:
    """Accuracy against a budget: a line through each arm's means, one point per seed.

    Args:
        arms: those that every budget has.
        level: the teacher's own value, or None.
        labels: `budget`, `accuracy`, `teacher`, and the name of each arm.
        flat: an arm that only one budget has, since no budget changes it: drawn across.
    """
    figure = blank_figure(420, margin=TALL, x_title=labels["budget"], y_title=labels["accuracy"])
    names = [f"{one.number:,}" for one in budgets]
    for arm in arms:
        color, dash, symbol = STYLES[arm]
        figure.add_scatter(
            x=names,
            y=[one.ends[arm].mean for one in budgets],
            mode="lines",
            name=labels[arm],
            legendgroup=arm,
            showlegend=False,
            line={"color": color, "dash": dash, "width": 2},
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=[name for name, one in zip(names, budgets, strict=True) for _ in one.ends[arm].accuracy],
            y=[value for one in budgets for value in one.ends[arm].accuracy],
            mode="markers",
            name=labels[arm],
            legendgroup=arm,
            marker={"color": color, "symbol": symbol, "size": 10, "opacity": 0.8},
            hovertemplate="%{x}: %{y:.1%}<extra>" + labels[arm] + "</extra>",
        )
    everywhere = [one.ends[flat].mean for one in budgets if flat in one.ends]
    if everywhere:
        color, dash, _ = STYLES[flat]
        figure.add_scatter(
            x=names,
            y=everywhere[:1] * len(names),
            mode="lines",
            name=labels[flat],
            line={"color": color, "dash": dash, "width": 2},
            hovertemplate="%{y:.1%}<extra>" + labels[flat] + "</extra>",
        )
    if level is not None:
        figure.add_scatter(
            x=names,
            y=[level] * len(names),
            mode="lines",
            name=labels["teacher"],
            line={"color": NEUTRAL, "dash": "dot", "width": 1.5},
            hovertemplate="%{y:.1%}<extra>" + labels["teacher"] + "</extra>",
        )
    figure.update_xaxes(type="category")
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
    return figure


@remembered()
def trade_off(found: Sequence[OmittedClass], labels: Mapping[str, str]) -> go.Figure:
    """Recall of the omitted class against accuracy on the others as its bias rises, a line per student, marked before and after.

    Args:
        labels: `found`, `price`, `before`, `after`, and the name of each arm.
    """
    figure = blank_figure(460, margin=TALL, x_title=labels["price"], y_title=labels["found"])
    named: set[str] = set()
    for one in found:
        color, dash, _ = STYLES[one.arm]
        figure.add_scatter(
            x=np.asarray(one.price),
            y=np.asarray(one.found),
            mode="lines",
            name=labels[one.arm],
            legendgroup=one.arm,
            showlegend=one.arm not in named,
            line={"color": color, "dash": dash, "width": 2},
            hovertemplate="%{x:.1%} → %{y:.1%}<extra>" + labels[one.arm] + "</extra>",
        )
        named.add(one.arm)
    students = [one for one in found if one.arm != "teacher"]
    for key, symbol, places in (
        ("before", "circle-open", [(one.others, one.recall, one.arm) for one in students]),
        ("after", "star", [(one.others_after, one.recall_after, one.arm) for one in students]),
    ):
        figure.add_scatter(
            x=[place[0] for place in places],
            y=[place[1] for place in places],
            mode="markers",
            name=labels[key],
            marker={"symbol": symbol, "size": 11, "color": [STYLES[place[2]][0] for place in places]},
            hovertemplate="%{x:.1%}, %{y:.1%}<extra>" + labels[key] + "</extra>",
        )
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%")
    return figure
