"""The page on masked language modelling, run as Streamlit runs it: what it says, in both languages, whatever it is given."""

from __future__ import annotations

import json
import zlib

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.engine import ENGINE, default_setting
from core.labs.mlm_masking import context as mlm_context
from core.labs.mlm_masking import gaps as mlm_masking
from core.labs.mlm_masking import masking as mlm_draws
from core.labs.mlm_masking import sentence_pairs
from tests.pages.reading import metrics, open_page, skips, text_of

TEXT = "The farmer grows corn and wheat in his fields."
QUESTIONS = ("pair", "table8", "ten", "left", "settled", "swap")


def show(shown: bool = False, **parameters: str) -> AppTest:
    """The page at an address; with `shown` every guess is skipped, so that all results are on it."""
    return open_page("mlm_masking", session=skips("mm", *QUESTIONS) if shown else None, **parameters)


def filled(*positions: int, text: str = TEXT) -> mlm_masking.Filled:
    return mlm_masking.fill_gaps(ENGINE, default_setting(), text, list(positions))


@pytest.mark.parametrize(("language", "teacher"), [("en", "Teacher: mean loss"), ("zh", "教师：平均损失")])
def test_opens_with_a_gap_and_both_losses(language, teacher, figures):
    app = show(lang=language)
    assert metrics(app)[teacher] == f"{filled(2).teacher_loss:.3f}"
    assert filled(2).teacher_loss < filled(2).student_loss  # what the reader meets first must not turn the roles round
    lesson = lessons.lesson("mlm_masking", language)
    assert app.title[0].value == lesson.title
    assert all(section.body in text_of(app) for key, section in lesson.sections.items() if key != "influence")
    assert not app.error
    assert len(figures(app)) == 4  # two models, the histogram, three sights; the rest waits for a guess
    theirs, students = (json.loads(figure.spec)["layout"]["xaxis"]["range"] for figure in figures(app)[:2])
    assert theirs == students  # the bars can be compared across the two


def test_all_results_are_there_once_asked_for(figures):
    app = show(shown=True)
    assert len(figures(app)) == 14
    setting = default_setting()
    sides = mlm_context.both_sides_and_left(ENGINE, setting, setting.teacher, TEXT, 2)
    assert metrics(app)["Loss, left only"] == f"{sides.left.loss:.2f}"
    assert metrics(app)["Loss, both sides"] == f"{sides.both.loss:.2f}"
    strongest = mlm_context.strongest(mlm_context.influences(ENGINE, setting, setting.teacher, TEXT, 2))
    assert f"{strongest.change:+.2f}" in text_of(app)
    assert "1-(1-0.15)^{10} = 0.8031" in " ".join(latex.value for latex in app.latex)
    seen = mlm_context.lens(ENGINE, setting, setting.student, TEXT, 2)
    assert f"`{seen.best[-1][0].word}`, leads from" in text_of(app)


@pytest.mark.parametrize(("language", "name"), [("en", "head on this teacher"), ("zh", "本站教师上的输出头")])
def test_both_heads_say_what_they_make_of_two_sentences(language, name):
    app = show(lang=language, shown=True, mm_second="Its people fish and sell what they catch.")
    texts = sentence_pairs.EXAMPLE | {"second": "Its people fish and sell what they catch."}
    found = sentence_pairs.read(ENGINE, default_setting(), **texts)
    for of in found.yes.values():
        assert all(f"{chance:.1%}" in text_of(app) for chance in of.values())
    said = lessons.labels("mlm_masking", language)("sentences.told" if found.told else "sentences.missed")
    assert said in text_of(app)
    (table,) = [frame.value for frame in app.dataframe if name in frame.value.to_numpy()]
    scores = sentence_pairs.measured()
    assert table.iloc[:2, 2:].to_numpy().tolist() == [
        [f"{of[on]:.1%}" for on in ("nsp", "sop")] for of in scores.values()
    ]
    assert table.iloc[2:, 1:].to_numpy().tolist() == [["NSP", "", "52.0%"], ["SOP", "78.9%", ""]]


