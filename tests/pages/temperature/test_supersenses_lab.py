"""The kinds on the temperature page: live soft labels, two maps, the stored experiment, in both languages."""

from __future__ import annotations

import pytest

import lessons
from core.charts.figures import percent
from core.data.kinds import FOLDER, RESULTS
from core.engine import ENGINE, default_setting
from core.labs.temperature import supersenses as kinds
from core.measure import label_budgets as kinds_experiment
from core.models import catalog
from tests.pages.reading import errors, metrics, open_page, text_of

OPENING = lessons.table("temperature", "definitions")[0]["text"]
INSTALLED = {card.name for card in catalog()}
pytestmark = pytest.mark.skipif(not {"kinds-teacher", "kinds-student"} <= INSTALLED, reason="the pair is not installed")
stored = pytest.mark.skipif(not (FOLDER / RESULTS).exists(), reason="the experiment is not stored")


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_opens_on_a_live_soft_label(language):
    app = open_page("temperature", lang=language)
    t = lessons.labels("temperature", language)
    seen = kinds.view(kinds.verdict(ENGINE, default_setting(), OPENING), 1)
    words = t.group("kinds")
    shares = [percent(float(share)) for share in seen.teacher[:3]]
    first, second, third = (words[kind] for kind in seen.order[:3])
    said = t("soft_says", first=first, p=shares[0], second=second, q=shares[1], third=third, r=shares[2])
    assert said in text_of(app)
    assert metrics(app)[t("effective_kinds")] == f"{seen.effective:.2f}"
    found = kinds.similarity(2)
    assert words[found.pair[0]] in text_of(app) and percent(found.pair[2]) in text_of(app)
    assert not errors(app)


def test_temperature_and_text_move_the_soft_label():
    app = open_page("temperature", tp_kind_temp="8", tp_definition="a small animal kept in the house")
    seen = kinds.view(kinds.verdict(ENGINE, default_setting(), "a small animal kept in the house"), 8)
    shown = metrics(app)
    t = lessons.labels("temperature", "en")
    assert shown[t("effective_kinds")] == f"{seen.effective:.2f}"
    assert shown[t("dark_kinds")] == percent(seen.dark) and shown[t("dark_at_one")] == percent(seen.dark_before)
    app.select_slider(key="tp_kind_temp").set_value(1).run()
    assert metrics(app)[t("dark_kinds")] == metrics(app)[t("dark_at_one")] == percent(seen.dark_before)


def test_both_maps():
    app = open_page("temperature")
    app.button_group(key="tp_map").set_value("confusion").run()
    found = kinds.confusion()
    assert percent(found.accuracy) in text_of(app)
    assert f"**{percent(found.pair[2])}** of the definitions of a kind **{found.pair[0]}**" in text_of(app)
    assert not app.exception


@stored
def test_the_experiment_waits_for_a_guess_and_then_says_both_sides():
    app = open_page("temperature")
    key = next(radio.key for radio in app.radio if "guess_worth" in str(radio.key))
    assert "95% t interval" not in text_of(app)
    right = kinds_experiment.size_of(kinds_experiment.experiment("accuracy").at(1000)[2])
    app.radio(key=key).set_value(right).run()
    shown = text_of(app)
    found = kinds_experiment.experiment("accuracy")
    for arm, gain in zip(found.alone, found.gains, strict=True):
        assert f"**{arm.labels:,} labels.**" in shown and f"{100 * gain.mean:+.1f} percentage points" in shown
    app.button_group(key="tp_measure").set_value("ece").run()
    for gain in kinds_experiment.experiment("ece").gains:
        assert f"calibration error (ECE) over 5 random seeds is {gain.mean:+.3f}" in text_of(app)
    app.button_group(key="tp_budget").set_value(250).run()
    assert f"**{kinds_experiment.reliability_of(250, None).ece:.3f}** without a teacher" in text_of(app)
    assert not app.exception and not errors(app)


@pytest.mark.parametrize("value", ["nan", "-1", "<script>alert(1)</script>", "99999"])
def test_hostile_addresses_fall_back(value):
    app = open_page(
        "temperature", tp_kind_temp=value, tp_map=value, tp_map_temp=value, tp_measure=value, tp_budget=value
    )
    assert app.select_slider(key="tp_kind_temp").value == 1 and app.button_group(key="tp_map").value == "similarity"
    assert not errors(app)


@pytest.mark.parametrize("text", ["", "   ", "🍅", "番茄是一种水果", "**$x$** `a` <b>b</b>", "word " * 5000])
def test_odd_definitions_get_an_answer_or_a_sentence(text):
    app = open_page("temperature")
    app.text_area(key="tp_definition").set_value(text).run()
    assert not app.exception
    t = lessons.labels("temperature", "en")
    if text.strip():
        assert t("effective_kinds") in metrics(app) and not errors(app)
    else:
        assert errors(app) == [t("errors.empty_text")]


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_missing_model_hides_the_lab_and_says_so(monkeypatch, language):
    monkeypatch.setattr("core.engine.catalog", lambda: [card for card in catalog() if card.task != "kinds"])
    app = open_page("temperature", lang=language)
    t = lessons.labels("temperature", language)
    assert t("errors.missing_pair", role="teacher") in [info.value for info in app.info] and not errors(app)
    assert t("effective_kinds") not in metrics(app)


def test_a_classifier_as_teacher_is_told_apart_from_a_model_of_words():
    """Where words are asked for, a classifier is refused in a sentence; the kinds still work."""
    app = open_page("temperature", teacher="kinds-teacher")
    t = lessons.labels("temperature", "en")
    assert t("errors.no_vocabulary_head", name="kinds-teacher") in errors(app)
    assert t("effective_kinds") in metrics(app)


@stored
def test_the_code_of_each_lab_is_shown(snippets_on):
    app = open_page("temperature")
    app.toggle(key=next(toggle.key for toggle in app.toggle if "guess_worth" in str(toggle.key))).set_value(True).run()
    assert set(snippets_on(app, "temperature")) >= {"verdict", "similarity", "experiment"}
    assert "confusion" in snippets_on(open_page("temperature", tp_map="confusion"), "temperature")
