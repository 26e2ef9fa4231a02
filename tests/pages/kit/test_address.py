"""Controls in the address: what fits is taken, what does not is replaced, and a reset puts everything back."""

from __future__ import annotations

import pytest
from streamlit.runtime.state.query_params import QueryParams
from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from pages.kit import address
from pages.kit.controls import Controls

x = Controls("x")
st.session_state["seen"] = {
    "layer": x.slider("layer", 3, "Layer", 1, 6),
    "T": x.stops("T", 2.0, "T", [0.5, 1.0, 2.0, 20.0]),
    "on": x.toggle("on", False, "On"),
    "kind": x.select("kind", "row", "Kind", ["row", "column"], format_func={"row": "行", "column": "列"}.get),
    "many": x.pills("many", ["a"], "Many", ["a", "b", "c"]),
    "text": x.text("text", "hello", "Text"),
}
st.button("Reset", key="reset", on_click=address.reset, args=("x_",))
"""

DEFAULTS = {"layer": 3, "T": 2.0, "on": False, "kind": "row", "many": ["a"], "text": "hello"}


def opened(**address: str) -> AppTest:
    at = AppTest.from_string(SCRIPT)
    for key, value in address.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at


def test_defaults_leave_the_address_empty():
    at = opened()
    assert at.session_state["seen"] == DEFAULTS
    assert not at.query_params


def test_a_link_restores_every_control():
    at = opened(x_layer="5", x_T="20.0", x_on="1", x_kind="column", x_many="b~c", x_text="bye")
    assert at.session_state["seen"] == {
        "layer": 5, "T": 20.0, "on": True, "kind": "column", "many": ["b", "c"], "text": "bye",
    }  # fmt: skip


@pytest.mark.parametrize("again", [False, True])
def test_a_browser_that_missed_the_first_drawing_starts_from_the_same_values(again):
    at = opened(x_layer="5", x_T="20.0", x_on="1", x_kind="column", x_many="b~c", x_text="bye")
    if again:
        at.run()  # now the session's values are no news, and only the widgets' own defaults say them
    assert at.slider[0].proto.default == [5] and at.select_slider[0].proto.default == [3]
    assert at.toggle[0].proto.default is True and at.selectbox[0].proto.default == 1
    assert at.get("button_group")[0].proto.default == [1, 2] and at.text_input[0].proto.default == "bye"
    at.slider[0].set_value(2).run()
    assert at.slider[0].proto.default == [5]  # a widget whose default follows each move would be drawn anew


def test_a_value_that_no_longer_fits_goes_back_to_the_default():
    at = AppTest.from_string(SCRIPT.replace('"Layer", 1, 6', '"Layer", 1, st.session_state.get("highest", 6)'))
    at.query_params["x_layer"] = "6"
    at.run()
    assert at.session_state["seen"]["layer"] == 6
    at.session_state["highest"] = 4
    at.run()
    assert at.session_state["seen"]["layer"] == 3 and "x_layer" not in at.query_params and not at.exception


def test_a_control_that_nobody_moved_follows_its_default():
    at = AppTest.from_string(SCRIPT.replace('"layer", 3', '"layer", st.session_state.get("usual", 3)'))
    at.run()
    at.session_state["usual"] = 5
    assert at.run().session_state["seen"]["layer"] == 5 and "x_layer" not in at.query_params
    at.slider[0].set_value(2).run()
    at.session_state["usual"] = 4
    assert at.run().session_state["seen"]["layer"] == 2 and at.query_params["x_layer"] == "2"


SINGLE = """
import streamlit as st
from pages.kit.controls import Controls