def test_the_heads_answer_waits_for_a_guess():
    app = show()
    assert "“It follows”" not in text_of(app)
    (guess,) = [radio for radio in app.radio if radio.key == "mm_guess_swap"]
    app = guess.set_value(0).run()
    assert "“It follows”" in text_of(app) and not app.exception


def test_an_empty_sentence_of_the_pair_is_asked_for_and_the_rest_stays():
    app = show(shown=True, mm_stranger=" ")
    assert len(app.error) == 1 and metrics(app)["Teacher: mean loss"]


def test_missing_heads_are_named(monkeypatch):
    monkeypatch.setitem(sentence_pairs.HEADS, "nsp", "not-there")
    app = show(shown=True)
    assert any("NSP" in info.value for info in app.info) and not app.error


def test_masks_in_the_address():
    app = show(mm_token_masks="3-6")
    found = filled(2, 5)
    assert metrics(app)["Teacher: mean loss"] == f"{found.teacher_loss:.3f}"
    assert metrics(app)["Student: mean loss"] == f"{found.student_loss:.3f}"
    terms = " + ".join(f"{gap.teacher.loss:.2f}" for gap in found.gaps)
    assert any(terms in latex.value for latex in app.latex)
    assert app.selectbox(key="mm_token_gap").value == 3
    app.selectbox(key="mm_token_gap").set_value(6).run()
    assert f"rank {found.gaps[1].teacher.rank:,}" in text_of(app)


def picker_key(text: str = TEXT) -> str:
    setting = default_setting()
    pieces = ENGINE.tokens(setting, setting.teacher, text).pieces
    return f"mm_picker_1_{zlib.crc32(' '.join(pieces).encode()):x}"


def test_a_click_hides_a_word_and_writes_the_address(figures):
    app = show()
    key = picker_key()
    app.session_state[key] = {"selected": {"value": [2, 10], "revision": 0}}
    app.run()
    assert metrics(app)["Teacher: mean loss"] == f"{filled(2, 10).teacher_loss:.3f}"
    assert app.query_params["mm_token_masks"] in ("3-11", ["3-11"])
    app.session_state[key] = {"selected": {"value": [], "revision": 0}}
    app.run()
    assert app.error[0].value == lessons.labels("common", "en")("errors.no_mask")
    assert len(figures(app)) == 2  # the other labs go on


def test_a_new_example_starts_with_its_own_gap():
    app = show(mm_token_masks="6-7", mm_token_lens="10")
    example = lessons.examples("mlm_masking")[1]
    app.radio(key="_mm_text_example").set_value(example["text"]).run()
    assert not app.exception and not app.error
    assert metrics(app)["Teacher: mean loss"] == f"{filled(2, text=example['text']).teacher_loss:.3f}"
    assert app.selectbox(key="mm_token_lens").value == 3


def test_a_shorter_text_forgets_positions_it_does_not_have():
    app = show(mm_token_context="10", mm_token_sight="10", mm_token_lens="10")
    assert app.selectbox(key="mm_token_lens").value == 10
    app.text_area(key="mm_text").set_value("A red car.").run()
    assert not app.exception and not app.error
    assert app.selectbox(key="mm_token_lens").value == 3 or app.selectbox(key="mm_token_lens").value == 4
    assert app.selectbox(key="mm_token_context").value <= 5


def test_reset_brings_the_start_back():
    app = show(mm_rate="40", mm_recipe="100-0-0", mm_token_masks="8")
    assert app.slider(key="mm_rate").value == 40
    app.button(key="_reset_mm").click().run()
    assert app.slider(key="mm_rate").value == 15 and app.selectbox(key="mm_recipe").value == "80-10-10"
    assert metrics(app)["Teacher: mean loss"] == f"{filled(2).teacher_loss:.3f}"


