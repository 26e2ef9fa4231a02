"""The expander with the code behind a result: two ways to it, and the source of the function that ran."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.source import source_of

TEXT = 'He said "{it}" \\ on the [MASK]\n$text 🙂'


def draw(language: str = "en", text: str = TEXT) -> AppTest:
    def app(language: str, text: str) -> None:
        import streamlit as st

        from pages.kit.page import Page

        st.query_params["lang"] = language
        Page("home", "ho").code("predictions", text=text)
        Page("temperature", "tp").code("experiment", measure="ece")

    return AppTest.from_function(app, kwargs={"language": language, "text": text}, default_timeout=90).run()


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_the_two_ways_and_the_function_are_tabs(language):
    at, t = draw(language), lessons.labels("common", language)
    assert not at.exception
    assert [expander.label for expander in at.expander] == [t("reproduce")] * 2
    assert [tab.label for tab in at.tabs] == [t("code_plain"), t("code_core"), t("code_function")]
    plain, core, function, alone = (block.value for block in at.code)
    assert plain.startswith("import torch") and "Engine()" in core and "label_budgets" in alone
    assert function.strip() == source_of("core.theory.temperature:soften").strip()
    assert "`core.theory.temperature.soften`" in [caption.value for caption in at.caption]


def test_the_text_and_the_models_of_the_setting_fill_the_blanks():
    plain, core, *_ = (block.value for block in draw().code)
    assert f"text = {TEXT!r}" in plain and repr(TEXT) in core
    assert "('assets/models/minilm-teacher', 'assets/models/minilm-student')" in plain
    assert "Setting('minilm-teacher', 'minilm-student')" in core


def test_a_folded_expander_writes_no_code_and_an_unfolded_one_does(monkeypatch):
    monkeypatch.setattr("pages.kit.page.CODE_WAITS", True)
    at = draw()
    assert len(at.expander) == 2 and not at.code
    at.session_state["ho_code_predictions"] = True
    at.run()
    assert [bool("import torch" in block.value or "Engine()" in block.value) for block in at.code][:2] == [True, True]
