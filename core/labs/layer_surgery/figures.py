"""Figures of the cost of removing layers and heads from a model.

Texts are passed as `labels`; `lessons/layer_surgery/labels.toml` describes each key under the figure's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import KEY, NEGATIVE, NEUTRAL, POSITIVE, PROBABILITIES, QUERY, SCORES, STUDENT, TEACHER, VALUE
from core.charts.figures import BESIDE, blank_figure, paired_bars, plain
from core.labs.layer_surgery.bench import Mean
from core.labs.layer_surgery.sweep import Importance, Point, Round
from core.memory import remembered
from core.numbering import listed, numbers, shown

RULES = {"first": QUERY, "last": KEY, "every_other": VALUE, "uniform": SCORES, "spread": PROBABILITIES}
"""The five colours that are easiest to distinguish, one per rule; each rule has its own mark too."""

MARKS = {
    "first": "triangle-down",
    "last": "triangle-up",
    "every_other": "square",
    "uniform": "diamond",
    "spread": "circle",
}


@remembered()
def reading_bars(answers: Sequence[str], whole: ArrayLike, rest: ArrayLike, labels: Mapping[str, str]) -> go.Figure:
    """Two bars per answer: its probabilities from the full and the pruned model.

    Args:
        answers: words or class names, `[answer]`.
        whole, rest: probabilities, `[answer]`.
        labels: `whole`, `rest`, `probability`.
    """
    figure = blank_figure(height=140 + 34 * len(answers), x_title=labels["probability"], barmode="group")
    words = [plain(answer) for answer in answers]
    paired_bars(figure, words, [(labels["whole"], whole, TEACHER), (labels["rest"], rest, STUDENT)])
    figure.update_layout(legend={"traceorder": "normal"}, margin=BESIDE)
    return figure


@remembered()
def layer_bars(rise: Sequence[float], error: Sequence[float], labels: Mapping[str, str]) -> go.Figure:
    """One bar per layer: the rise of the loss without it, with the standard error.

    Args:
        rise, error: nats, `[layer]`.
        labels: `layer` with {number}, `rise`, `error`.
    """
    figure = blank_figure(height=320, y_title=labels["rise"], showlegend=False)
    figure.add_bar(
        x=[labels["layer"].format(number=number) for number in numbers(len(rise))],
        y=list(rise),
        error_y={"type": "data", "array": list(error), "thickness": 1.5, "width": 5, "color": NEUTRAL},
        marker_color=[POSITIVE if value >= 0 else NEGATIVE for value in rise],
        customdata=list(error),
        hovertemplate="%{x}: %{y:+.3f} ± %{customdata:.3f}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    figure.update_yaxes(tickformat="+.1~f")
    return figure


@remembered()
def rule_lines(
    lines: Mapping[str, Sequence[Point]],
    cloud: Sequence[Point],
    best: Sequence[Point],
    share: bool,
    labels: Mapping[str, str],
) -> go.Figure:
    """A measure against the number of layers that stay: a line a rule, and behind them every choice there is.

    Args:
        lines: points by rule.
        cloud: all choices that were measured; a click on one hands out its layers.
        best: the best of each number of layers.
        share: True if the measure is a share, not nats.
        labels: the rules' names, `count`, `measure`, `every`, `best`, and `layers` with {layers}, {value} and {error}.
    """
    figure = blank_figure(height=440, x_title=labels["count"], y_title=labels["measure"])
    figure.update_layout(margin={"l": 8, "r": 8, "t": 76, "b": 8})
    shown = [point for point in cloud if point.keep]
    figure.add_scatter(
        **_points(shown, share, labels),
        name=labels["every"],
        mode="markers",
        marker={"color": NEUTRAL, "size": 8, "opacity": 0.4},
    )
    figure.add_scatter(
        **_points(best, share, labels),
        name=labels["best"],
        mode="lines",
        line={"color": NEUTRAL, "dash": "dot", "width": 1.5},
    )
    for rule, points in lines.items():
        figure.add_scatter(
            **_points(points, share, labels),
            name=labels[rule],
            mode="lines+markers",
            line={"color": RULES[rule], "width": 2},
            marker={"color": RULES[rule], "size": 9, "symbol": MARKS[rule]},
        )
    figure.update_xaxes(dtick=1)
    figure.update_yaxes(tickformat=".0%" if share else ".1~f")
    return figure


def _points(points: Sequence[Point], share: bool, labels: Mapping[str, str]) -> dict:
    form = "{:.1%}" if share else "{:.3f}"
    said = [
        labels["layers"].format(
            layers=listed(point.keep),
            value=form.format(point.value),
            error=form.format(point.error),
        )
        for point in points
    ]
    return {
        "x": [point.count for point in points],
        "y": [point.value for point in points],
        "customdata": [point.keep for point in points],
        "hovertext": said,
        "hovertemplate": "%{hovertext}",
    }


@remembered()
def together_curve(
    counts: Sequence[int],
    rise: Sequence[float],
    error: Sequence[float],
    added: Sequence[float],
    labels: Mapping[str, str],
) -> go.Figure:
    """Cost of heads off together, the least important first, and the sum of their single costs.

    Args:
        counts: heads that are off, `[point]`.
        rise, error: of the loss with that number of heads off, `[point]`.
        added: the sum of the single rises, `[point]`.
        labels: `count`, `rise`, `together`, `added`.
    """
    figure = blank_figure(height=340, x_title=labels["count"], y_title=labels["rise"])
    figure.add_scatter(
        x=[0, *counts],
        y=[0.0, *rise],
        error_y={"type": "data", "array": [0.0, *error], "thickness": 1, "width": 3},
        name=labels["together"],
        mode="lines+markers",
        line={"color": POSITIVE, "width": 2},
        hovertemplate="%{x}: %{y:+.3f}<extra></extra>",
    )
    figure.add_scatter(
        x=[0, *counts],
        y=[0.0, *added],
        name=labels["added"],
        mode="lines",
        line={"color": NEUTRAL, "dash": "dash"},
        hovertemplate="%{x}: %{y:+.3f}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    figure.update_yaxes(tickformat="+.1~f")
    return figure


def reading_table(answers: Sequence[str], whole: ArrayLike, rest: ArrayLike, labels: Mapping[str, str]) -> pd.DataFrame:
    """Table of `reading_bars`."""
    columns = {labels["answer"]: list(answers), labels["whole"]: np.asarray(whole), labels["rest"]: np.asarray(rest)}
    return pd.DataFrame(columns)


def together_table(
    counts: Sequence[int], rises: Sequence[Mean], added: Sequence[float], labels: Mapping[str, str]
) -> pd.DataFrame:
    """Table of `together_curve`."""
    rows = {labels["count"]: list(counts), labels["rise"]: [rise.mean for rise in rises]}
    return pd.DataFrame(rows | {labels["error"]: [rise.error for rise in rises], labels["added"]: list(added)})


def layer_table(rise: Sequence[float], error: Sequence[float], columns: Sequence[str]) -> pd.DataFrame:
    """Table of `layer_bars`."""
    return pd.DataFrame(dict(zip(columns, (numbers(len(rise)), rise, error), strict=True)))


def choice_table(
    lines: Mapping[str, Sequence[Point]], cloud: Sequence[Point], names: Mapping[str, str], columns: Sequence[str]
) -> pd.DataFrame:
    """Table of `rule_lines`: every choice, and the rules that make it."""
    rows = []
    for point in cloud:
        rules = [names[rule] for rule, points in lines.items() if point.keep in [one.keep for one in points]]
        rows.append((point.count, listed(point.keep, " "), point.value, point.error, ", ".join(rules)))
    return pd.DataFrame(rows, columns=list(columns))


def round_table(rounds: Sequence[Round], names: Mapping[str, str], columns: Sequence[str], clear: Mapping[bool, str]):
    """The rule with the lowest loss at each number of layers, in words and numbers."""
    return pd.DataFrame(
        [
            (
                str(one.count),
                names[one.rule],
                listed(one.keep),
                f"{one.loss.mean:.2f}",
                f"{names[one.second]}: +{one.lead.mean:.2f} ± {one.lead.error:.2f}",
                clear[one.lead.change.significant],
                listed(one.best),
            )
            for one in rounds
        ],
        columns=list(columns),
    )


def head_table(found: Importance, columns: Sequence[str]) -> pd.DataFrame:
    """Table of the map of heads."""
    layers, heads = found.rise.shape
    rows = [
        (shown(layer), shown(head), *(float(grid[layer, head]) for grid in (found.rise, found.error, found.divergence)))
        for layer in range(layers)
        for head in range(heads)
    ]
    return pd.DataFrame(rows, columns=list(columns))
