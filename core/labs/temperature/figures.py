"""Figures of soft labels, their losses and their gradients against temperature.

Texts are passed as `labels`; `lessons/temperature/labels.toml` describes each key under the figure's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.colors import DIFFERENCE, NEGATIVE, NEUTRAL, POSITIVE, STUDENT, TEACHER
from core.charts.figures import BESIDE, TALL, blank_figure, level_line, paired_bars
from core.memory import remembered


@remembered()
def word_bars(words: Sequence[str], teacher: ArrayLike, student: ArrayLike, labels: Mapping) -> go.Figure:
    """Two bars per word: the probabilities of teacher and student at the chosen temperature.

    Args:
        words: `[word]`.
        teacher, student: probabilities, `[word]`.
        labels: `teacher`, `student`, `probability`.
    """
    figure = blank_figure(height=110 + 36 * len(words), x_title=labels["probability"], barmode="group")
    figure.update_layout(margin=BESIDE, legend={"traceorder": "normal"})
    paired_bars(figure, words, [(labels["teacher"], teacher, TEACHER), (labels["student"], student, STUDENT)])
    return figure


@remembered()
def mass_bands(rows: Mapping[str, Sequence[float]], ends: Sequence[int], labels: Mapping) -> go.Figure:
    """Mass by bands of rank: one stacked bar per row, from the best word to the tail.

    Args:
        rows: the mass of each band by the row's name, `[band]`; a row with fewer bands has fewer words.
        ends: the last rank of each band but the tail.
        labels: `first`, `next` with {start} and {end}, `rest`.
    """
    names = [labels["first"], *(labels["next"].format(start=low + 1, end=high) for low, high in pairwise(ends))]
    figure = blank_figure(height=194 + 40 * len(rows), barmode="stack")
    for band, name in enumerate([*names, labels["rest"]]):
        values = [masses[band] if band < len(masses) else 0.0 for masses in rows.values()]
        figure.add_bar(
            y=list(rows),
            x=values,
            orientation="h",
            name=name,
            marker_color=_mixed(band / len(ends)),
            text=[f"{value:.0%}" if value > 0.06 else "" for value in values],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            hovertemplate="%{y}: %{x:.3%}<extra>" + name + "</extra>",
        )
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(range=[0, 1.03], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure.update_layout(margin=TALL, legend={"traceorder": "normal"})
    return figure


@remembered()
def ranked_curve(
    curves: Sequence[tuple[Sequence[int], Sequence[float], str]], temperature: float, uniform: float, labels: Mapping
) -> go.Figure:
    """The whole vocabulary as one line per curve: probability by rank, both axes logarithmic.

    Args:
        curves: ranks, probabilities, and "teacher", "student" or "before" (the teacher at T = 1).
        uniform: each word's probability in the uniform distribution.
        labels: `rank`, `probability`, `uniform`, and with {T} `teacher` and `student`.
    """
    figure = blank_figure(height=424, x_title=labels["rank"], y_title=labels["probability"])
    for ranks, probabilities, whose in curves:
        color, dash = STUDENT if whose == "student" else TEACHER, "dot" if whose == "before" else "solid"
        name = labels["teacher"].format(T=1) if whose == "before" else labels[whose].format(T=temperature)
        figure.add_scatter(
            x=ranks,
            y=probabilities,
            mode="lines",
            name=name,
            line={"color": color, "dash": dash, "width": 2},
            hovertemplate="%{x}: %{y:.2e}<extra>" + name + "</extra>",
        )
        last = ranks[-1]
    level_line(figure, (1, last), uniform, labels["uniform"], ".3~g")
    figure.update_layout(margin=TALL, legend={"traceorder": "reversed"})
    figure.update_xaxes(type="log", dtick=1, tickformat=",d")
    figure.update_yaxes(type="log", exponentformat="power", range=[-9, 0.1])
    return figure


@remembered()
def entropy_curve(
    temperatures: Sequence[float],
    teacher: Sequence[float],
    student: Sequence[float],
    chosen: float,
    most: float,
    labels: Mapping,
) -> go.Figure:
    """Entropy in nats against temperature for both models, the chosen temperature marked.

    Args:
        most: the entropy of the uniform distribution.
        labels: `temperature`, `entropy`, `teacher`, `student`, `most`.
    """
    figure = blank_figure(height=424, x_title=labels["temperature"], y_title=labels["entropy"])
    figure.update_layout(margin=TALL)
    for name, values, color in ((labels["teacher"], teacher, TEACHER), (labels["student"], student, STUDENT)):
        _temperature_line(figure, temperatures, values, name, color)
    level_line(figure, (temperatures[0], temperatures[-1]), most, labels["most"], ".3~g")
    _mark(figure, chosen)
    figure.update_yaxes(range=[0, most * 1.12])
    return figure


@remembered()
def loss_curve(
    temperatures: Sequence[float],
    soft: Sequence[float],
    hard: Sequence[float],
    mixed: Sequence[float],
    chosen: float,
    labels: Mapping,
) -> go.Figure:
    """The three losses against temperature, on a logarithmic scale; labels: `temperature`, `loss` and one per line."""
    figure = blank_figure(height=360, x_title=labels["temperature"], y_title=labels["loss"])
    figure.update_layout(margin=BESIDE)
    lines = (("soft", soft, TEACHER, "solid"), ("hard", hard, NEUTRAL, "dash"), ("mixed", mixed, DIFFERENCE, "solid"))
    for key, values, color, dash in lines:
        _temperature_line(figure, temperatures, values, labels[key], color, dash)
    _mark(figure, chosen)
    if min(soft) * 30 < max(hard):
        figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    else:
        figure.update_yaxes(rangemode="tozero")
    return figure


@remembered()
def push_bars(words: Sequence[str], pushes: ArrayLike, title: str) -> go.Figure:
    """Step of gradient descent on each logit from one label, up to the right, down to the left.

    Args:
        words: `[word]`.
        pushes: `[word]`; positive is up.
        title: of the axis.
    """
    figure = blank_figure(height=110 + 30 * len(words), x_title=title)
    values = np.asarray(pushes)
    figure.add_bar(
        y=[f"{word}\u200b" for word in words],  # the mark keeps plotly from reading "2010" as a number
        x=values,
        orientation="h",
        name=title,
        marker_color=[POSITIVE if value > 0 else NEGATIVE for value in values],
        text=[f"{value:+.3g}" if abs(value) > 0.1 else f"{value:+.2g}" for value in values],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:+.5f}<extra></extra>",
    )
    low, high = min(0.0, values.min()), max(0.0, values.max())
    room = 0.28 * (high - low) or 1.0  # for the numbers next to the bars
    figure.update_xaxes(range=[low - room, high + room], zeroline=True, nticks=5)
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


@remembered()
def norm_curve(
    temperatures: Sequence[float], scaled: ArrayLike, unscaled: ArrayLike, limit: float, hard: float, labels: Mapping
) -> go.Figure:
    """The gradient's length against temperature, both axes logarithmic.

    Labels: `temperature`, `length`, `scaled`, `unscaled`, `limit`, `hard`.
    """
    figure = blank_figure(height=400, x_title=labels["temperature"], y_title=labels["length"])
    figure.update_layout(margin=BESIDE)
    _temperature_line(figure, temperatures, scaled, labels["scaled"], TEACHER)
    _temperature_line(figure, temperatures, unscaled, labels["unscaled"], DIFFERENCE)
    _temperature_line(figure, temperatures, [limit] * len(temperatures), labels["limit"], TEACHER, "dot", False)
    _temperature_line(figure, temperatures, [hard] * len(temperatures), labels["hard"], NEUTRAL, "dash", False)
    figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    return figure


@remembered()
def cosine_curve(temperatures: Sequence[float], centred: ArrayLike, raw: ArrayLike, labels: Mapping) -> go.Figure:
    """Cosine of the gradient and z − v by temperature; labels: `temperature`, `cosine`, `centred`, `raw`."""
    figure = blank_figure(height=400, x_title=labels["temperature"], y_title=labels["cosine"])
    figure.update_layout(margin=BESIDE)
    _temperature_line(figure, temperatures, centred, labels["centred"], TEACHER)
    _temperature_line(figure, temperatures, raw, labels["raw"], DIFFERENCE, "dash")
    lowest = min(0.0, float(np.min(np.asarray(centred))), float(np.min(np.asarray(raw))))
    figure.update_yaxes(range=[lowest * 1.1, 1.05])
    return figure


@remembered()
def leak_curve(shares: Sequence[float], loss: ArrayLike, gradient: ArrayLike, labels: Mapping) -> go.Figure:
    """Loss and gradient, each as a share of its start, when the target leaks into the prediction.

    Labels: `share`, `relative`, `loss`, `gradient`, `honest`.
    """
    figure = blank_figure(height=340, x_title=labels["share"], y_title=labels["relative"])
    figure.update_layout(margin=BESIDE)
    for key, values, color, dash in (
        ("loss", np.asarray(loss), DIFFERENCE, "solid"),
        ("gradient", np.asarray(gradient), TEACHER, "dash"),
    ):
        values = values / (values[0] or 1.0)
        figure.add_scatter(
            x=shares, y=values, mode="lines", name=labels[key], line={"color": color, "dash": dash, "width": 2}
        )
    level_line(figure, (0, 1), 1.0, labels["honest"], ".3~g")
    figure.update_yaxes(range=[0, 1.2], tickformat=".0%")
    return figure


def _mixed(share: float) -> str:
    """The teacher's colour with a share of grey: opaque, so that it reads alike on white and on black."""
    parts = zip(bytes.fromhex(TEACHER[1:]), bytes.fromhex(NEUTRAL[1:]), strict=True)
    return "#" + bytes(round((1 - share) * pure + share * grey) for pure, grey in parts).hex()


def _temperature_line(
    figure: go.Figure,
    temperatures: Sequence[float],
    values: ArrayLike,
    name: str,
    color: str,
    dash: str = "solid",
    markers: bool = True,
) -> None:
    figure.add_scatter(
        x=list(temperatures),
        y=np.asarray(values),
        mode="lines+markers" if markers else "lines",
        name=name,
        line={"color": color, "dash": dash, "width": 2},
        marker={"size": 5},
        hovertemplate="T = %{x}: %{y:.4~g}<extra>" + name + "</extra>",
    )
    figure.update_xaxes(type="log", tickvals=[0.25, 0.5, 1, 2, 4, 8, 20], ticktext=["¼", "½", "1", "2", "4", "8", "20"])


def _mark(figure: go.Figure, temperature: float) -> None:
    """The chosen temperature, drawn through the figure."""
    figure.add_vline(temperature, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
