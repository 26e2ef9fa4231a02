"""The page on layer outputs, drawn by Streamlit: its numbers, both languages, deep links, hostile values, errors."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.engine import ENGINE, default_setting
from core.labs.layer_outputs import hidden_states as study
from core.labs.layer_outputs.cka import layer_grid
from core.labs.layer_outputs.heads import distance_by_layer, match_heads
from tests.pages.reading import open_page, skips, text_of

TEXT = lessons.examples("layer_outputs")[0]["text"]


def show(**parameters: str) -> AppTest:
    """The page as the address `parameters` open it, with the predicted figure shown."""
    return open_page("layer_outputs", session=skips("lo", "guess_layer"), **({"lang": "en"} | parameters))


def said(at: AppTest, key: str, **blanks: object) -> bool:
    return lessons.labels("layer_outputs", "en")(key, **blanks) in text_of(at)


@pytest.fixture(scope="module")
def both() -> study.Pair:
    return study.read(ENGINE, default_setting(), TEXT)


@pytest.fixture(scope="module")
def opened() -> AppTest:
    return show()


def test_it_opens_with_real_numbers(opened, both):
    assert not opened.exception and not opened.error
    assert "`bank` (6) and `bank` (12)" in text_of(opened)
    found = study.similarity(both.teacher, both.shown(False))
    cell = (4, 10)
    assert f"goes from {found.grid[0, *cell]:.2f} (embeddings) to {found.grid[-1, *cell]:.2f} (last layer)" in text_of(
        opened
    )
    grid = layer_grid(both, both.shown(False))
    best = ", ".join(map(str, grid.best[1:]))
    assert f"the teacher layers **{best}**" in text_of(opened)
    match = match_heads(both.teacher, both.student, both.made_from[1], 1)
    assert f"**{match.divergence[2, match.one_to_one[2]]:.3f} nats**" in text_of(opened)
    nearest = distance_by_layer(both.teacher, both.student, 1).best
    assert f"Nearest by attention: teacher layer **{nearest + 1}**" in text_of(opened)
    assert "Recomputed: equals the model" in text_of(opened)


def test_every_figure_says_what_it_is(opened, figures):
    charts = figures(opened)
    assert len(charts) == 7
    assert all(len(chart.alt) > 20 for chart in charts)


def test_chinese():
    at = show(lang="zh")
    assert not at.exception and not at.error
    assert "词元会越来越像吗？" in [heading.value for heading in at.subheader]
    assert re.search(r"在教师中\*\*(渐行渐远|越来越近)\*\*", text_of(at))
    assert not any(re.search(r"\{[a-z_]+\}", text.value) for text in (*at.caption, *at.info))
    plain = [element.value for element in at.caption]
    assert not any(re.search(r"[A-Za-z]{4,} [a-z]{4,} [a-z]{4,}", text) for text in plain)


def test_controls_change_what_is_said(both):
    at = show()
    follows = sum(
        layer + 1 <= 3 for layer in both.made_from
    )  # the student's last layer that is made of teacher layers up to 3
    assert said(at, "heading_teacher", layer=3, layers=6) and said(at, "heading_student", layer=follows, layers=3)
    at.slider(key="lo_depth").set_value(6).run()
    assert said(at, "heading_teacher", layer=6, layers=6) and said(at, "heading_student", layer=3, layers=3)
    at.slider(key="lo_depth").set_value(0).run()
    assert said(at, "heading_teacher_0") and said(at, "heading_student_0")
    before = text_of(at)
    at.slider(key="lo_head").set_value(7).run()
    assert said(at, "head_student", layer=2, head=7) and text_of(at) != before
    at.selectbox(key="lo_teacher_layer").set_value(2).run()
    match = match_heads(both.teacher, both.student, 1, 1)
    assert f"**{match.divergence[6, match.one_to_one[6]]:.3f} nats**" in text_of(at)
    at.selectbox(key="lo_match").set_value("closest").run()
    assert said(at, "head_teacher", layer=2, head=match.closest[6] + 1)
    kept = f"{study.plane(both, together=True, unit=True).teacher_kept:.0%}"
    at.toggle(key="lo_close").set_value(False).run()
    assert f"**{kept}** of the teacher's variance" in text_of(at)
    for measure in study.MEASURES:
        at.session_state["lo_measure"] = measure
        at.run()
        most = study.largest(study.motion(both.teacher, measure))
        assert f"teacher {most.value:.2f} (`{both.pieces[most.position]}`" in text_of(at)


def test_a_link_restores_the_page(both):
    at = show(
        lo_depth="5", lo_token_pair="4-9", lo_cka_teacher="0", lo_cka_student="3", lo_heads="9-4", lo_measure="norm"
    )
    assert said(at, "heading_teacher", layer=5, layers=6)
    assert "`on` (4) and `river` (9)" in text_of(at)
    assert said(at, "gram_teacher", layer=0) and said(at, "gram_student", layer=3)
    assert said(at, "head_student", layer=2, head=9) and said(at, "head_teacher", layer=both.made_from[1] + 1, head=4)
    assert at.session_state["lo_measure"] == "norm"


def test_hostile_addresses_fall_back(opened):
    bad = ["99", "nan", "-1", "1e9", "<script>", "9999-9999", "", "a~b"]
    for value in bad:
        names = "depth cka_teacher cka_student head student_layer teacher_layer match measure view special "
        names += "token_pair token_cell heads"
        at = show(**{f"lo_{name}": value for name in f"{names} unit".split()})
        assert not at.exception and not at.error, value
        assert text_of(at) == text_of(opened), value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("   ", "There is no text to read"),
        ("cat", ""),
        ("word " * 10_000, "the first 128 are used"),
        ("我喜欢机器学习 🙂", "[UNK]"),
        ("مرحبا بالعالم", ""),
        ("<script>alert(1)</script> costs $5 and $6 *bold* _x_ `tick` `tick`", ""),
        ("\x00\x07 control \u202e signs", ""),
    ],
)
def test_any_text(text, expected):
    at = show(lo_text=text) if len(text) < 1000 else show()
    if len(text) >= 1000:
        at.text_area(key="lo_text").set_value(text).run()
    assert not at.exception
    assert expected in text_of(at) + "".join(e.value for e in [*at.error, *at.warning])
    assert bool(at.error) == (not text.strip())
    assert "<script>" not in "".join(element.value for element in at.markdown if element.allow_html)


def test_a_long_text_is_shown_in_parts():
    long = lessons.examples("layer_outputs")[-1]["text"]
    at = show(lo_text=long)
    assert {slider.key for slider in at.slider} >= {"lo_token_similarity", "lo_token_grams", "lo_token_attention"}
    before = text_of(at)
    assert "`street` (3) and `street` (94)" in before  # a pair that no map shows at once
    at.slider(key="lo_token_similarity").set_value(60).run()
    assert not at.exception and text_of(at) == before
    at.text_area(key="lo_text").set_value("word " * 60).run()
    assert not at.exception and not at.error


def test_the_error_speaks_chinese():
    at = show(lang="zh", lo_text="  ")
    assert "没有可读的文本" in at.error[0].value


def test_a_new_text_forgets_the_old_positions():
    at = show(lo_token_pair="4-9")
    at.text_area(key="lo_text").set_value("The small dog saw the other dog in the garden.").run()
    assert "`dog` (4) and `dog` (8)" in text_of(at)


def test_a_pick_in_one_map_moves_the_other(both):
    at = show()
    at.session_state["lo_cos_student"] = {"selected": {"value": [2, 7], "revision": 0}}
    at.run()
    assert "`on` (4) and `river` (9)" in text_of(at)
    assert at.session_state["lo_cos_teacher:assigned"]["value"] == [2, 7]
    at.session_state["lo_kl"] = {"selected": {"value": [10, 1], "revision": 0}}
    at.run()
    assert said(at, "head_student", layer=2, head=11) and said(at, "head_teacher", layer=both.made_from[1] + 1, head=2)


def test_the_film_goes_to_the_last_layer_and_stops():
    at = show()
    at.button(key="_lo_play").click().run()
    seen = [at.session_state["lo_depth"]]
    for _ in range(8):
        at.run()
        seen.append(at.session_state["lo_depth"])
    assert seen == [0, 1, 2, 3, 4, 5, 6, 6, 6]
    assert not at.session_state["_lo_playing"]


def test_the_guess_is_judged_by_the_live_numbers(both):
    at = open_page("layer_outputs", lang="en")
    assert "On this text CKA gives" not in text_of(at)
    best = layer_grid(both, both.shown(False)).best[2]
    right = {2: 0, both.made_from[1] + 1: 1, len(both.teacher.layers): 2}.get(best, 3)
    at.radio(key="lo_guess_guess_layer").set_value(right).run()
    assert len(at.success) == 1 and "On this text CKA gives" in text_of(at)
    at.radio(key="lo_guess_guess_layer").set_value((right + 1) % 4).run()
    assert not at.success


def test_the_quiz_explains_every_answer(opened):
    at = show()
    for question in lessons.quiz("layer_outputs", "en").values():
        if question.answer is None:
            continue
        for index, choice in enumerate(question.choices):
            at.radio(key=f"lo_quiz_{question.id}").set_value(index).run()
            told = [e.value for e in (at.success if index == question.answer else at.warning)]
            assert choice.why in told


def test_the_code_gives_the_numbers_of_the_page(opened, snippets_on, printed_by):
    shown = snippets_on(opened, "layer_outputs")
    assert set(shown) == set(lessons.code("layer_outputs"))
    for code in (shown["attention"].plain, shown["attention"].core):
        pair = re.search(r"this pair: tensor\(([\d.]+)\)", printed_by(code))
        assert pair and f"**{float(pair[1]):.3f} nats**" in text_of(opened)


def test_equal_models_need_no_prediction():
    name = default_setting().teacher
    at = show(student=name)
    assert not at.exception and not at.error
    assert not [radio for radio in at.radio if radio.key == "lo_guess_guess_layer"]
