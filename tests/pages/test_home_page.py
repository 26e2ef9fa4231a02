"""Home and the frame around it, in Streamlit's own test runner on the shipped models."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.engine import ENGINE, default_setting
from core.labs import masked_words as predictions
from tests.pages.reading import open_page, text_of


def open_home(**address: str) -> AppTest:
    return open_page("home", seconds=90, **address)


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_home_opens_in_both_languages(language, figures):
    at = open_home(lang=language)
    assert not at.exception
    lesson, t = lessons.lesson("home", language), lessons.labels("home", language)
    assert at.title[0].value == lesson.title
    assert lesson.lead in text_of(at)
    assert len(figures(at)) == 1
    for slug in ("self_attention", "distil", "experiments", "interview_study"):
        assert lessons.lesson(slug, language).lead in text_of(at), slug
    assert t("settings") in [expander.label for expander in at.sidebar.expander]
    setting = default_setting()
    assert setting.teacher in text_of(at.sidebar) and setting.student in text_of(at.sidebar)


def test_the_numbers_are_the_models(figures, snippets_on, printed_by):
    """What home says of the two models is what the engine computes, and what the code computes."""
    at = open_home(lang="en", ho_text="The dog wagged its [MASK].")
    setting = default_setting()
    teacher, student = (
        ENGINE.trace(setting, name, "The dog wagged its [MASK].") for name in (setting.teacher, setting.student)
    )
    position = predictions.masked_positions(ENGINE, setting, setting.teacher, teacher.tokens)[0]
    found = predictions.compare(ENGINE, setting, teacher, student, position)
    assert f"share {found.shared}." in text_of(at)
    chart = figures(at)[0].spec
    assert found.teacher_best[0].word in chart
    shown = snippets_on(at, "home")["predictions"]
    for code in (shown.plain, shown.core):
        assert repr(found.teacher_best[0].word) in printed_by(code)


@pytest.mark.parametrize(
    ("text", "code"), [("   ", "empty_text"), ("No gap here.", "no_mask"), ("\x00\u200b", "empty_text")]
)
@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_what_cannot_be_computed_is_said(text, code, language):
    at = open_home(lang=language, ho_text=text)
    assert not at.exception
    assert at.error[0].value == lessons.labels("home", language)(f"errors.{code}")
    assert at.text_area[0].value == text  # nothing typed is lost


@pytest.mark.parametrize(
    "text",
    [
        "[MASK] " + "word " * 10_000,
        "[MASK] 👑🎉",
        "مرحبا بالعالم [MASK]",
        "<script>alert(1)</script> [MASK]",
        "$x$ *a* [MASK] `b`",
    ],
)
def test_strange_texts_are_shown_and_computed(text, figures):
    at = open_home(lang="en")
    at.text_area[0].set_value(text).run()
    assert not at.exception and not at.error
    assert len(figures(at)) == 1
    if len(text) > 10_000:
        assert "10003 tokens" in text_of(at)


def test_foreign_words_are_counted():
    at = open_home(lang="en", ho_text="国王 喜欢 [MASK] 🎉🎉")
    assert "[UNK]" in at.warning[0].value


@pytest.mark.parametrize("wrong", ["nan", "-1", "../../etc", "<b>", "9" * 5000, ""])
def test_a_hostile_address_opens_the_default(wrong):
    at = open_home(lang=wrong, teacher=wrong, student=wrong, device=wrong, precision=wrong, image_format=wrong)
    assert not at.exception and not at.error
    assert default_setting().teacher in text_of(at.sidebar)


def test_the_address_chooses_models_and_precision():
    setting = default_setting()
    at = open_home(lang="en", teacher=setting.student, precision="bfloat16")
    assert not at.exception
    assert at.sidebar.selectbox(key="teacher").value == setting.student
    assert "bfloat16" in text_of(at.sidebar)


def test_a_broken_model_is_named_and_the_page_stays(monkeypatch, broken_folder):
    monkeypatch.setitem(ENGINE.__dict__, "_shelf", None)
    real = ENGINE.checkpoint

    def damaged(setting, name):
        return real(setting, str(broken_folder) if name == setting.student else name)

    monkeypatch.setattr(ENGINE, "checkpoint", damaged)
    at = open_home(lang="en", ho_text="The [MASK] is broken.")
    assert not at.exception
    assert "cannot be read" in at.error[0].value
    assert at.text_area[0].value == "The [MASK] is broken."
