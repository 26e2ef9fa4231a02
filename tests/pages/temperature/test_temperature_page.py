"""The temperature page as Streamlit runs it: its numbers, both languages, its address, and what learners may type."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.data.kinds import FOLDER, RESULTS
from core.engine import ENGINE, default_setting
from core.labs import masked_words as predictions
from core.labs.temperature import gradients, losses
from core.labs.temperature import soft_labels as study
from core.models import catalog
from tests.pages.reading import metrics, open_page, text_of

EXAMPLES = lessons.examples("temperature")

# What the labs on the kinds add, see test_temperature_kinds.py: a map, bars where the pair is installed, and behind a guess
# three figures of the stored experiment.
OPEN = 1 + any(card.name == "kinds-student" for card in catalog())
GUESSED = 3 * (FOLDER / RESULTS).exists()


def gap_of(text: str, which: int = 0, truth: str | None = None) -> study.MaskedPosition:
    setting = default_setting()
    tokens = ENGINE.tokens(setting, setting.teacher, text)
    position = predictions.masked_positions(ENGINE, setting, setting.teacher, tokens)[which]
    gap = study.open_gap(ENGINE, setting, text, position)
    return study.with_truth(ENGINE, setting, gap, truth) if truth else gap


@pytest.fixture(scope="module")
def gap() -> study.MaskedPosition:
    return gap_of(EXAMPLES[0]["text"], truth=EXAMPLES[0]["truth"][0])


def skip_guesses(app: AppTest) -> AppTest:
    """Switches every "Just show me" on."""
    for toggle in [toggle for toggle in app.toggle if toggle.key.endswith("_skip")]:
        toggle.set_value(True)
    app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


@pytest.mark.parametrize(("language", "soft"), [("en", "Soft loss"), ("zh", "软损失")])
def test_opens_with_live_numbers(gap, language, soft, figures):
    app = open_page("temperature", lang=language)
    lesson = lessons.lesson("temperature", language)
    assert app.title[0].value == lesson.title
    t = lessons.labels("temperature", language)
    label, found = study.soft_label(gap.teacher, 2), losses.losses(gap, 2)
    shown = metrics(app)
    assert shown[t("entropy")] == f"{label.entropy:.2f}" and shown[t("kept")] == "30,522"
    assert shown[t("dark")] == f"{label.dark:.2%}"
    assert shown[soft] == f"{found.soft:.4g}" and shown[t("hard_loss")] == f"{found.hard:.4g}"
    assert f"{label.tail:.1%}" in text_of(app)
    assert all(section.body in text_of(app) for key, section in lesson.sections.items() if key != "derivation")
    assert len(figures(app)) == 5 + OPEN  # the rest waits for a guess
    assert not app.error


def test_the_temperature_moves_everything_at_once(gap):
    app = open_page("temperature")
    app.select_slider(key="tp_temp").set_value(8).run()
    assert metrics(app)["Entropy, nats"] == f"{study.soft_label(gap.teacher, 8).entropy:.2f}"
    assert app.query_params["tp_temp"] in ("8", ["8"])
    app.select_slider(key="tp_temp").set_value(0.25).run()
    cold = float(metrics(app)["Entropy, nats"])
    assert cold == pytest.approx(study.soft_label(gap.teacher, 0.25).entropy, abs=0.006)
    assert cold < study.soft_label(gap.teacher, 1).entropy / 2
    assert metrics(app)["Soft loss"] == f"{losses.losses(gap, 2).soft:.4g}"  # another lab, another slider


def test_every_choice_changes_the_loss(gap):
    app = open_page("temperature")
    before = metrics(app)["Soft loss"]
    app.toggle(key="tp_square").set_value(False).run()
    assert metrics(app)["Soft loss"] == f"{losses.losses(gap, 2, scaled=False).soft:.4g}" != before
    assert lessons.labels("temperature", "en")("square_off") in text_of(app)
    app.slider(key="tp_weight").set_value(1.0).run()
    assert metrics(app)["Mixed loss"] == metrics(app)["Soft loss"]
    app.session_state["tp_direction"] = "reverse"
    app.run()
    assert metrics(app)["Soft loss"] == f"{losses.losses(gap, 2, 1, 'reverse', False).soft:.4g}"
    app.session_state["tp_reduction"] = "mean"
    app.run()
    assert float(metrics(app)["Soft loss"]) == pytest.approx(
        losses.losses(gap, 2, 1, "reverse", False, "mean").soft, rel=0.05
    )
    assert any("tfrac" in latex.value for latex in app.latex)


def test_the_table_holds_ten_codebases(gap):
    app = open_page("temperature", tp_loss_temp="4")
    table = app.dataframe[0].value
    assert len(table) == 10 and table["T²"].sum() == 6
    row = table[table["Code"] == "DistilBERT"].iloc[0]
    assert row["Prints (soft)"] == f"{losses.losses(gap, 4).soft:.4g}"
    assert float(table[table["Code"] == "PKD"].iloc[0]["Prints (soft)"]) < 1e-3
    assert open_page("temperature", lang="zh").dataframe[0].value.columns[0] == "代码库"


def test_the_riddle_is_asked_about_this_sentence(gap, figures):
    asked = gradients.riddle(gap, 2)
    app = open_page("temperature")
    radio = next(radio for radio in app.radio if "tp_guess_riddle" in radio.key)
    assert radio.options == [f"`{word}`" for word in gap.spell(asked.ids)]
    radio.set_value(radio.options.index(radio.options[asked.answer])).run()
    assert len(app.success) == 1 and f"{asked.teacher[asked.answer]:.3%}" in app.success[0].value
    assert len(figures(app)) == 7 + OPEN
    found = gradients.pushes(gap, 2)
    assert f"**{found.soft_up:,}**" in text_of(app)
    app.text_input(key="tp_token_truth").set_value("child").run()  # another question, asked anew
    assert not app.success and len(figures(app)) == 5 + OPEN


def test_all_results_after_the_guesses(gap, figures):
    app = skip_guesses(open_page("temperature"))
    assert len(figures(app)) == 9 + OPEN + GUESSED
    found = gradients.gradients(gap)
    assert f"**{found.slope_unscaled:.2f}**" in text_of(app)
    few = gradients.gradients(gap.only(10))
    app.session_state["tp_classes"] = 10
    app.run()
    assert f"**{few.slope_unscaled:.2f}**" in text_of(app) and f"**{few.centred[-1]:.3f}**" in text_of(app)


@pytest.mark.parametrize("mistake", ["unplugged", "bare_logits", "leak", "logits_as_labels"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_mistake_shows_its_consequence(gap, mistake, language, figures):
    app = skip_guesses(open_page("temperature", tp_snippet=mistake, lang=language))
    found = losses.consequence(gap, mistake)
    assert lessons.labels("temperature", language)(f"evidence.{mistake}", **found.numbers) in text_of(app)
    assert found.message in "\n".join(block.value for block in app.code)
    assert len(figures(app)) == (10 if mistake == "leak" else 9) + OPEN + GUESSED


def test_another_example_brings_its_own_true_word():
    app = open_page("temperature", tp_token_truth="hospital")
    last = EXAMPLES[-1]
    app.radio(key="_tp_text_example").set_value(last["text"]).run()
    assert not app.exception and not app.error
    assert (
        app.text_input(key="tp_token_truth").value == "" and app.text_input(key="tp_token_truth").placeholder == "dog"
    )
    app.session_state["tp_token_gap"] = 2
    app.run()
    assert app.text_input(key="tp_token_truth").placeholder == "cat"
    second = study.soft_label(gap_of(last["text"], 1).teacher, 2)
    assert metrics(app)["Entropy, nats"] == f"{second.entropy:.2f}"
    app.text_area(key="tp_text").set_value("The sky is [MASK].").run()  # the second gap is gone
    assert not app.exception and not app.error
    own = gap_of("The sky is [MASK].")
    assert app.text_input(key="tp_token_truth").placeholder == own.word(own.truth)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("word", ["playgroundsss", "🙂", "<script>alert(1)</script>", "$x$ *a* `b`"])
def test_a_word_outside_the_vocabulary_is_refused_in_words(word, language, figures):
    app = open_page("temperature", lang=language, tp_token_truth=word)
    expected = lessons.labels("temperature", language)("errors.not_one_token", word=word.replace("`", "'"))
    assert [error.value for error in app.error] == [expected]
    assert app.text_input(key="tp_token_truth").value == word  # nothing is lost
    assert len(figures(app)) == 5 + OPEN  # the example's word stands in


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_text"),
        (" \n\t\u200b", "empty_text"),
        ("word", "no_mask"),
        ("word " * 10_000 + "[MASK]", "no_mask"),
        ("<script>alert(1)</script>", "no_mask"),
        ("مرحبا بالعالم", "no_mask"),
    ],
)
def test_texts_without_a_gap_get_a_sentence(text, code, language):
    app = open_page("temperature", lang=language)
    app.text_area(key="tp_text").set_value(text).run()
    assert not app.exception
    assert [error.value for error in app.error] == [lessons.labels("temperature", language)(f"errors.{code}")]
    assert app.text_area(key="tp_text").value == text
    assert lessons.lesson("temperature", language)["sources"].body in text_of(app)


@pytest.mark.parametrize("text", ["[MASK]", "🙂 [MASK] 你好", "مرحبا [MASK]", "\x00\x07 a [MASK]", "$ * _ ` [MASK] ##"])
def test_odd_texts_with_a_gap_work(text, figures):
    app = open_page("temperature")
    app.text_area(key="tp_text").set_value(text).run()
    assert not app.exception and not app.error
    assert len(figures(skip_guesses(app))) >= 8


@pytest.mark.parametrize("value", ["99", "nan", "-1", "", "0", "1e400", "[]", "x" * 2000, "<b>", "9999", "None"])
def test_hostile_addresses_fall_back_to_the_start(gap, value):
    names = ("temp", "loss_temp", "push_temp", "weight", "direction", "reduction", "square", "push_square")
    names += ("classes", "snippet", "token_gap")
    app = open_page(
        "temperature", **{f"tp_{name}": value for name in names if not (value == "0" and name in ("square", "weight"))}
    )
    assert not app.error
    assert metrics(app)["Entropy, nats"] == f"{study.soft_label(gap.teacher, 2).entropy:.2f}"
    assert metrics(app)["Mixed loss"] == f"{losses.losses(gap, 2).mixed:.4g}"


def test_a_link_restores_the_page(gap):
    app = open_page(
        "temperature", tp_temp="6", tp_loss_temp="0.5", tp_weight="0.9", tp_direction="jsd", tp_token_truth="child"
    )
    truth = gap_of(EXAMPLES[0]["text"], truth="child")
    assert metrics(app)["Entropy, nats"] == f"{study.soft_label(gap.teacher, 6).entropy:.2f}"
    assert metrics(app)["Mixed loss"] == f"{losses.losses(truth, 0.5, 0.9, 'jsd').mixed:.4g}"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_model_as_teacher_and_student_says_so(language):
    name = default_setting().teacher
    app = skip_guesses(open_page("temperature", student=name, lang=language))
    notice = lessons.labels("temperature", language)("identical")
    assert [info.value for info in app.info].count(notice) == 3
    assert not app.error and "nan" not in text_of(app)


def test_reset_brings_the_start_back(gap):
    app = open_page(
        "temperature", tp_temp="8", tp_weight="0.9", tp_square="0", tp_token_truth="child", tp_text="A [MASK]."
    )
    next(button for button in app.button if button.key == "_reset_tp").click().run()
    assert metrics(app)["Entropy, nats"] == f"{study.soft_label(gap.teacher, 2).entropy:.2f}"
    assert metrics(app)["Mixed loss"] == f"{losses.losses(gap, 2).mixed:.4g}"


def test_the_code_gives_the_numbers_of_the_page(snippets_on, printed_by):
    shown = snippets_on(skip_guesses(open_page("temperature", tp_token_truth="child", tp_classes="10")), "temperature")
    assert set(shown) >= {"soft", "losses", "pushes", "gradients", "verdict"}  # four labs of words, one of kinds
    assert "topk(10)" in shown["gradients"].plain and "gap.only(10)" in shown["gradients"].core
    gap = gap_of(EXAMPLES[0]["text"], truth="child")
    for code in (shown["losses"].plain, shown["losses"].core):
        assert str(round(losses.losses(gap, 2).hard, 6))[:6] in printed_by(code)


def test_the_quiz_answers_each_choice():
    app = open_page("temperature")
    app.radio(key="tp_quiz_argmax").set_value(1).run()
    asked = lessons.quiz("temperature", "en")["argmax"]
    assert asked.choices[1].why in text_of(app) and asked.source in text_of(app)
    app.radio(key="tp_quiz_argmax").set_value(asked.answer).run()
    assert app.success[0].value == asked.choices[asked.answer].why
