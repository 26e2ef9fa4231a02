"""Figures shown before an experiment runs.

Texts are passed as `labels`; `lessons/experiments/labels.toml` describes each key under the figure's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from core.charts.colors import DIFFERENCE, NEUTRAL, STUDENT, TEACHER
from core.charts.figures import BESIDE, blank_figure
from core.labs.experiments.figures import STYLES
from core.memory import remembered

if TYPE_CHECKING:
    from core.labs.experiments.previews import (
        Evidence,
        GradientAlignment,
        GradientAlignments,
        LabelCounts,
        LossSchedule,
        MaskCoverage,
    )


@remembered()
def pull_points(pull: GradientAlignment, labels: Mapping[str, str]) -> go.Figure:
    """The gradient by each logit against the difference of the logits: on the diagonal, soft labels match logits.

    Args:
        labels: `difference`, `push`, `points`, `limit`.
    """
    figure = blank_figure(height=380, x_title=labels["difference"], y_title=labels["push"], margin=BESIDE)
    x, y = (np.asarray(values).ravel() for values in (pull.difference, pull.gradient))
    end = float(np.abs(x).max()) * 1.05
    figure.add_scatter(
        x=[-end, end],
        y=[-end, end],
        mode="lines",
        name=labels["limit"],
        line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        name=labels["points"],
        marker={"color": TEACHER, "size": 5, "opacity": 0.55},
        hovertemplate="%{x:.2f} → %{y:.2f}<extra></extra>",
    )
    figure.update_xaxes(range=[-end, end])
    figure.update_yaxes(
        range=[-end * 1.6, end * 1.6]
    )  # the same at every temperature, so that the movement of the points is visible
    return figure


@remembered()
def pull_lengths(found: GradientAlignments, temperature: float, labels: Mapping[str, str]) -> go.Figure:
    """The gradient's length with and without T² against T, both axes logarithmic, the chosen T marked.

    Args:
        labels: `temperature`, `length`, `scaled`, `plain`, `limit`.
    """
    figure = blank_figure(height=380, x_title=labels["temperature"], y_title=labels["length"], margin=BESIDE)
    hot = [one.temperature for one in found.pulls]
    for name, values, color, dash in (
        ("scaled", [one.length for one in found.pulls], STUDENT, "solid"),
        ("plain", [one.plain for one in found.pulls], DIFFERENCE, "dash"),
        ("limit", [found.limit] * len(hot), NEUTRAL, "dot"),
    ):
        figure.add_scatter(
            x=hot,
            y=values,
            mode="lines" if name == "limit" else "lines+markers",
            name=labels[name],
            line={"color": color, "dash": dash, "width": 2},
            hovertemplate="T = %{x:g}: %{y:.3~g}<extra>" + labels[name] + "</extra>",
        )
    figure.add_vline(temperature, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.update_xaxes(type="log", tickvals=hot, ticktext=[f"{one:g}" for one in hot])
    figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    return figure


@remembered()
def carrier_bars(kinds: Sequence[str], found: Evidence, labels: Mapping[str, str]) -> go.Figure:
    """The teacher's mean probability of the omitted class over the texts of each other class.

    Args:
        kinds: names of the classes in the page's language, `[class]`.
        labels: `share`, `uniform`.
    """
    shares = np.asarray(found.shares)
    order = [row for row in np.argsort(-np.nan_to_num(shares, nan=-1.0)) if not np.isnan(shares[row])]
    figure = blank_figure(height=90 + 26 * len(order), x_title=labels["share"], showlegend=False, margin=BESIDE)
    figure.add_bar(
        y=[kinds[row] for row in order],
        x=shares[order],
        orientation="h",
        marker_color=TEACHER,
        text=[f"{shares[row]:.1%}" for row in order],
        textposition="outside",
        cliponaxis=False,
        customdata=np.asarray(found.count)[order],
        hovertemplate="%{y}: %{x:.2%} (%{customdata})<extra></extra>",
    )
    figure.update_xaxes(range=[0, float(np.nanmax(shares)) * 1.2], tickformat=".0%", nticks=5)
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


@remembered()
def shelf_bars(kinds: Sequence[str], found: LabelCounts, labels: Mapping[str, str]) -> go.Figure:
    """Labels by class, and the sum of the teacher's probabilities for each class; logarithmic, so that both are visible.

    Args:
        kinds: names of the classes, `[class]`.
        labels: `texts`, `labelled`, `teacher`.
    """
    figure = blank_figure(height=100 + 34 * len(kinds), x_title=labels["texts"], barmode="group", margin=BESIDE)
    for name, values, color in (
        (labels["teacher"], np.asarray(found.teacher), TEACHER),
        (labels["labelled"], np.asarray(found.labels, dtype=float), NEUTRAL),
    ):
        figure.add_bar(
            y=list(kinds),
            x=np.where(values > 0, values, np.nan),
            orientation="h",
            name=name,
            marker_color=color,
            text=[f"{value:,.0f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:,.0f}<extra>" + name + "</extra>",
        )
    figure.update_layout(legend={"traceorder": "normal"})
    largest = float(max(np.asarray(found.teacher).max(), np.asarray(found.labels).max()))
    figure.update_xaxes(type="log", range=[np.log10(0.7), np.log10(largest * 2)], dtick=1)
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


@remembered()
def heard_bars(rows: Sequence[LossSchedule], labels: Mapping[str, str]) -> go.Figure:
    """One bar per arm and budget: the steps with a loss on the hidden states, then those with a loss on the head.

    Args:
        labels: `steps`, `inside`, `head`, `row` (with {arm} and {steps}), and the name of each arm.
    """
    figure = blank_figure(height=110 + 34 * len(rows), x_title=labels["steps"], barmode="stack", margin=BESIDE)
    names = [labels["row"].format(arm=labels[row.arm], steps=row.steps) for row in rows]
    colors = [STYLES[row.arm][0] for row in rows]
    for key, values in (("inside", [row.inside for row in rows]), ("head", [row.head for row in rows])):
        figure.add_bar(
            y=names,
            x=values,
            orientation="h",
            name=labels[key],
            marker={
                "color": NEUTRAL if key == "inside" else colors,
                "pattern": {"shape": "/" if key == "inside" else ""},
            },
            showlegend=key == "inside",
            text=[f"{value}" if value else "" for value in values],
            hovertemplate="%{y}: %{x}<extra>" + labels[key] + "</extra>",
        )
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


@remembered()
def cover_lines(found: MaskCoverage, labels: Mapping[str, str]) -> go.Figure:
    """The share of the words that was ever hidden, by epoch.

    Args:
        labels: `epoch`, `share`, `static`, `dynamic`, `expected`.
    """
    figure = blank_figure(height=340, x_title=labels["epoch"], y_title=labels["share"], margin=BESIDE)
    for key, values in (("static", found.static), ("dynamic", found.dynamic)):
        color, dash, symbol = STYLES[key]
        figure.add_scatter(
            x=found.epochs,
            y=values,
            mode="lines+markers",
            name=labels[key],
            line={"color": color, "dash": dash, "width": 2},
            marker={"symbol": symbol, "size": 6},
            hovertemplate="%{x}: %{y:.1%}<extra>" + labels[key] + "</extra>",
        )
    figure.add_scatter(
        x=found.epochs,
        y=found.expected,
        mode="lines",
        name=labels["expected"],
        line={"color": NEUTRAL, "dash": "dot", "width": 1.5},
        hovertemplate="%{x}: %{y:.1%}<extra>" + labels["expected"] + "</extra>",
    )
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure
