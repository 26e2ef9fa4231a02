"""The reliability diagram: what models say of their confidence against how often they are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from core.charts.colors import ARMS, NEUTRAL
from core.charts.figures import BESIDE, blank_figure
from core.memory import remembered

if TYPE_CHECKING:
    from core.measure.calibration import Reliability


@remembered()
def reliability_diagram(curves: Sequence[tuple[str, str, Reliability]], labels: Mapping) -> go.Figure:
    """Accuracy against confidence, a line each; on the diagonal accuracy equals confidence.

    Args:
        curves: name, whose it is ("teacher", "distilled" or "alone"), and the bins.
        labels: `confidence`, `accuracy`, `calibrated`, `predictions`.
    """
    figure = blank_figure(height=440, x_title=labels["confidence"], y_title=labels["accuracy"], margin=BESIDE)
    styles = {
        "teacher": (ARMS["teacher"], "dot", "diamond"),
        "distilled": (ARMS["distilled"], "solid", "circle"),
        "alone": (ARMS["control"], "solid", "square"),
    }
    for name, whose, bins in curves:
        count = np.asarray(bins.count)
        filled = count > 0
        color, dash, symbol = styles[whose]
        figure.add_scatter(
            x=np.asarray(bins.confidence)[filled],
            y=np.asarray(bins.accuracy)[filled],
            customdata=count[filled],
            mode="lines+markers",
            name=name,
            line={"color": color, "dash": dash, "width": 2},
            # Area by share, so that a bin of three predictions does not shout.
            marker={"symbol": symbol, "size": 5 + 14 * np.sqrt(count[filled] / count.sum())},
            hovertemplate="%{x:.2f} → %{y:.2f} (%{customdata:,} "
            + labels["predictions"]
            + ")<extra>"
            + name
            + "</extra>",
        )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name=labels["calibrated"],
        line={"color": NEUTRAL, "dash": "dash", "width": 1},
        hoverinfo="skip",
    )
    figure.update_xaxes(range=[0, 1.03], tickformat=".0%")
    figure.update_yaxes(range=[0, 1.03], tickformat=".0%")
    return figure