def test_the_draw_follows_its_controls():
    app = show()
    setting = default_setting()
    drawn = mlm_draws.draw(ENGINE, setting, TEXT, mlm_draws.Masking(), 179)
    assert drawn.masked.counts() == {"selected": 4, "masked": 2, "random": 1, "kept": 1}
    assert f"{mlm_draws.read_draw(ENGINE, setting, TEXT, drawn).teacher_loss:.2f} for the teacher" in text_of(app)
    app.selectbox(key="mm_recipe").set_value("100-0-0").run()
    assert "100.0% were masked, 0.0% replaced at random, 0.0% kept" in text_of(app)
    app.selectbox(key="mm_recipe").set_value("own").run()
    app.slider(key="mm_masked").set_value(0).run()
    app.slider(key="mm_random").set_value(0).run()
    assert "0.0% were masked, 0.0% replaced at random, 100.0% kept" in text_of(app)
    app.slider(key="mm_rate").set_value(1).run()
    assert f"{0.99**10:.1%}" in text_of(app)  # nothing is selected, and how often that happens
    next(button for button in app.button if button.label == "Draw again").click().run()
    assert app.number_input(key="mm_seed").value == 180


def test_a_guess_is_answered_by_the_models_numbers():
    app = show()
    pair, _ = mlm_masking.hide_pair(ENGINE, default_setting(), TEXT, 2, 3)
    right = mlm_masking.direction(pair.effect)
    choices = lessons.quiz("mlm_masking", "en")["pair"].choices
    app.radio(key="mm_guess_pair").set_value(right).run()
    assert app.success[0].value == choices[right].why
    assert f"{pair.price:+.2f} nats" in text_of(app)
    app.radio(key="mm_guess_pair").set_value((right + 1) % 3).run()
    assert any(warning.value == choices[(right + 1) % 3].why for warning in app.warning)


def test_the_mistakes_are_answered():
    app = show(lang="zh")
    question = lessons.quiz("mlm_masking", "zh")["vector"]
    app.radio(key="mm_quiz_vector").set_value(question.answer).run()
    assert app.success[0].value == question.choices[question.answer].why


@pytest.mark.parametrize(
    "wrong", ["99", "-1", "nan", "1e999", "<script>alert(1)</script>", "9" * 40, "2-x-²", "\x00", ""]
)
def test_hostile_addresses_open_the_default(wrong):
    names = "whole side rate recipe seed words masked random chance epochs order regime who measure "
    names += "token_masks token_gap token_sight token_context token_lens"
    app = show(shown=True, **{f"mm_{name}": wrong for name in names.split()})
    assert app.slider(key="mm_rate").value == 15 and app.slider(key="mm_epochs").value == 40
    assert not app.error
    if wrong not in ("-1", "2-x-²"):  # these name a position that the text has
        assert metrics(app)["Teacher: mean loss"] == f"{filled(2).teacher_loss:.3f}"


def test_all_words_shown_again_stays_so_in_a_copied_link():
    app = show(mm_token_masks="none")
    assert app.error[0].value == lessons.labels("common", "en")("errors.no_mask")


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "😀 🎉 ok",
        "我们在吃早饭。",
        "مرحبا بالعالم",
        "<script>alert(1)</script> `code` $x^2$ *bold* _it_",
        "a\u0007b\u200bc\u202e d",
        "[MASK] of tea",
        "word " * 10_000,
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_any_text_is_read(text, language):
    app = show(shown=True, lang=language)
    app.text_area(key="mm_text").set_value(text).run()
    assert not app.exception and not app.error
    assert app.text_area(key="mm_text").value == text
    assert len(app.metric) >= 5


@pytest.mark.parametrize(("text", "code"), [("", "empty_text"), ("   ", "empty_text")])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_says_what_to_do(text, code, language):
    app = show(lang=language)
    app.text_area(key="mm_text").set_value(text).run()
    assert [error.value for error in app.error] == [lessons.labels("common", language)(f"errors.{code}")]
    app.text_area(key="mm_text").set_value("[MASK] [MASK]").run()
    assert not app.error
    assert app.info[0].value == lessons.labels("mlm_masking", language)("nothing_to_hide")


def test_the_student_may_teach():
    setting = default_setting()
    app = show(shown=True, teacher=setting.student, student=setting.student)
    assert metrics(app)["Teacher: mean loss"] == metrics(app)["Student: mean loss"]


def test_the_code_of_every_lab_is_shown(snippets_on):
    text = 'The cat\'s "sat".'
    shown = snippets_on(show(shown=True, mm_text=text), "mlm_masking")
    assert set(shown) == set(lessons.code("mlm_masking"))
    assert all(repr(text) in one.core for id, one in shown.items() if id != "sentences")