x, first = Controls("x"), st.session_state.get("choices", ["a", "b"])
before = x.chosen("radio", "a", first)
st.session_state["seen"] = {
    "before": before,
    "radio": x.radio("radio", "a", "Radio", first),
    "choice": x.choice("choice", "a", "Choice", first),
    "guess": x.choice("guess", None, "Guess", first, required=False),
    "number": x.number("number", 1, "Number", 0, 9),
    "weight": x.number("weight", 0.5, "Weight", 0.0, 1.0, step=0.1),
    "area": x.text_area("area", "hello", "Area", height=80),
}
"""


def test_the_other_controls_take_a_link_too():
    at = AppTest.from_string(SINGLE)
    link = {"radio": "b", "choice": "b", "guess": "a", "number": "7", "weight": "0.25", "area": "bye"}
    for name, value in link.items():
        at.query_params[f"x_{name}"] = value
    at.run()
    assert not at.exception and at.session_state["seen"] == {
        "before": "b", "radio": "b", "choice": "b", "guess": "a", "number": 7, "weight": 0.25, "area": "bye",
    }  # fmt: skip
    at.session_state["choices"] = ["a", "c"]
    seen = at.run().session_state["seen"]
    assert (seen["before"], seen["radio"], seen["choice"], seen["guess"]) == ("a", "a", "a", "a")
    assert "x_radio" not in at.query_params and "x_choice" not in at.query_params


def test_what_the_other_controls_do_not_take_is_the_default():
    at = AppTest.from_string(SINGLE)
    for name, value in {"radio": "z", "choice": "", "guess": "z", "number": "10", "weight": "1.1"}.items():
        at.query_params[f"x_{name}"] = value
    at.run()
    assert not at.exception and at.session_state["seen"] == {
        "before": "a", "radio": "a", "choice": "a", "guess": None, "number": 1, "weight": 0.5, "area": "hello",
    }  # fmt: skip


def test_defaults_are_those_of_the_controls_in_the_session():
    at = AppTest.from_string(SCRIPT + '\nst.session_state["defaults"] = address.defaults("x_")').run()
    assert at.session_state["defaults"] == {f"x_{name}": value for name, value in DEFAULTS.items()}


def test_a_number_needs_no_point():
    assert opened(x_T="20").session_state["seen"]["T"] == 20.0


@pytest.mark.parametrize(
    "wrong", ["99", "0", "-1", "nan", "inf", "1e999", "3.5.1", "<b>", "行", "５", "", "9" * 3000, "a~z"]
)
def test_what_does_not_fit_is_the_default(wrong):
    seen = opened(x_layer=wrong, x_T=wrong, x_on="maybe", x_kind=wrong, x_many="z~" + wrong).session_state["seen"]
    assert seen == DEFAULTS


def test_a_moved_control_writes_its_value_not_its_label():
    at = opened()
    at.slider[0].set_value(6).run()
    at.selectbox[0].set_value("column").run()
    assert at.query_params["x_layer"] == "6"
    assert at.query_params["x_kind"] == "column"
    at.slider[0].set_value(3).run()
    assert "x_layer" not in at.query_params


def test_a_very_long_text_stays_on_the_page_but_leaves_the_address():
    at = opened()
    at.text_input[0].set_value("word " * 1000).run()
    assert at.session_state["seen"]["text"].startswith("word word")
    assert "x_text" not in at.query_params


def test_reset_puts_all_back():
    at = opened(x_layer="5", x_kind="column", x_other="7")
    at.button(key="reset").click().run()
    assert at.session_state["seen"] == DEFAULTS
    assert not at.query_params


def test_what_has_not_changed_is_not_sent_again(monkeypatch):
    sent = []
    monkeypatch.setattr(QueryParams, "_send_query_param_msg", lambda params: sent.append(params.to_dict()))
    at = AppTest.from_string("from pages.kit import address\naddress.write('x_masks', '5-6')")
    at.query_params["x_masks"] = "5-6"
    sent.clear()
    at.run()
    assert not at.exception and not sent
    at = AppTest.from_string("from pages.kit import address\naddress.write('x_masks', '7')")
    at.query_params["x_masks"] = "5-6"
    sent.clear()
    at.run()
    assert sent == [{"x_masks": "7"}]
