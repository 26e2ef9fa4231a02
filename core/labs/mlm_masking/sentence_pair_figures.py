"""Figures and tables of the heads that read two sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from core.charts.colors import PROBABILITIES, SCORES, VALUE
from core.charts.figures import blank_figure, percent
from core.labs.mlm_masking.figures import below
from core.memory import remembered

COLORS = {"nsp": PROBABILITIES, "sop": SCORES}
"""The colour of each task."""


@remembered()
def pair_bars(yes: Mapping[str, Mapping[str, float]], names: Mapping[str, str], labels: Mapping[str, str]) -> go.Figure:
    """Each head's probability for each arrangement, with the line of an even chance.

    Args:
        yes: probabilities, `[task][arrangement]`.
        names: of the arrangements, in the order in which they are drawn.
        labels: `nsp`, `sop` (the meaning of a yes), `probability`, `even`.
    """
    figure = blank_figure(height=340, y_title=labels["probability"], barmode="group")
    below(figure, 48)
    for task, of in yes.items():
        values = [of[how] for how in names]
        figure.add_bar(
            x=list(names.values()),
            y=values,
            name=labels[task],
            marker_color=COLORS[task],
            text=[percent(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x}: %{y:.4f}<extra>" + labels[task] + "</extra>",
        )
    figure.add_hline(y=0.5, line_dash="dot", line_width=2, line_color=VALUE, name=labels["even"], showlegend=True)
    figure.update_yaxes(tickformat=".0%", range=[0, 1.08])
    figure.update_xaxes(type="category", tickangle=0)
    return figure


def pair_table(
    yes: Mapping[str, Mapping[str, float]],
    pairs: Mapping[str, Sequence[str]],
    names: Mapping[str, str],
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Table of `pair_bars` with the sentences, a row for each arrangement.

    Args:
        pairs: the two sentences of each arrangement.
        labels: `arrangement`, `first`, `second`, `nsp`, `sop`.
    """
    rows = [(name, *pairs[how], yes["nsp"][how], yes["sop"][how]) for how, name in names.items()]
    return pd.DataFrame(rows, columns=[labels[name] for name in ("arrangement", "first", "second", "nsp", "sop")])


def accuracy_table(
    ours: Mapping[str, Mapping[str, float]], albert: Mapping[str, Mapping[str, float]], labels: Mapping[str, str]
) -> pd.DataFrame:
    """Accuracy of each model on both tasks, by its training task; unknown values are left empty.

    Args:
        ours, albert: accuracies, `[trained][measured]`.
        labels: `model`, `trained`, `on_nsp`, `on_sop`, `ours`, `albert`.
    """
    rows = []
    for who, found in (("ours", ours), ("albert", albert)):
        for task, of in found.items():
            shown = (f"{of[other]:.1%}" if other in of else "" for other in ("nsp", "sop"))
            rows.append((labels[who], task.upper(), *shown))
    return pd.DataFrame(rows, columns=[labels[name] for name in ("model", "trained", "on_nsp", "on_sop")])
