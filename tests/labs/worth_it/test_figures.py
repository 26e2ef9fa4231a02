"""The report's figures hold the numbers that they were given."""

from __future__ import annotations

import numpy as np
import pytest

import lessons
from core.charts.colors import ARMS
from core.labs.worth_it.figures import Seeds, Timed, all_seeds, frontier, times

T = lessons.labels("worth_it", "en")
MODELS = (
    Timed("Teacher", "teacher", False, 7.0, 8.0, 9.0, 0.85, 90.0),
    Timed("Teacher, int8", "teacher", True, 3.0, 4.0, 5.0, 0.84, 60.0),
    Timed("<b>x</b>", "distilled", False, 0.9, 1.0, 1.4, 0.75, 22.5),
)


def test_every_seed_its_mean_and_its_spread():
    models = (
        Seeds("Teacher", "teacher", (0,), (0.9,), 0.9, 0.0),
        Seeds("Distilled", "distilled", (0, 1), (0.7, 0.8), 0.75, 0.07),
        Seeds("Control", "control", (1,), (0.5,), 0.5, 0.0),
    )
    figure = all_seeds(models, 0.1, T.group("seeds") | {"measure": "Accuracy"})
    joined = [list(trace.y) for trace in figure.data if trace.mode == "lines+markers"]
    assert joined == [[0.7], [0.8, 0.5]]  # seed 0 has no control
    marks = {
        trace.marker.color: (trace.y[0], trace.error_y.array[0]) for trace in figure.data if trace.mode == "markers"
    }
    assert marks == {ARMS["distilled"]: (0.75, 0.07), ARMS["control"]: (0.5, 0.0)}
    assert [list(trace.y) for trace in figure.data if trace.mode == "lines"] == [[0.9, 0.9], [0.1, 0.1]]


def test_bars_end_at_the_median_and_whiskers_at_the_quartiles():
    figure = times(MODELS, T.group("times"))
    assert [bar.x[0] for bar in figure.data] == [8.0, 4.0, 1.0]
    last = figure.data[2]
    assert last.error_x.array[0] == pytest.approx(0.4) and last.error_x.arrayminus[0] == pytest.approx(0.1)
    assert last.y[0] == "&lt;b>x&lt;/b>"  # plotly would read markup
    hollow = [bar.marker.color == "rgba(0,0,0,0)" for bar in figure.data]
    assert hollow == [False, True, False]


def test_the_frontier_is_logarithmic_and_areas_are_megabytes():
    figure = frontier(MODELS, T.group("frontier") | {"quality": "Accuracy"})
    assert figure.layout.xaxis.type == "log"
    low, high = (10**end for end in figure.layout.xaxis.range)
    assert low < 1.0 and high > 8.0
    sizes = np.array([trace.marker.size for trace in figure.data])
    assert sizes**2 / sizes[0] ** 2 == pytest.approx([1, 60 / 90, 0.25])
    assert "85.0%" in figure.data[0].hovertext[0] and "90.0 MB" in figure.data[0].hovertext[0]
