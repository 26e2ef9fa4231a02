"""The page on self-attention as a learner meets it: what it says, what its controls do, what a link restores."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.engine import ENGINE, default_setting
from core.labs.self_attention import ablations as breaking
from core.labs.self_attention import bertviz_view
from core.labs.self_attention import heads as study
from core.trace import NoScaling
from tests.pages.reading import open_page, text_of

TEXT = "The boy kicked the ball and the dog ran after it."
SHOWN = {"sa_guess_no_scaling_skip": True}


def opened(address: dict[str, str] | None = None, **state: Any) -> AppTest:
    return open_page("self_attention", session=state, **(address or {}))


def fine(app: AppTest) -> AppTest:
    assert not app.exception, [each.message for each in app.exception]
    return app


def metric(app: AppTest, label: str) -> str:
    return next(each.value for each in app.metric if each.label == label)


def teacher_trace():
    return ENGINE.trace(default_setting(), default_setting().teacher, TEXT)


def test_it_opens_on_the_most_telling_head_with_its_real_numbers() -> None:
    app, trace = opened(), teacher_trace()
    layer, head = study.most_telling_head(trace)
    habits = study.habits(trace.probabilities, trace.tokens.special)
    assert (app.selectbox(key="sa_layer").value, app.selectbox(key="sa_head").value) == (layer + 1, head + 1)
    assert metric(app, "One token ahead") == f"{habits.following[layer, head]:.0%}"
    assert metric(app, "Tokens in view") == f"{habits.in_view[layer, head]:.1f}"
    row = study.steps(trace, layer, head, app.selectbox(key="sa_token_query").value - 1)
    key = app.selectbox(key="sa_token_key").value - 1
    assert any(f"{float(row.dots[key]):.2f}" in each.value for each in app.latex)
    assert any(f"{float(row.weights[key]):.3f}" in each.value for each in app.latex)
    assert "Recomputed: equals the model" in text_of(app)


def test_it_speaks_chinese() -> None:
    app = opened({"lang": "zh"}, **SHOWN)
    assert app.title[0].value == "自注意力"
    assert "首选" in text_of(app) and "已复算" in text_of(app)
    assert app.selectbox(key="sa_token_query").label == "查询（提问的词元）"


def test_a_click_in_the_grid_opens_that_head_and_the_boxes_follow() -> None:
    app = opened()
    app.session_state["sa_grid"] = {"selected": [3, 4]}
    fine(app.run())
    assert (app.selectbox(key="sa_layer").value, app.selectbox(key="sa_head").value) == (4, 5)
    app.selectbox(key="sa_head").set_value(6)
    fine(app.run())
    assert app.selectbox(key="sa_head").value == 6
    habits = study.habits(teacher_trace().probabilities, teacher_trace().tokens.special)
    assert metric(app, "On [CLS], [SEP]") == f"{habits.special[3, 5]:.0%}"


def test_a_click_in_the_map_chooses_query_and_key_also_with_hidden_tokens() -> None:
    app = opened({"sa_hide": "1"})
    app.session_state["sa_map"] = {"selected": [0, 3]}  # the first row drawn is position 1: [CLS] is hidden
    fine(app.run())
    assert (app.selectbox(key="sa_token_query").value, app.selectbox(key="sa_token_key").value) == (2, 5)
    assert "Nothing is rescaled" in text_of(app)


def test_a_link_restores_the_page() -> None:
    address = {"sa_model": "student", "sa_layer": "2", "sa_head": "7", "sa_token_query": "4", "sa_average": "1"}
    app = opened(address | {"sa_text": "The cat sat on the mat."})
    assert app.text_area(key="sa_text").value == "The cat sat on the mat."
    boxes = ("sa_layer", "sa_head", "sa_token_query")
    assert [app.selectbox(key=key).value for key in boxes] == [2, 7, 4]
    assert "No head looks like this" in text_of(app)


def test_a_smaller_model_keeps_the_controls_inside_it() -> None:
    app = opened({"sa_layer": "6", "sa_head": "2"})
    app.button_group(key="sa_model").set_value("student")
    fine(app.run())
    assert app.selectbox(key="sa_layer").value <= 3
    assert list(app.selectbox(key="sa_layer").options) == ["1", "2", "3"]


def test_a_hostile_address_falls_back() -> None:
    address = {
        "sa_layer": "99",
        "sa_head": "x",
        "sa_threshold": "nan",
        "sa_token_query": "9999",
        "sa_token_key": "-1",
        "sa_token_hidden": "0",
        "sa_damage": "<b>",
        "sa_broken_layer": "1e9",
        "sa_toy_x": "nan~1",
        "sa_model": "zzz",
        "sa_bertviz": "{}",
    }
    app, plain = opened(address, **SHOWN), opened(**SHOWN)
    assert text_of(app) == text_of(plain)


@pytest.mark.parametrize(
    "text", ["word", "你好 🙂 مرحبا", "<script>alert(1)</script> $x$ *b* `c` [d](e)", "the cat " * 5000, "\x00\x01 a"]
)
def test_any_text_is_read(text: str) -> None:
    app = opened(**SHOWN)
    app.text_area(key="sa_text").set_value(text)
    fine(app.run())
    assert not app.error
    assert len(app.latex) > 5


def test_an_empty_text_is_answered_in_the_learners_language() -> None:
    app = opened({"lang": "zh"})
    app.text_area(key="sa_text").set_value("   ")
    fine(app.run())
    assert "没有可读的文本" in app.error[0].value
    assert app.latex, "the toy needs no text"


def test_the_result_waits_for_a_guess_and_the_answer_is_the_models() -> None:
    app = opened()
    assert "The first choice" not in text_of(app)
    setting, trace = default_setting(), teacher_trace()
    position = breaking.hidden_position(ENGINE, setting, setting.teacher, trace.tokens)
    ids = breaking.with_hidden(ENGINE, setting, setting.teacher, trace.tokens, position)
    passes = [
        ENGINE.trace(setting, setting.teacher, TEXT, ids=ids, interventions=each) for each in ((), (NoScaling(),))
    ]
    found = breaking.compare(ENGINE, setting, setting.teacher, *passes, position, int(trace.tokens.ids[position]))
    app.radio(key="sa_guess_no_scaling").set_value(found.direction)
    fine(app.run())
    assert app.success and "The first choice" in text_of(app)
    assert f"{found.divergence:.2f} nats" in text_of(app)
    assert f"{found.mean_before:.2f} → {found.mean_after:.2f}" in text_of(app)


def test_the_sweep_names_a_head_and_a_click_breaks_it() -> None:
    app = opened({"sa_model": "student", "sa_sweep": "1"}, **SHOWN)
    assert "of 36 heads" in text_of(app)
    before = text_of(app)
    app.session_state["sa_sweep_grid"] = {"selected": [1, 4]}
    fine(app.run())
    assert app.selectbox(key="sa_broken_layer").value == 2 and app.selectbox(key="sa_broken_head").value == 5
    assert text_of(app) != before


def test_the_toy_computes_what_the_address_holds() -> None:
    app = opened({"sa_toy_w_k": "0~0~0~0_0~0~0~0_0~0~0~0_0~0~0~0", "sa_causal": "1"})
    weights = next(each.value for each in app.latex if "softmax}(S)" in each.value)
    assert "0.50" in weights and "0.33" in weights  # without keys every token allowed is alike
    app = opened({"sa_swapped": "1"})
    assert "permutation equivariant" in text_of(app)
    assert "no longer the same rows" in text_of(opened({"sa_swapped": "1", "sa_causal": "1"}))


def test_bertviz_shows_all_layers_or_one_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened({"sa_bertviz": "model"}).get("iframe")
    longest = opened({"sa_bertviz": "head", "sa_text": "the cat " * 40})
    assert "shorten the text" in text_of(longest) and not longest.get("iframe")
    monkeypatch.setattr(bertviz_view, "MOST_BYTES", 600_000)
    one_layer = opened({"sa_bertviz": "head", "sa_text": "the cat " * 15, "sa_layer": "4"})
    assert "only layer 4 is shown" in text_of(one_layer) and one_layer.get("iframe")


def test_the_code_of_each_lab_is_shown(snippets_on, printed_by) -> None:
    shown = snippets_on(opened({"sa_causal": "1"}, **SHOWN), "self_attention")
    assert set(shown) == {"head", "break_no_scaling", "toy"}
    assert "following" in printed_by(shown["head"].core) and "if True:" in shown["toy"].plain
    for damage, id in (("uniform", "break_uniform"), ("head", "break_heads"), ("heads", "break_heads")):
        assert id in snippets_on(opened({"sa_damage": damage}, **SHOWN), "self_attention")
