"""Figures of the lesson on masked language modelling: masked positions, draws and coverage; for context see `context_figures`."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import NEGATIVE, POSITIVE, PROBABILITIES, SCORES, STUDENT, TEACHER, VALUE
from core.charts.figures import blank_figure, percent
from core.memory import remembered
from core.numbering import shown

FATES = {"masked": POSITIVE, "random": NEGATIVE, "kept": VALUE}
"""The colour of each thing that can become of a selected token."""

REGIMES = {"static": SCORES, "ten": NEGATIVE, "dynamic": PROBABILITIES}
"""The colour of each way to mask over the epochs."""

TRUE_MARK = "✓ "
"""Put before the true word, so that colour is not its only mark."""


def below(figure: go.Figure, pixels: int = 62) -> None:
    """Put the legend `pixels` under the axis: above the figure, it runs into the camera button on a phone."""
    drawn = figure.layout.height - 100
    figure.update_layout(legend={"orientation": "h", "yanchor": "top", "y": -pixels / drawn, "x": 0})


def literal(piece: str) -> str:
    """A token as plotly shows it: no tag is read, and the mark at its end keeps "2010" from being a number."""
    return html.escape(piece, quote=False) + "\u200b"


@remembered()
def top_words(
    words: Sequence[str],
    probabilities: ArrayLike,
    ranks: Sequence[int],
    truth: str,
    color: str,
    labels: Mapping[str, str],
    longest: float,
) -> go.Figure:
    """One model's best words at a masked position; the true word is marked, and comes last with its rank if not among them.

    Args:
        words, probabilities, ranks: `[word]`; the rank counts from 1.
        truth: the true word.
        color: of the model.
        labels: `model`, `probability`, `true` in the page's language.
        longest: the largest probability of this figure and of the one next to it, so that both have one scale.
    """
    values = np.asarray(probabilities)
    # As high for five words as for six, so that two models' figures have one height.
    figure = blank_figure(height=64 + 34 * max(len(words), 6), x_title=labels["probability"], showlegend=False)
    right = [word == truth for word in words]
    figure.add_bar(
        y=[
            f"{rank}. {TRUE_MARK if hit else ''}{literal(word)}"
            for word, rank, hit in zip(words, ranks, right, strict=True)
        ],
        x=values,
        orientation="h",
        marker={"color": color, "opacity": [1.0 if hit else 0.55 for hit in right], "line": {"width": 0}},
        text=[percent(value) for value in values],
        textposition="outside",
        cliponaxis=False,
        customdata=[labels["true"] if hit else "" for hit in right],
        hovertemplate="%{y}: %{x:.5f} %{customdata}<extra>" + labels["model"] + "</extra>",
    )
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(tickformat=".0%", range=[0, max(longest * 1.25, 0.02)], nticks=5)
    return figure


@remembered()
def selected_histogram(
    counts: ArrayLike, chances: ArrayLike, now: int, labels: Mapping[str, str], color: str = PROBABILITIES
) -> go.Figure:
    """Histogram of the number of selected tokens in many draws, with the expected one, the current draw marked.

    Args:
        counts: selected tokens, `[draw]`.
        chances: the probability of k selected tokens, `[k]`.
        now: selected tokens in the current draw.
        labels: `drawn`, `expected`, `now`, `count`, `share`.
    """
    counts, chances = np.asarray(counts), np.asarray(chances)
    likely = np.flatnonzero(chances > 1e-4)
    low, high = min(likely[0], counts.min(), now), max(likely[-1], counts.max(), now)
    numbers = np.arange(low, high + 1)
    figure = blank_figure(height=300, x_title=labels["count"], y_title=labels["share"], bargap=0.15)
    below(figure)
    shares = [float((counts == number).mean()) for number in numbers]
    figure.add_bar(x=numbers, y=shares, name=labels["drawn"], marker_color=color, hovertemplate="%{x}: %{y:.1%}")
    figure.add_scatter(
        x=numbers,
        y=chances[low : high + 1],
        name=labels["expected"],
        mode="lines+markers",
        hovertemplate="%{x}: %{y:.1%}",
    )
    figure.data[1].update(line={"color": VALUE, "dash": "dot", "width": 2}, marker={"size": 6})
    figure.add_scatter(
        x=[now],
        y=[0],
        name=labels["now"],
        mode="markers",
        marker={"symbol": "triangle-up", "size": 14, "color": NEGATIVE},
        cliponaxis=False,
        hovertemplate="%{x}",
    )
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_xaxes(dtick=max(1, int(high - low) // 12))
    return figure


@remembered()
def sight_bars(
    sights: Sequence[str], words: Sequence[str], teacher: ArrayLike, student: ArrayLike, labels: Mapping[str, str]
) -> go.Figure:
    """The true word's probability by the token at its position, for both models.

    Args:
        sights: names of the cases ([MASK], the true word, a random one), `[sight]`.
        words: the token itself, `[sight]`.
        teacher, student: probabilities, `[sight]`.
        labels: `teacher`, `student`, `probability`.
    """
    figure = blank_figure(height=340, y_title=labels["probability"], barmode="group")
    below(figure, 48)
    names = [f"{sight}<br>{literal(word)}" for sight, word in zip(sights, words, strict=True)]
    for name, values, color in (("teacher", teacher, TEACHER), ("student", student, STUDENT)):
        figure.add_bar(
            x=names,
            y=np.asarray(values),
            name=labels[name],
            marker_color=color,
            text=[percent(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x}: %{y:.4f}<extra>" + labels[name] + "</extra>",
        )
    figure.update_yaxes(tickformat=".0%", range=[0, 1.08])
    figure.update_xaxes(type="category", tickangle=0)
    return figure


@remembered()
def recipe_differences(
    recipes: Sequence[str], scores: ArrayLike, tasks: Sequence[str], chosen: int, x_title: str
) -> go.Figure:
    """Differences of each recipe's scores from the first one's, in percentage points; the chosen recipe's marks are large.

    Args:
        recipes: `[recipe]`; the others are compared with the first.
        scores: `[recipe, task]`.
        tasks: `[task]`.
        chosen: an index into `recipes`, or -1.
    """
    values = np.asarray(scores, dtype=float)
    figure = blank_figure(height=130 + 34 * len(recipes), x_title=x_title)
    below(figure)
    marks = (("circle", POSITIVE), ("diamond", NEGATIVE), ("square", VALUE))
    for task, (symbol, color) in enumerate(marks[: len(tasks)]):
        figure.add_scatter(
            x=(values[:, task] - values[0, task]).round(1),
            y=list(recipes),
            mode="markers",
            name=tasks[task],
            marker={
                "symbol": symbol,
                "color": color,
                "size": [16 if index == chosen else 10 for index in range(len(recipes))],
            },
            customdata=values[:, task],
            hovertemplate="%{y}: %{customdata:.1f} (%{x:+.1f})<extra>" + tasks[task] + "</extra>",
        )
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(range=[-2, 2], zeroline=True, zerolinewidth=2)
    return figure


@remembered()
def target_grid(targets: ArrayLike, pieces: Sequence[str], labels: Mapping[str, str], color: str) -> go.Figure:
    """Token × epoch: faint where the token was a target again, strong where it was for the first time.

    Args:
        targets: 0 no target, 1 first time, 2 again, `[position, epoch]`.
        pieces: `[position]`.
        labels: `epoch`, `never`, `first`, `again`.
    """
    values = np.asarray(targets)
    rows, epochs = values.shape
    figure = blank_figure(height=120 + 24 * rows, x_title=labels["epoch"], showlegend=True)
    below(figure)
    names = [f"{literal(piece)} {shown(index)}" for index, piece in enumerate(pieces)]  # repeated words stay apart
    figure.add_heatmap(
        z=values,
        x=list(range(1, epochs + 1)),
        y=list(range(rows)),
        colorscale=[[0, "rgba(128,128,128,0.10)"], [0.5, color], [1, _faded(color)]],
        zmin=0,
        zmax=2,
        showscale=False,
        xgap=2,
        ygap=2,
        customdata=[[labels[("never", "first", "again")[value]] for value in row] for row in values],
        hovertemplate=f"%{{y}} · {labels['epoch']} %{{x}}: %{{customdata}}<extra></extra>",
    )
    for name, shade in (("first", color), ("again", _faded(color))):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=labels[name],
            marker={"symbol": "square", "size": 12, "color": shade},
        )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(rows)),
        ticktext=[name.rsplit(" ", 1)[0] for name in names],
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(dtick=max(1, epochs // 10), showgrid=False)
    return figure


def _faded(color: str) -> str:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.38)"


@remembered()
def coverage_curves(
    measured: Mapping[str, Sequence[float]],
    expected: Mapping[str, Sequence[float]],
    names: Mapping[str, str],
    labels: Mapping[str, str],
) -> go.Figure:
    """The share of tokens that was a target at least once, after each epoch; the expected one dotted.

    Args:
        measured, expected: by regime, `[epoch]` each.
        names: of the regimes.
        labels: `epoch`, `coverage`, `expected`.
    """
    figure = blank_figure(height=360, x_title=labels["epoch"], y_title=labels["coverage"])
    below(figure)
    for regime, values in measured.items():
        epochs = list(range(1, len(values) + 1))
        color = REGIMES[regime]
        figure.add_scatter(
            x=epochs, y=list(values), name=names[regime], mode="lines", line={"color": color, "width": 3}
        )
        figure.add_scatter(
            x=epochs,
            y=list(expected[regime]),
            name=f"{names[regime]}: {labels['expected']}",
            mode="lines",
            line={"color": color, "width": 1.5, "dash": "dot"},
            showlegend=False,
        )
    figure.update_traces(hovertemplate="%{x}: %{y:.1%}")
    figure.update_yaxes(tickformat=".0%", range=[0, 1.03])
    return figure
