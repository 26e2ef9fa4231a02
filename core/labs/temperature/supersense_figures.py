"""Figures of the 16 classes: two soft labels, classes against classes, and the results of the stored experiment.

Texts are passed as `labels`; `lessons/temperature/labels.toml` describes each key under the figure's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import ARMS, STUDENT, TEACHER
from core.charts.figures import BESIDE, blank_figure, level_line, paired_bars
from core.memory import remembered

if TYPE_CHECKING:
    from core.measure.label_budgets import Arm

_SCALE = [[0, "rgba(176,122,0,0)"], [1, TEACHER]]
"""From nothing to the teacher's colour, so that an empty cell is the page's own background."""


@remembered()
def kind_bars(kinds: Sequence[str], teacher: ArrayLike, student: ArrayLike, labels: Mapping) -> go.Figure:
    """Two bars per class: the probabilities of teacher and student.

    Args:
        kinds: names of the classes in the page's language, `[class]`.
        teacher, student: probabilities, `[class]`.
        labels: `teacher`, `student`, `probability`.
    """
    figure = blank_figure(height=100 + 34 * len(kinds), x_title=labels["probability"], barmode="group")
    paired_bars(figure, kinds, [(labels["teacher"], teacher, TEACHER), (labels["student"], student, STUDENT)])
    figure.update_layout(margin=BESIDE, legend={"traceorder": "normal"})
    return figure


@remembered()
def kind_map(kinds: Sequence[str], shares: ArrayLike, count: Sequence[int], labels: Mapping) -> go.Figure:
    """Classes against classes, darker where a row's share is larger, with a number in each cell of a notable share.

    Args:
        kinds: names of the classes, `[class]`.
        shares: `[true class, other class]`; rows of NaN where there is nothing.
        count: definitions behind each row, `[class]`.
        labels: `true`, `other`, and `hover` with plotly's placeholders %{y}, %{x}, %{z}, %{customdata}.
    """
    values = np.asarray(shares, dtype=float)
    figure = blank_figure(height=560, x_title=labels["other"], y_title=labels["true"])
    figure.add_heatmap(
        x=list(kinds),
        y=list(kinds),
        z=values,
        zmin=0,
        zmax=float(np.nanmax(values)),
        colorscale=_SCALE,
        showscale=False,
        xgap=1,
        ygap=1,
        text=[["" if not share >= 0.045 else f"{100 * share:.0f}" for share in row] for row in values],
        texttemplate="%{text}",
        customdata=np.repeat(np.asarray(count)[:, None], len(kinds), axis=1),
        hovertemplate=labels["hover"] + "<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.update_xaxes(type="category", side="bottom", tickangle=-60, showgrid=False)
    return figure


@remembered()
def by_budget(alone: Sequence[Arm], distilled: Sequence[Arm], teacher: float | None, labels: Mapping) -> go.Figure:
    """A measure against the label budget, with and without a teacher; bars for the spread, the teacher as a level.

    Args:
        alone, distilled: by label budget.
        teacher: the teacher's own value, or None to leave it out.
        labels: `budget`, `alone`, `distilled`, `teacher`, `measure`, `all` (names the largest budget).
    """
    figure = blank_figure(height=380, x_title=labels["budget"], y_title=labels["measure"], margin=BESIDE)
    names = [f"{arm.labels:,}" for arm in alone[:-1]] + [labels["all"]]
    for arms, name, color, symbol in (
        (distilled, labels["distilled"], ARMS["distilled"], "circle"),
        (alone, labels["alone"], ARMS["control"], "square"),
    ):
        _points(figure, names, arms, name, color, symbol)
    if teacher is not None:
        level_line(figure, names, teacher, labels["teacher"])
    figure.update_xaxes(type="category")
    return figure


@remembered()
def by_temperature(warmed: Sequence[Arm], alone: Arm, labels: Mapping) -> go.Figure:
    """A measure against the temperature of the soft loss at one label budget; the student without a teacher as a level.

    Args:
        warmed: by temperature.
        alone: the same budget without a teacher.
        labels: `temperature`, `distilled`, `alone`, `measure`.
    """
    figure = blank_figure(height=380, x_title=labels["temperature"], y_title=labels["measure"], margin=BESIDE)
    names = [f"{arm.temperature:g}" for arm in warmed]
    _points(figure, names, warmed, labels["distilled"], ARMS["distilled"], "circle")
    level_line(figure, names, alone.mean, labels["alone"])
    figure.update_xaxes(type="category")
    return figure


def _points(figure: go.Figure, names: Sequence[str], arms: Sequence[Arm], name: str, color: str, symbol: str) -> None:
    """A line through the means, with the standard deviation over the seeds as bars."""
    figure.add_scatter(
        x=list(names),
        y=[arm.mean for arm in arms],
        error_y={"type": "data", "array": [arm.std for arm in arms], "thickness": 1.5, "width": 5},
        mode="lines+markers",
        name=name,
        line={"color": color, "width": 2},
        marker={"symbol": symbol, "size": 8},
        hovertemplate="%{x}: %{y:.3f} ± %{error_y.array:.3f}<extra>" + name + "</extra>",
    )
    figure.update_yaxes(tickformat=".0%")
