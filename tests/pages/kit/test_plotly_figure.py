"""What a click on a figure is worth: the point's own data, and nothing for what a browser may make up."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from pages.kit.components.plotly_figure import customdata_at

FIGURE = go.Figure([go.Scatter(y=[1, 2], customdata=["a", "b"]), go.Scatter(y=[3])])


def test_a_point_gives_what_it_carries():
    assert [customdata_at(FIGURE, {"curve": 0, "point": point}) for point in (0, 1)] == ["a", "b"]


@pytest.mark.parametrize(
    "where",
    [
        None,
        {},
        {"curve": 0},
        {"curve": -1, "point": 0},
        {"curve": 0, "point": -1},
        {"curve": 0, "point": 2},
        {"curve": 1, "point": 0},
        {"curve": 7, "point": 0},
        {"curve": "x", "point": 0},
        {"curve": 0, "point": [0, 1]},
    ],
)
def test_what_carries_nothing_gives_nothing(where):
    assert customdata_at(FIGURE, where) is None
