"""Figures of a report: every seed of every model, times with their spread, and quality against time.

Texts are passed as `labels`; `lessons/worth_it/labels.toml` describes each key under the figure's name. "whose" is
"teacher", "distilled" or "control", as on the page *Distil*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core.charts.colors import ARMS, NEUTRAL
from core.charts.figures import BESIDE, blank_figure, plain
from core.memory import remembered

_SYMBOLS = {"teacher": "diamond", "distilled": "circle", "control": "square"}


@dataclass(frozen=True)
class Seeds:
    """One model in the figure of all seeds.

    Attributes:
        name: in the page's language.
        seeds, values: one per seed.
        mean, spread: over the seeds; the spread is a standard deviation.
    """

    name: str
    whose: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    mean: float
    std: float


@remembered()
def all_seeds(models: Sequence[Seeds], majority: float | None, labels: Mapping[str, str]) -> go.Figure:
    """Each seed as a dot, arms of one seed joined by a line, with mean and standard deviation; the teacher as a level.

    Args:
        majority: accuracy of always predicting the most common class, drawn as a level; None to leave it out.
        labels: `measure`, `mean`, `seed`, `majority`.
    """
    figure = blank_figure(height=380, y_title=labels["measure"])
    arms = [model for model in models if model.whose != "teacher"]
    places = {model.name: place for place, model in enumerate(arms)}
    for seed in sorted({seed for model in arms for seed in model.seeds}):
        joined = [(places[m.name], m.values[m.seeds.index(seed)]) for m in arms if seed in m.seeds]
        figure.add_scatter(
            x=[x for x, _ in joined],
            y=[y for _, y in joined],
            mode="lines+markers",
            line={"color": NEUTRAL, "width": 1, "dash": "dot"},
            marker={"size": 6, "color": NEUTRAL},
            opacity=0.75,
            showlegend=False,
            hovertemplate=f"{labels['seed']} {seed}: %{{y:.3f}}<extra></extra>",
        )
    for model in arms:
        figure.add_scatter(
            x=[places[model.name] + 0.16],
            y=[model.mean],
            error_y={"type": "data", "array": [model.std], "thickness": 2, "width": 8},
            mode="markers",
            name=f"{plain(model.name)}: {labels['mean']}",
            marker={"size": 13, "color": ARMS[model.whose], "symbol": _SYMBOLS[model.whose]},
            hovertemplate=f"{plain(model.name)}: %{{y:.3f}} ± {model.std:.3f}<extra></extra>",
        )
    levels = [(m.mean, plain(m.name), "dash") for m in models if m.whose == "teacher"]
    levels += [(majority, labels["majority"], "dot")] if majority is not None else []
    for value, name, dash in levels:
        figure.add_scatter(
            x=[-0.5, len(arms) - 0.3],
            y=[value, value],
            mode="lines",
            name=name,
            line={"color": NEUTRAL, "dash": dash, "width": 1.5},
            hovertemplate=f"{name}: %{{y:.3f}}<extra></extra>",
        )
    figure.update_xaxes(
        tickvals=list(places.values()),
        ticktext=[plain(name) for name in places],
        range=[-0.5, len(arms) - 0.3],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_layout(margin=BESIDE)
    return figure


@dataclass(frozen=True)
class Timed:
    """One model in the figures of costs.

    Attributes:
        name: in the page's language, its precision included.
        int8: drawn hollow.
        low, median, high: milliseconds, the quartiles of the passes.
        quality: a share.
        megabytes: of the weights.
    """

    name: str
    whose: str
    int8: bool
    low: float
    median: float
    high: float
    quality: float
    megabytes: float


@remembered()
def times(models: Sequence[Timed], labels: Mapping[str, str]) -> go.Figure:
    """A bar a model: the median time, and the middle half of the passes as its whiskers. Hollow bars are int8.

    Args:
        labels: `milliseconds`, `hover` with {name}, {median}, {low}, {high}.
    """
    figure = blank_figure(height=110 + 46 * len(models), x_title=labels["milliseconds"])
    for model in models:
        color = ARMS[model.whose]
        figure.add_bar(
            y=[plain(model.name)],
            x=[model.median],
            orientation="h",
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [model.high - model.median],
                "arrayminus": [model.median - model.low],
                "thickness": 1.5,
                "width": 5,
            },
            marker={"color": "rgba(0,0,0,0)" if model.int8 else color, "line": {"color": color, "width": 2}},
            showlegend=False,
            hovertext=[_said(labels["hover"], model)],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        # Next to the whisker, in the page's own colour: a hollow bar has no colour to write on.
        figure.add_annotation(
            x=model.high, y=plain(model.name), text=f"{model.median:.3g}", xanchor="left", xshift=6, showarrow=False
        )
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.update_xaxes(range=[0, 1.18 * max(model.high for model in models)])
    figure.update_layout(bargap=0.35, margin=BESIDE | {"t": 40})
    return figure


@remembered()
def frontier(models: Sequence[Timed], labels: Mapping[str, str]) -> go.Figure:
    """Quality against time; the area of a mark is its megabytes. Hollow marks are int8.

    Args:
        labels: `milliseconds`, `quality`, `hover` with {name}, {quality}, {median}, {megabytes}.
    """
    lines = 20 * len(models)  # pixels: on a phone the legend gives each model a line of its own
    figure = blank_figure(height=370 + lines, x_title=labels["milliseconds"], y_title=labels["quality"])
    largest = max(model.megabytes for model in models)
    for model in models:
        color = ARMS[model.whose]
        figure.add_scatter(
            x=[model.median],
            y=[model.quality],
            mode="markers",
            name=plain(model.name),
            marker={
                "size": max(8.0, 52 * float(np.sqrt(model.megabytes / largest))),  # none too small to see
                "color": "rgba(0,0,0,0)" if model.int8 else color,
                "opacity": 1.0 if model.int8 else 0.75,
                "symbol": "circle",
                "line": {"color": color, "width": 2.5 if model.int8 else 1},
            },
            hovertext=[_said(labels["hover"], model)],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    medians = [model.median for model in models]
    low, high = np.log10(min(medians)), np.log10(max(medians))
    figure.update_xaxes(type="log", range=[low - 0.35, high + 0.35], dtick="D2" if high - low < 1.6 else "D1")
    shares = [model.quality for model in models]
    room = 0.12 + 0.1 * (max(shares) - min(shares))
    figure.update_yaxes(tickformat=".0%", range=[max(0.0, min(shares) - room), max(shares) + room])
    figure.update_layout(margin=BESIDE | {"t": 48 + lines}, legend={"itemsizing": "constant"})
    return figure


def _said(template: str, model: Timed) -> str:
    return template.format(
        name=plain(model.name),
        low=model.low,
        median=model.median,
        high=model.high,
        quality=model.quality,
        megabytes=model.megabytes,
    )
