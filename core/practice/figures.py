"""Pictures of a learner's progress: what comes back when, and how the points of a mock interview were earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import plotly.graph_objects as go

from core.charts.colors import NEUTRAL, POSITIVE
from core.charts.figures import blank_figure


def forecast_bars(counts: Mapping[date, int], labels: Mapping[str, str]) -> go.Figure:
    """Cards by the day on which they come back.

    Args:
        counts: how many, by day.
        labels: `cards`, and `date_format` as strftime reads it.
    """
    figure = blank_figure(height=220, y_title=labels["cards"])
    days = [f"{day:{labels['date_format']}}" for day in counts]
    figure.add_bar(
        x=days,
        y=list(counts.values()),
        marker_color=POSITIVE,
        hovertemplate="%{x}: %{y}<extra></extra>",
        text=[str(count) if count else "" for count in counts.values()],
        textposition="outside",
        cliponaxis=False,
    )
    figure.update_xaxes(type="category", tickangle=0, nticks=7)
    figure.update_yaxes(rangemode="tozero", tickformat="d", range=[0, max(4, *counts.values()) * 1.2])
    return figure


def topic_bars(
    names: Sequence[str], earned: Sequence[int], possible: Sequence[int], labels: Mapping[str, str]
) -> go.Figure:
    """Rubric points earned in each topic, next to those missed.

    Args:
        names: topics, `[topic]`.
        earned, possible: points, `[topic]`.
        labels: `earned` and `missed`.
    """
    figure = blank_figure(height=70 + 34 * len(names), barmode="stack")
    missed = [most - got for got, most in zip(earned, possible, strict=True)]
    for name, points, color in ((labels["earned"], earned, POSITIVE), (labels["missed"], missed, NEUTRAL)):
        figure.add_bar(
            y=list(names),
            x=list(points),
            orientation="h",
            name=name,
            marker_color=color,
            text=[str(point) if point else "" for point in points],
            textposition="inside",
            hovertemplate="%{y}: %{x}<extra>" + name + "</extra>",
        )
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(tickformat="d")
    return figure
