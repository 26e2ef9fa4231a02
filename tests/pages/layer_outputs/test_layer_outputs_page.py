"""The page on layer outputs, drawn by Streamlit: its numbers, both languages, deep links, hostile values, errors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.engine import ENGINE, default_setting
from core.labs.layer_outputs import hidden_states as study
from core.labs.layer_outputs.cka import layer_grid
from core.labs.layer_outputs.heads import distance_by_layer, match_heads

FRAME = str(Path(__file__).resolve().parents[3] / "pages" / "frame.py")
TEXT = lessons.examples("layer_outputs")[0]["text"]


def show(**parameters: str) -> AppTest:
    """The page as the address `parameters` open it, with the predicted figure shown."""
    at = AppTest.from_file(FRAME, default_timeout=120)
    at.query_params["lang"] = "en"
    for name, value in parameters.items():
        at.query_params[name] = value
    at.run()
    at.switch_page("layer_outputs/page.py")
    at.session_state["lo_guess_guess_layer_skip"] = True
    return at.run()


def words(at: AppTest) -> str:
    return "\n".join(element.value for kind in (at.markdown, at.caption, at.info, at.latex) for element in kind)


def said(at: AppTest, key: str, **blanks: object) -> bool:
    return lessons.labels("layer_outputs", "en")(key, **blanks) in words(at)


@pytest.fixture(scope="module")
def both() -> study.Pair:
    return study.read(ENGINE, default_setting(), TEXT)


@pytest.fixture(scope="module")
def opened() -> AppTest:
    return show()


def test_it_opens_with_real_numbers(opened, both):
    assert not opened.exception and not opened.error
    assert "`bank` (6) and `bank` (12)" in words(opened)
    found = study.similarity(both.teacher, both.shown(False))
    cell = (4, 10)
    assert f"goes from {found.grid[0, *cell]:.2f} (embeddings) to {found.grid[-1, *cell]:.2f} (last layer)" in words(
        opened
    )
    grid = layer_grid(both, both.shown(False))
    best = ", ".join(map(str, grid.best[1:]))
    assert f"the teacher layers **{best}**" in words(opened)
    match = match_heads(both.teacher, both.student, both.made_from[1], 1)
    assert f"**{match.divergence[2, match.one_to_one[2]]:.3f} nats**" in words(opened)
    nearest = distance_by_layer(both.teacher, both.student, 1).best
    assert f"Nearest by attention: teacher layer **{nearest + 1}**" in words(opened)
    assert "Recomputed: equals the model" in words(opened)


def test_every_figure_says_what_it_is(opened, figures):
    charts = figures(opened)
    assert len(charts) == 7
    assert all(len(chart.alt) > 20 for chart in charts)


def test_chinese():
    at = show(lang="zh")
    assert not at.exception and not at.error
    assert "词元会越来越像吗？" in [heading.value for heading in at.subheader]
    assert re.search(r"在教师中\*\*(渐行渐远|越来越近)\*\*", words(at))
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
    before = words(at)
    at.slider(key="lo_head").set_value(7).run()
    assert said(at, "head_student", layer=2, head=7) and words(at) != before
    at.selectbox(key="lo_teacher_layer").set_value(2).run()
    match = match_heads(both.teacher, both.student, 1, 1)
    assert f"**{match.divergence[6, match.one_to_one[6]]:.3f} nats**" in words(at)
    at.selectbox(key="lo_match").set_value("closest").run()
    assert said(at, "head_teacher", layer=2, head=match.closest[6] + 1)
    kept = f"{study.plane(both, together=True, unit=True).teacher_kept:.0%}"
    at.toggle(key="lo_close").set_value(False).run()
    assert f"**{kept}** of the teacher's variance" in words(at)
    for measure in study.MEASURES:
        at.session_state["lo_measure"] = measure
        at.run()
        most = study.largest(study.motion(both.teacher, measure))
        assert f"teacher {most.value:.2f} (`{both.pieces[most.position]}`" in words(at)


def test_a_link_restores_the_page(both):
    at = show(
        lo_depth="5", lo_token_pair="4-9", lo_cka_teacher="0", lo_cka_student="3", lo_heads="9-4", lo_measure="norm"
    )
    assert said(at, "heading_teacher", layer=5, layers=6)
    assert "`on` (4) and `river` (9)" in words(at)
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
        assert words(at) == words(opened), value


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
    assert expected in words(at) + "".join(e.value for e in [*at.error, *at.warning])
    assert bool(at.error) == (not text.strip())
    assert "<script>" not in "".join(element.value for element in at.markdown if element.allow_html)


def test_a_long_text_is_shown_in_parts():
    long = lessons.examples("layer_outputs")[-1]["text"]
    at = show(lo_text=long)
    assert {slider.key for slider in at.slider} >= {"lo_token_similarity", "lo_token_grams", "lo_token_attention"}
    before = words(at)
    assert "`street` (3) and `street` (94)" in before  # a pair that no map shows at once
    at.slider(key="lo_token_similarity").set_value(60).run()
    assert not at.exception and words(at) == before
    at.text_area(key="lo_text").set_value("word " * 60).run()
    assert not at.exception and not at.error


def test_the_error_speaks_chinese():
    at = show(lang="zh", lo_text="  ")
    assert "没有可读的文本" in at.error[0].value


def test_a_new_text_forgets_the_old_positions():
    at = show(lo_token_pair="4-9")
    at.text_area(key="lo_text").set_value("The small dog saw the other dog in the garden.").run()
    assert "`dog` (4) and `dog` (8)" in words(at)


def test_a_pick_in_one_map_moves_the_other(both):
    at = show()
    at.session_state["lo_cos_student"] = {"selected": {"value": [2, 7], "revision": 0}}
    at.run()
    assert "`on` (4) and `river` (9)" in words(at)
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
    at = AppTest.from_file(FRAME, default_timeout=120)
    at.query_params["lang"] = "en"
    at.run().switch_page("layer_outputs/page.py")
    at.run()
    assert "On this text CKA gives" not in words(at)
    best = layer_grid(both, both.shown(False)).best[2]
    right = {2: 0, both.made_from[1] + 1: 1, len(both.teacher.layers): 2}.get(best, 3)
    at.radio(key="lo_guess_guess_layer").set_value(right).run()
    assert len(at.success) == 1 and "On this text CKA gives" in words(at)
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


def test_the_code_runs(opened, capsys):
    snippets = [block.value for block in opened.code]
    assert len(snippets) == 5
    for snippet in snippets:
        exec(compile(snippet, "snippet", "exec"), {})
    printed = capsys.readouterr().out
    pair = re.search(r"this pair: tensor\(([\d.]+)\)", printed)
    assert pair and f"**{float(pair[1]):.3f} nats**" in words(opened)


def test_equal_models_need_no_prediction():
    name = default_setting().teacher
    at = show(student=name)
    assert not at.exception and not at.error
    assert not [radio for radio in at.radio if radio.key == "lo_guess_guess_layer"]
