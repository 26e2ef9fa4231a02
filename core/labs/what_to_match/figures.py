"""Figures of students that match a teacher: convergence, final measures, and the cost of a layer map among all maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import ARMS, DIFFERENCE, KEY, NEUTRAL, STUDENT, TEACHER, VALUE
from core.charts.figures import BESIDE, blank_figure
from core.memory import remembered
from core.numbering import shown as number

ARM_COLORS = {**ARMS, "logits": STUDENT, "chosen": STUDENT, "tinybert": KEY, "minilm": VALUE}
"""The colour of each student, the same in maps and lines."""

_OTHERS = (STUDENT, KEY, VALUE, DIFFERENCE)

_DASHES = {"control": "dot", "tinybert": "dash", "minilm": "solid", "logits": "longdashdot"}
"""A dash for each arm, so that colour is not the only mark of a line."""


def color_of(arm: str, place: int = 0) -> str:
    """The colour of a student; for one from elsewhere, by its index `place`."""
    return ARM_COLORS.get(arm, _OTHERS[place % len(_OTHERS)])


@remembered()
def course_lines(
    steps: Sequence[int],
    lines: Mapping[str, Sequence[float]],
    names: Mapping[str, str],
    level: float | None,
    labels: Mapping[str, str],
) -> go.Figure:
    """One measure over the kept steps.

    Args:
        lines: by student, `[step]`.
        names: what each student is called.
        level: the teacher's own value, where it has one.
        labels: `x`, `y`, `teacher`; `percent` if the measure is a share.
    """
    figure = blank_figure(height=360, x_title=labels["x"], y_title=labels["y"], hovermode="x unified")
    for place, (arm, values) in enumerate(lines.items()):
        line = {"color": color_of(arm, place), "width": 3, "dash": _DASHES.get(arm, "solid")}
        figure.add_scatter(
            x=list(steps), y=list(values), name=names[arm], mode="lines+markers", line=line, connectgaps=True
        )
    figure.update_traces(hovertemplate="%{y:.1%}" if "percent" in labels else "%{y:.3f}")
    if level is not None:
        figure.add_hline(y=level, line={"color": TEACHER, "dash": "dash", "width": 2})
        figure.add_annotation(
            x=0, xref="paper", y=level, text=labels["teacher"], showarrow=False, yshift=10, xanchor="left"
        )
    if "percent" in labels:
        figure.update_yaxes(tickformat=".0%")
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(legend={"y": -0.22, "yanchor": "top"})
    return figure


def course_table(steps: Sequence[int], lines: Mapping[str, Sequence[float]], names: Mapping[str, str], x: str):
    """The numbers of `course_lines`."""
    return pd.DataFrame({x: list(steps), **{names[arm]: list(values) for arm, values in lines.items()}})


@remembered()
def outcome_dots(
    values: Mapping[str, Sequence[float]], names: Mapping[str, str], level: float | None, labels: Mapping[str, str]
) -> go.Figure:
    """One measure of the finished students: one dot per seed, a bar at the mean.

    Args:
        values: by student, `[seed]`.
        names: what each student is called.
        level: the teacher's own value, where it has one.
        labels: `x`, `teacher`; `percent` if the measure is a share.
    """
    figure = blank_figure(height=130 + 46 * len(values), x_title=labels["x"])
    shown = ".1%" if "percent" in labels else ".3f"
    for place, (arm, found) in enumerate(values.items()):
        mean = float(np.mean(found))
        figure.add_bar(
            x=[mean],
            y=[names[arm]],
            orientation="h",
            marker_color=color_of(arm, place),
            opacity=0.55,
            hoverinfo="skip",
        )
        # Next to the last dot, where it covers none.
        end = max(found)
        figure.add_annotation(
            x=end, y=names[arm], text=f"<b>{mean:{shown}}</b>", showarrow=False, xanchor="left", xshift=10
        )
        figure.add_scatter(
            x=list(found),
            y=[names[arm]] * len(found),
            mode="markers",
            marker={"size": 11, "color": color_of(arm, place), "line": {"width": 1.5, "color": "white"}},
            hovertemplate="%{x:" + shown + "}<extra></extra>",
        )
    if level is not None:
        figure.add_vline(x=level, line={"color": TEACHER, "dash": "dash", "width": 2})
        figure.add_annotation(x=level, y=1.0, yref="paper", text=labels["teacher"], showarrow=False, yshift=12)
    if "percent" in labels:
        figure.update_xaxes(tickformat=".0%")
    largest = max([*(max(found) for found in values.values()), level or 0.0])
    figure.update_xaxes(range=[0, 1.2 * largest if largest > 0 else 1])
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(showlegend=False, barmode="overlay")
    return figure


def maps_table(
    maps: ArrayLike, names: Sequence[str], rows: Sequence[str], columns: Sequence[str], labels: Mapping[str, str]
) -> pd.DataFrame:
    """Maps next to each other, `[map, row, column]`, one row per cell; labels `row`, `column`."""
    values = np.asarray(maps, dtype=float)
    cells = [(row, column) for row in range(values.shape[1]) for column in range(values.shape[2])]
    table = {labels["row"]: [rows[row] for row, _ in cells], labels["column"]: [columns[column] for _, column in cells]}
    return pd.DataFrame(table | {name: values[place].flatten() for place, name in enumerate(names)})


def outcome_table(
    of: Mapping[str, Mapping[str, Sequence[float]]], names: Mapping[str, str], measures: Mapping[str, str], first: str
) -> pd.DataFrame:
    """All measures, one row per student: the mean, and ± half the range where there are several seeds."""
    rows = []
    for arm, name in names.items():
        row = {first: name}
        for measure, title in measures.items():
            row[title] = _mean_and_range(of[measure][arm], percent=measure in ("accuracy", "agreement"))
        rows.append(row)
    return pd.DataFrame(rows)


def _mean_and_range(values: Sequence[float], percent: bool) -> str:
    if not len(values) or not np.isfinite(values).all():
        return "–"
    scale, digits = (100, 1) if percent else (1, 3)
    mean, reach = scale * float(np.mean(values)), scale * (max(values) - min(values)) / 2
    unit = " %" if percent else ""
    return f"{mean:.{digits}f}{unit}" if len(values) == 1 else f"{mean:.{digits}f} ± {reach:.{digits}f}{unit}"


@remembered()
def all_maps(
    totals: ArrayLike, marked: Mapping[str, tuple[int, float]], mine: tuple[int, float], labels: Mapping[str, str]
) -> go.Figure:
    """The losses of all maps in rising order, with some of them named.

    Args:
        totals: `[map]`, rising.
        marked: rank (from 1) and loss by name.
        mine: rank and loss of the learner's map.
        labels: `x`, `y`, `all`, `mine`.
    """
    values = np.asarray(totals, dtype=float)
    figure = blank_figure(height=374, x_title=labels["x"], y_title=labels["y"])
    figure.update_layout(margin=BESIDE)
    shown = np.unique(np.linspace(0, len(values) - 1, 400).round().astype(int))
    figure.add_scatter(
        x=shown + 1,
        y=values[shown],
        mode="lines",
        name=labels["all"],
        line={"color": NEUTRAL, "width": 2},
        hovertemplate="%{x}: %{y:.3f}<extra></extra>",
    )
    for side, (name, (rank, loss)) in enumerate(sorted(marked.items(), key=lambda item: item[1])):
        figure.add_scatter(
            x=[rank],
            y=[loss],
            mode="markers+text",
            text=[name],
            textposition="bottom right" if side % 2 else "top left" if rank > len(values) / 2 else "top center",
            marker={"size": 9, "color": STUDENT, "symbol": "diamond"},
            hovertemplate=f"{name}: %{{y:.3f}} (%{{x}})<extra></extra>",
            showlegend=False,
            cliponaxis=False,
        )
    figure.add_scatter(
        x=[mine[0]],
        y=[mine[1]],
        mode="markers",
        name=labels["mine"],
        marker={"size": 17, "color": DIFFERENCE, "symbol": "star", "line": {"width": 1.5, "color": "white"}},
        hovertemplate=f"{labels['mine']}: %{{y:.3f}} (%{{x}})<extra></extra>",
    )
    figure.update_yaxes(rangemode="tozero")
    return figure


def costs_table(of: Mapping[str, ArrayLike], titles: Mapping[str, str], labels: Mapping[str, str]) -> pd.DataFrame:
    """Every pair's loss by every criterion; labels `student`, `teacher`."""
    first = np.asarray(next(iter(of.values())))
    rows = [(student, teacher) for student in range(first.shape[0]) for teacher in range(first.shape[1])]
    table = {labels["student"]: [number(row[0]) for row in rows], labels["teacher"]: [number(row[1]) for row in rows]}
    return pd.DataFrame(table | {titles[name]: [float(grid[row]) for row in rows] for name, grid in of.items()})


def sum_formula(losses: Sequence[float], total: float) -> str:
    """LaTeX: the loss of a map as the sum over its pairs, with the numbers (Jiao et al. 2020, equation 11)."""
    numbers = " + ".join(f"{loss:.3f}" for loss in losses)
    return rf"\mathcal{{L}} = \sum_{{m}} \mathcal{{L}}\big(S_m, T_{{g(m)}}\big) = {numbers} = {total:.3f}"
