"""Expected against got: two maps on one scale, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.charts.colors import DIFFERENCE, NEGATIVE, POSITIVE
from core.charts.figures import blank_figure

MOST_ROWS, MOST_COLUMNS = 6, 8
"""Size of the drawn part of a larger array: around the largest error, small enough that its numbers can be read."""


def window(shape: tuple[int, ...], where: tuple[int, ...]) -> tuple[tuple[int, ...], slice, slice]:
    """Choose the part of an array that is drawn: the leading indices that are held, the rows, the columns.

    The last two axes are drawn, a single axis as one row; all others are held at the index `where`, around which a large
    array is cut.
    """
    where = tuple(where) or (0,) * len(shape)
    rows = _around(shape[-2], where[-2], MOST_ROWS) if len(shape) > 1 else slice(0, 1)
    return where[:-2], rows, _around(shape[-1], where[-1], MOST_COLUMNS)


def _around(size: int, place: int, most: int) -> slice:
    start = max(0, min(place - most // 2, size - most))
    return slice(start, min(size, start + most))


def part(array: np.ndarray, where: tuple[int, ...]) -> np.ndarray:
    """That part as a table, `[row, column]`."""
    held, rows, columns = window(array.shape, where)
    return np.atleast_2d(array[held])[rows, columns].astype(np.float64)


def cut(shape: tuple[int, ...]) -> bool:
    """Return True if less than the whole array is drawn."""
    return len(shape) > 2 or shape[-1] > MOST_COLUMNS or (len(shape) > 1 and shape[-2] > MOST_ROWS)


def drawable(expected: np.ndarray | None, got: np.ndarray | None) -> bool:
    """Return True if both are arrays of one shape with more than one number."""
    return expected is not None and got is not None and expected.shape == got.shape and expected.size > 1


def expected_against_got(
    expected: np.ndarray, got: np.ndarray, where: tuple[int, ...], labels: Mapping[str, str]
) -> go.Figure:
    """Three maps under each other: what was expected, what came, and the difference; the largest error is framed.

    Args:
        expected, got: of one shape, any number of axes; see `window` for what is drawn.
        where: index of the largest error.
        labels: `expected`, `got`, `difference`, `row`, `column` in the page's language.
    """
    _, rows, columns = window(expected.shape, where)
    want, have = part(expected, where), part(got, where)
    with np.errstate(invalid="ignore"):
        error = np.where(have == want, 0.0, have - want)  # -inf where -inf was expected is no error
    finite = np.concatenate([want[np.isfinite(want)], have[np.isfinite(have)], [0.0]])
    limit = float(np.abs(finite).max()) or 1.0
    largest = float(np.abs(error[np.isfinite(error)]).max(initial=0.0)) or 1.0
    figure = make_subplots(
        3, 1, subplot_titles=[labels["expected"], labels["got"], labels["difference"]], vertical_spacing=0.14
    )
    signed = [[0, NEGATIVE], [0.5, "rgba(128,128,128,0.08)"], [1, POSITIVE]]
    apart = [[0, DIFFERENCE], [0.5, "rgba(128,128,128,0.08)"], [1, DIFFERENCE]]
    maps = ((want, signed, limit), (have, signed, limit), (error, apart, largest))
    for place, (values, colors, end) in enumerate(maps, start=1):
        texts = [[_written(value) for value in row] for row in values]
        figure.add_heatmap(
            z=np.nan_to_num(np.clip(values, -end, end)),  # a cell without a number would show no text either
            x=list(range(columns.start, columns.stop)),
            y=list(range(rows.start, rows.stop)),
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 12},
            hovertemplate=f"{labels['row']} %{{y}}, {labels['column']} %{{x}}: %{{text}}<extra></extra>",
            colorscale=colors,
            zmin=-end,
            zmax=end,
            showscale=False,
            xgap=1,
            ygap=1,
            hoverongaps=True,
            row=place,
            col=1,
        )
        figure.update_xaxes(
            tickmode="linear",
            dtick=1,
            showgrid=False,
            zeroline=False,
            showticklabels=place == 3,
            ticks="",
            row=place,
            col=1,
        )
        figure.update_yaxes(
            tickmode="linear", dtick=1, autorange="reversed", showgrid=False, zeroline=False, ticks="", row=place, col=1
        )
        if where:
            row, column = (where[-2] if len(where) > 1 else 0), where[-1]
            figure.add_shape(
                type="rect",
                x0=column - 0.5,
                x1=column + 0.5,
                y0=row - 0.5,
                y1=row + 0.5,
                line={"color": DIFFERENCE, "width": 3},
                row=place,
                col=1,
            )
    layout = blank_figure(height=120 + 3 * (24 + 26 * want.shape[0])).layout
    figure.update_layout(height=layout.height, margin=layout.margin)
    return figure


def _written(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.3g}".replace("-", "−")
