"""The page of layer surgery, drawn by Streamlit: clicks and their costs, links, both languages, hostile addresses, its code."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.engine import ENGINE, default_setting
from core.labs.layer_surgery import surgery as study
from core.labs.layer_surgery import sweep as sweeps
from core.labs.layer_surgery.cut import Cut, to_marks, whole
from core.models import catalog
from tests.pages.reading import open_page, text_of

SMALL, TEACHER = "minilm-student", "minilm-teacher"
SETTING = default_setting()


@pytest.fixture(scope="module", autouse=True)
def swept() -> None:
    """The small model is measured once, as a server has done it for whoever comes second."""
    sweeps.every_cut(ENGINE, SETTING, SMALL).wait()
    sweeps.every_head(ENGINE, SETTING, SMALL).wait()


def show(model: str = SMALL, seen: bool = True, **parameters: str) -> AppTest:
    """The page as the address `parameters` open it, with the predicted figure shown."""
    at = open_page("layer_surgery", **({"lang": "en", "ls_model": model} | parameters))
    if seen:
        for toggle in [one for one in at.toggle if one.key.endswith("_skip")]:
            toggle.set_value(True)
        at.run()
    return at


def said(at: AppTest, key: str, language: str = "en", **blanks: object) -> bool:
    return lessons.labels("layer_surgery", language)(key, **blanks) in text_of(at)


def metrics(at: AppTest) -> dict[str, tuple[str, str]]:
    return {one.label: (one.value, one.delta) for one in at.metric}


def links(at: AppTest) -> list[str]:
    return [link.proto.query_string for link in at.get("page_link") if link.proto.page.endswith("distil")]


def click(at: AppTest, marks: list[int], model: str = SMALL) -> AppTest:
    """What the browser sends once these switches of the board are off."""
    at.session_state[f"ls_board_{model}"] = {"selected": marks}
    return at.run()


@pytest.fixture
def first_lab(monkeypatch) -> None:
    """Only the board is drawn, as before a learner scrolls: nothing measures large models in the background."""
    monkeypatch.setattr("pages.kit.components.nearby.WAITS", True)


@pytest.fixture(scope="module")
def opened() -> AppTest:
    return show()


def test_it_opens_whole_with_real_numbers(opened, figures):
    assert not opened.exception and not opened.error
    found = study.cost(ENGINE, SETTING, SMALL, whole(3))
    shown = metrics(opened)
    assert shown["Loss, nats"] == (f"{found.loss.mean:.2f}", "unchanged")
    assert shown["Megabytes"][0] == f"{study.weight(ENGINE, SETTING, SMALL, whole(3)).megabytes:.1f}"
    assert said(opened, "said.whole")
    cuts = sweeps.every_cut(ENGINE, SETTING, SMALL).wait()
    low, high = (cuts.without[layer].rise for layer in (cuts.cheapest, cuts.costliest))
    assert f"**layer {cuts.cheapest + 1}** ({low.mean:+.2f} ± {low.error:.2f} nats)" in text_of(opened)
    assert f"**layer {cuts.costliest + 1}** ({high.mean:+.2f} ± {high.error:.2f})" in text_of(opened)
    heads = sweeps.every_head(ENGINE, SETTING, SMALL).wait()
    layer, head = heads.order[-1]
    assert f"**layer {layer + 1}, head {head + 1}**: {heads.rise[layer, head]:+.2f}" in text_of(opened)
    charts = figures(opened)
    assert len(charts) == 4 and all(len(chart.alt) > 20 and "{" not in chart.alt for chart in charts)


def test_a_click_costs_and_is_kept_in_the_address():
    at = show()
    before = metrics(at)
    cut = Cut((0, 2), ((2, 4),))
    click(at, to_marks(cut, 3, 12))
    assert not at.exception and not at.error
    found = study.operate(ENGINE, SETTING, SMALL, cut)
    after = metrics(at)
    assert after["Loss, nats"] == (
        f"{found.after.loss.mean:.2f}",
        f"{found.after.rise.mean:+.2f} ± {found.after.rise.error:.2f}",
    )
    assert after["Loss, nats"][0] != before["Loss, nats"][0]
    change = f"{found.top5_change:+.0f} points" if round(found.top5_change) else "unchanged"
    assert after["Right in first five"][1] == change
    assert after["Megabytes"][0] == f"{found.weight.rest_megabytes:.1f}"
    assert at.query_params["ls_kept"] == "1-3" and at.query_params["ls_heads_off"] == "3.5"
    again = show(ls_kept="1-3", ls_heads_off="3.5")
    assert metrics(again)["Loss, nats"] == after["Loss, nats"]
    click(at, [])
    assert metrics(at)["Loss, nats"] == before["Loss, nats"] and "ls_kept" not in at.query_params


def test_reset_puts_everything_back(first_lab):
    at = show(ls_kept="1", ls_measure="top1")
    assert metrics(at)["Loss, nats"][1] != "unchanged"
    at.button(key="_reset_ls").click().run()
    assert said(at, "said.whole") and "ls_kept" not in at.query_params and at.selectbox(key="ls_model").value == TEACHER


def test_heads_off_save_nothing_and_the_page_says_what_they_would():
    at = show(ls_heads_off="1.2-2.3")
    assert metrics(at)["Megabytes"] == (metrics(show())["Megabytes"][0], "unchanged")
    found = study.weight(ENGINE, SETTING, SMALL, Cut((0, 1, 2), ((0, 1), (1, 2))))
    assert said(at, "savings_heads", count=2, numbers=f"{found.in_heads:,}", megabytes=f"{found.off_megabytes:.2f}")


def test_the_remainder_of_a_teacher_is_handed_to_distil(first_lab):
    at = show("kinds-teacher", seen=False, ls_kept="1-3-5", ls_heads_off="1.4-3.12")
    assert not at.exception and not at.error
    assert links(at) == ["dl_teacher=kinds-teacher&dl_kept=1-3-5&dl_heads_off=1.4-3.12"]
    assert said(at, "to_distil_note", layers="1, 3, 5", heads=", with 2 heads off for good")
    for address, key in (({}, "nothing_cut"), ({"ls_kept": "none"}, "nothing_left")):
        at = show("kinds-teacher", seen=False, **address)
        assert not links(at) and said(at, key)
    assert said(show(ls_kept="1"), "no_teacher", name=f"`{SMALL}`")


def test_buttons_put_cuts_on_the_board():
    at = show()
    at.button(key="_ls_preset_last").click().run()
    assert at.query_params["ls_kept"] == "3"
    assert metrics(at)["Loss, nats"][0] == f"{study.cost(ENGINE, SETTING, SMALL, Cut((2,))).loss.mean:.2f}"
    at.button(key="_ls_least").click().run()
    heads = sweeps.every_head(ENGINE, SETTING, SMALL).wait()
    count = heads.together[0][0]
    cut = Cut((0, 1, 2), tuple(sorted(heads.order[:count])))
    assert at.query_params["ls_heads_off"] == cut.silent and "ls_kept" not in at.query_params
    assert metrics(at)["Loss, nats"][0] == f"{heads.together[0][1].loss.mean:.2f}"
    at.button(key="_ls_whole").click().run()
    assert said(at, "said.whole")


def test_the_prediction_comes_before_the_figure(figures):
    at = show(seen=False)
    before = len(figures(at))
    assert not said(at, "click_a_point")
    question = next(one for one in at.radio if "train nothing" in one.label)
    question.set_value(0).run()
    assert len(figures(at)) == before + 1 and said(at, "click_a_point")


def test_measures_and_views_change_what_is_drawn(figures):
    at = show()
    specs = [chart.spec for chart in figures(at)]
    at.session_state["ls_measure"] = "top1"
    at.run()
    changed = [chart.spec for chart in figures(at)]
    assert sum(old != new for old, new in zip(specs, changed, strict=True)) == 1
    grid = lambda: next(one.proto.json for one in at.get("bidi_component") if "head_grid" in one.proto.component_name)  # noqa: E731
    before = grid()
    at.session_state["ls_view"] = "divergence"
    at.run()
    assert grid() != before


def test_a_sentence_is_answered_by_both():
    at = show(ls_kept="3")
    text = "A dog is an [MASK]."
    at.text_area(key="ls_text").set_value(text).run()
    found = study.read(ENGINE, SETTING, SMALL, text, Cut((2,)))
    key = "reading_same" if found.same else "reading_differs"
    first, kl = f"`{found.answers[0]}`", f"{found.divergence:.2f}"
    assert said(at, key, first=first, after=f"`{found.first}`", kl=kl)
    for bad, code in (("", "empty_text"), ("No gap.", "no_mask")):
        at.text_area(key="ls_text").set_value(bad).run()
        assert not at.exception
        assert lessons.labels("common", "en")(f"errors.{code}") in text_of(at) and at.metric
    for odd in (
        "<script>alert(1)</script> [MASK]",
        "$x_1$ **[MASK]** 🎈",
        "猫 [MASK] مرحبا",
        "word " * 3000 + "[MASK]",
    ):
        at.text_area(key="ls_text").set_value(odd).run()
        assert not at.exception and at.metric


@pytest.mark.parametrize("model", [SMALL, "kinds-student"])
def test_chinese(model):
    at = show(model, seen=model == SMALL, lang="zh", ls_kept="2")
    assert not at.exception and not at.error
    assert "手术台" in [heading.value for heading in at.subheader]
    assert set(lessons.labels("layer_surgery", "zh").group("metric").values()) == set(metrics(at))
    assert not re.search(r"\{[a-z_]+\}", text_of(at))
    assert not any(re.search(r"[A-Za-z]{4,} [a-z]{4,} [a-z]{4,}", text.value) for text in at.caption)


def test_hostile_addresses_fall_back(first_lab):
    hostile = {
        "ls_kept": "99-<b>",
        "ls_heads_off": "9.99-NaN",
        "ls_measure": "loss;drop",
        "ls_least": "1e9",
        "ls_view": "\x00",
    }
    at = show("<script>alert(1)</script>", seen=False, **hostile)
    assert not at.exception and not at.error
    assert at.selectbox(key="ls_model").value == TEACHER and said(at, "said.whole")
    odd = click(show(), [-1, 10**9, "1"])
    assert not odd.exception and said(odd, "said.whole")


def test_the_teacher_of_the_settings_lies_on_the_table(first_lab):
    at = show("", seen=False, teacher="kinds-teacher")
    assert at.selectbox(key="ls_model").value == "kinds-teacher"
    others = [one.name for one in catalog() if one.role and one.name not in study.on_offer(SETTING)]
    for name in others:  # what the course has no held-out texts for
        at = show("", seen=False, teacher=name)
        assert said(at, "not_operable", name=f"`{name}`") and at.selectbox(key="ls_model").value == TEACHER
    assert not said(show("", seen=False), "not_operable", name=f"`{TEACHER}`")


def test_the_code_gives_the_numbers_of_the_page(opened, snippets_on, printed_by):
    shown = snippets_on(opened, "layer_surgery")
    assert set(shown) == set(lessons.code("layer_surgery"))
    assert "Cut((0, 1, 2), ())" in shown["cut"].core and "keep, off = " in shown["cut"].plain
    assert all(repr(SMALL) in one.core for one in shown.values())
    cut = printed_by(
        lessons.code("layer_surgery")["cut"].filled(name=SMALL, folder="", keep=(0, 2), off=((2, 4),)).core
    )
    found = study.cost(ENGINE, SETTING, SMALL, Cut((0, 2), ((2, 4),)))
    assert str(found.loss.mean)[:6] in cut
    one = sweeps.every_cut(ENGINE, SETTING, SMALL).wait().rounds()[0]
    assert f"{one.count} {one.rule} {one.keep}" in printed_by(shown["layers"].core)


def test_where_no_layer_is_left_there_is_no_code_for_a_model(snippets_on):
    assert set(snippets_on(show(ls_kept="none"), "layer_surgery")) == {"layers", "heads"}
