"""The components' Python side: what the browser answered comes back, and nothing it could send makes a page fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = """
import numpy as np
import streamlit as st
from pages.kit import components as kit

TOKENS = ["[CLS]", "the", "<b>king</b>", "مرحبا", "[SEP]"]
maps = np.random.default_rng(0).dirichlet(np.ones(5), (2, 3, 5))  # [layer, head, query, key]
texts = {name: name for name in (*kit.MAP_LABELS, *kit.GRID_LABELS, *kit.PICKER_LABELS)}
for key, value in st.session_state.get("orders", []):
    kit.assign(key, value)
st.session_state["orders"] = []
st.session_state["returned"] = {
    "map": kit.attention_map(
        maps[0, 0], TOKENS, TOKENS, key="map", selected=(1, 2), color="#0072B2", labels=texts, alt="map"
    ),
    "grid": kit.head_grid(maps, key="grid", color="#0072B2", labels=texts, alt="grid"),
    "numbers": kit.head_grid(
        None, values=maps[:, :, 0, 0], key="numbers", selected=(0, 0), color="#0072B2", labels=texts, alt="numbers"
    ),
    "picker": kit.token_picker(TOKENS, key="picker", marked={2}, disabled=[0, 4], labels=texts, alt="tokens"),
}
"""
START = {"map": (1, 2), "grid": None, "numbers": (0, 0), "picker": [2]}
HOSTILE = [
    (99, -1),
    [-1, 0],
    [0],
    [0, 1, 2],
    ["1", "2"],
    "12",
    [float("nan"), 0],
    [1.0, 2.0],
    [True, False],
    [None, None],
    [[0, 1], [2, 3]],
    {"a": 1},
    {"value": {"value": [0, 1]}, "revision": 0},
    10**30,
    [10**30, 0],
]


def run(**state: Any) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    for key, value in state.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception
    return app


def returned(app: AppTest) -> dict[str, Any]:
    assert not app.exception
    return app.session_state["returned"]


def test_without_an_answer_the_arguments_hold() -> None:
    assert returned(run()) == START


def test_answers_come_back() -> None:
    answers = {"map": [4, 0], "grid": [1, 2], "numbers": [1, 0], "picker": [3, 1, 3]}
    app = run(**{key: {"selected": value} for key, value in answers.items()})
    assert returned(app) == {"map": (4, 0), "grid": (1, 2), "numbers": (1, 0), "picker": [1, 3]}


def test_answers_in_the_form_of_the_browser_come_back() -> None:
    app = run(
        map={"selected": {"value": [0, 3], "revision": 0}},
        grid={"selected": {"value": [0, 1], "revision": 0}},
        numbers={"selected": {"value": None, "revision": 0}},
        picker={"selected": {"value": [], "revision": 0}},
    )
    assert returned(app) == {"map": (0, 3), "grid": (0, 1), "numbers": None, "picker": []}


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_wrong_answers_are_ignored(value: Any) -> None:
    for answer in (value, {"value": value, "revision": 0}):
        result = returned(run(**{key: {"selected": answer} for key in START}))
        assert all(result[key] is None or result[key] == START[key] for key in ("map", "grid", "numbers"))
        assert set(result["picker"]) <= {1, 2, 3}


@pytest.mark.parametrize("state", ["garbage", 7, [1, 2], None, {"other": 1}, {"selected": None}], ids=repr)
def test_state_of_the_wrong_kind_is_ignored(state: Any) -> None:
    assert returned(run(**dict.fromkeys(START, state))) == START


def test_disabled_tokens_are_never_marked() -> None:
    assert returned(run(picker={"selected": [0, 1, 4]}))["picker"] == [1]


def test_assign_wins_over_what_the_browser_still_sends() -> None:
    stale = {"selected": {"value": [4, 4], "revision": 0}}
    app = run(map=stale, orders=[("map", (2, 3)), ("picker", [1]), ("numbers", None)])
    assert returned(app)["map"] == (2, 3)
    assert returned(app)["picker"] == [1]
    assert returned(app)["numbers"] is None
    app.session_state["map"] = stale
    assert returned(app.run())["map"] == (2, 3)
    app.session_state["map"] = {"selected": {"value": [0, 0], "revision": 1}}
    assert returned(app.run())["map"] == (0, 0)


def test_arguments_start_again_once_the_reader_has_gone_on() -> None:
    app = run(orders=[("map", (2, 3))])
    app.session_state["map"] = {"selected": {"value": [0, 0], "revision": 1}}
    app.run()
    app.session_state["map"] = {}
    assert returned(app.run())["map"] == START["map"]


def test_wrong_arguments_say_so() -> None:
    from pages.kit import components as kit

    texts = dict.fromkeys((*kit.MAP_LABELS, *kit.GRID_LABELS, *kit.PICKER_LABELS), "")
    with pytest.raises(ValueError, match="shape"):
        kit.attention_map(np.ones((2, 3)), ["a"], ["b"], key="x", labels=texts, alt="", color="#000000")
    with pytest.raises(ValueError, match="labels lacks row"):
        incomplete = {name: text for name, text in texts.items() if name != "row"}
        kit.attention_map([[1.0]], ["a"], ["b"], key="x", labels=incomplete, alt="", color="#000000")
    with pytest.raises(ValueError, match="thumbnails"):
        kit.head_grid(None, key="x", labels=texts, alt="", color="#000000")


def test_scale_comes_from_the_finite_numbers() -> None:
    from core.charts.cells import limits_of

    scores = np.array([[-np.inf, 2.0], [np.nan, -5.0]])
    assert limits_of(scores, signed=True) == (-5.0, 5.0)
    assert limits_of(scores, signed=False) == (-5.0, 2.0)
    assert limits_of(np.array([0.2, 0.6]), signed=False) == (0.0, 0.6)
    assert limits_of(np.zeros(3), signed=False) == (0.0, 1.0)
    assert limits_of(np.full(2, -np.inf), signed=True) == (-1.0, 1.0)


def test_thumbnails_keep_their_strongest_cell() -> None:
    from core.charts.cells import THUMBNAIL_SIDE, quantised, shrunk

    weights = np.zeros((1, 2, 150, 150), dtype=np.float32)
    weights[0, 0, 149, 77] = 0.5
    weights[0, 1, 0, 0] = 1.0
    small = shrunk(weights)
    assert small.shape == (1, 2, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    assert quantised(small, shared_scale=False).max(axis=(2, 3)).tolist() == [[255, 255]]
    assert quantised(small, shared_scale=True).max(axis=(2, 3)).tolist() == [[128, 255]]
