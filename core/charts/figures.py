"""The shape that all figures share: data in, a plotly Figure out; colours that work on white and on black."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import NEUTRAL, STUDENT, TEACHER
from core.memory import remembered
from core.numbering import numbers

PLAIN = {"l": 8, "r": 8, "t": 28, "b": 8}
"""Margins of a figure with a legend of one line."""

BESIDE = {"l": 8, "r": 8, "t": 72, "b": 8}
"""Margins that put a legend of up to two lines below the buttons, for figures no wider than a phone or half a page."""

TALL = BESIDE | {"t": 108}
"""The same for up to four lines."""


def blank_figure(
    height: int = 320, x_title: str = "", y_title: str = "", margin: Mapping[str, int] = PLAIN, **layout: object
) -> go.Figure:
    """An empty figure with the legend and axes of the house and one of its margins; `layout` is passed on to plotly."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin=margin,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        hoverlabel={"namelength": -1},
        xaxis_title=x_title,
        yaxis_title=y_title,
        **layout,
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def level_line(
    figure: go.Figure, across: Sequence[float] | Sequence[str], value: float, name: str, digits: str = ".3f"
) -> None:
    """A dotted horizontal line to compare with, named in the legend.

    Args:
        across: places on the x axis, from the first of which to the last it goes.
        digits: how the value is written when it is pointed at, a format of d3.
    """
    figure.add_scatter(
        x=list(across),
        y=[value] * len(across),
        mode="lines",
        name=name,
        line={"color": NEUTRAL, "dash": "dot", "width": 1.5},
        hovertemplate=f"%{{y:{digits}}}<extra>{name}</extra>",
    )


def plain(token: str) -> str:
    """A token that plotly shows as it is: it would read "<b>" as markup and "$a$" as a formula."""
    return token.replace("&", "&amp;").replace("<", "&lt;").replace("$", "＄")


def state_names(count: int, embeddings: str) -> list[str]:
    """The names of a model's hidden states on an axis, `[layer + 1]`: the embeddings, then the layers by number."""
    return [embeddings, *map(str, numbers(count - 1))]


@remembered()
def prediction_bars(
    words: Sequence[str], teacher: ArrayLike, student: ArrayLike, labels: Mapping[str, str]
) -> go.Figure:
    """Two bars per word: the probabilities of teacher and student.

    Args:
        words: `[word]`.
        teacher, student: probabilities, `[word]`.
        labels: `teacher`, `student` and `probability` in the page's language.
    """
    figure = blank_figure(height=126 + 44 * len(words), x_title=labels["probability"], barmode="group")
    figure.update_layout(margin=BESIDE)
    paired_bars(figure, words, [(labels["teacher"], teacher, TEACHER), (labels["student"], student, STUDENT)])
    return figure


def percent(value: float) -> str:
    """A share with two digits that mean something, however small."""
    if value >= 0.01:
        return f"{value:.1%}"
    if value < 1e-6:
        return f"{value:.0e}" if value else "0%"
    return np.format_float_positional(100 * value, precision=2, fractional=False, trim="-") + "%"


def paired_bars(figure: go.Figure, words: Sequence[str], pair: Sequence[tuple[str, ArrayLike, str]]) -> None:
    """Draw a horizontal bar per word for each of a few named probabilities `[word]`, its number at its end.

    Args:
        words: `[word]`, from the top down.
        pair: the name in the legend, the probabilities, the colour.
    """
    rows = [f"{word}\u200b" for word in words]  # the mark keeps plotly from reading "2010" as a number
    for name, probabilities, color in pair:
        values = np.asarray(probabilities)
        figure.add_bar(
            y=rows,
            x=values,
            orientation="h",
            name=name,
            marker_color=color,
            text=[percent(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.4~g}<extra>" + name + "</extra>",
        )
    figure.update_yaxes(autorange="reversed", type="category")
    largest = max(float(np.asarray(probabilities).max()) for _, probabilities, _ in pair)
    figure.update_xaxes(range=[0, 1.2 * largest], tickformat="~%", nticks=5)  # room for the longest bar's number
