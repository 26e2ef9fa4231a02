"""The temperature lesson's numbers as tables: the values of a figure, and the losses of ten codebases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

if TYPE_CHECKING:
    from core.labs.temperature.losses import Printed


def codebase_table(
    rows: Sequence[Mapping[str, Any]], printed: Sequence[Printed], labels: Mapping, language: str
) -> pd.DataFrame:
    """Each codebase's definition of its loss, and its printed values; labels: one per column, and `form.`, `by.`, `alpha_of.`.

    Args:
        rows: of `lessons/temperature/codebases.toml`.
        printed: the values that each would print.
        language: of the notes.
    """
    return pd.DataFrame(
        {
            labels["name"]: row["name"],
            labels["soft"]: f"{shown.soft:.4g}",
            labels["total"]: f"{shown.total:.4g}",
            labels["term"]: labels[f"form.{row['form']}"],
            "T²": row["scaled"],
            labels["divides"]: labels[f"by.{row['reduction']}"],
            labels["weights"]: f"{shown.soft_weight:.3g} : {shown.hard_weight:.3g}",
            labels["alpha"]: labels[f"alpha_of.{row.get('alpha', 'none')}"],
            labels["note"]: row["note"][language],
            labels["where"]: row["where"],
        }
        for row, shown in zip(rows, printed, strict=True)
    )


def behind(figure: go.Figure) -> pd.DataFrame:
    """The values of a figure, one per row: the series, the position on the axis and the value."""
    tables = []
    for trace in figure.data:
        positions, values = (trace.y, trace.x) if trace.orientation == "h" else (trace.x, trace.y)
        tables.append(
            pd.DataFrame({"series": trace.name, "at": [str(p).strip("\u200b") for p in positions], "value": values})
        )
    return pd.concat(tables, ignore_index=True)
