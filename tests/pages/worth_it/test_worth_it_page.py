"""The report's page: the shipped pair, a learner's runs, bad ones, and what is saved, in both languages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.distill.objectives.objective import CONTROL, mixture
from core.distill.training import TrainingConfig
from core.folders import FOLDER_VARIABLE, runs_folder
from core.labs.worth_it import costs, sources
from core.measure import label_budgets as kinds_experiment
from core.models import catalog
from core.runs.datasets import TEACHER, kinds_material
from core.runs.index import open_run
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.process.session import Session
from core.runs.run import Run
from tests.pages.reading import FRAME, errors, open_page, text_of

INSTALLED = {card.name for card in catalog()}
pytestmark = pytest.mark.skipif(not {"kinds-teacher", "kinds-student"} <= INSTALLED, reason="the pair is not installed")
ME = "0" * 32
TITLE = "<script>alert(1)</script> **$x$** `t`"


@pytest.fixture(scope="module", autouse=True)
def runs(tmp_path_factory):
    """A folder of runs: finished, of one seed, unfinished, failed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("data")))
        folder = runs_folder()
        student = StudentPlan(depth=1, width=32, heads=2)
        arms = {"distilled": ArmPlan(student, mixture(0.9, 2.0)), "control": ArmPlan(student, CONTROL)}
        made = {"kind": "kinds", "texts": 48, "labels": 24, "held_out": 30}
        extra = {"page": "distil", "material": made}
        material = kinds_material(48, 24, 30)
        several = {
            "a b": arms["distilled"],
            "lonely": ArmPlan(student, mixture(1.0, 4.0)),
            "labels only": arms["control"],
        }

        def make(name, steps=None, owner=ME, **changes):
            plan = RunPlan(
                TITLE, "single_label", (TEACHER,), arms, TrainingConfig(steps=2), (0, 1, 2), 2, 1, extra=extra
            )
            texts = (material.texts, material.held_out, material.logits, material.held_out_logits)
            run = Run.create(folder / name, replace(plan, **changes), *texts)
            Session(run).train(steps=steps)
            run.write_status(replace(run.status(), owner=owner, submitted=1.7e9))

        make("mine")
        make("one-seed", seeds=(5,))
        make("several", arms=several, seeds=(0, 1))
        make("unfinished", steps=1)
        make("failed", training=TrainingConfig(steps=4, learning_rate=1e30))
        make("theirs", owner="somebody")
        yield folder


def show(again: int = 0, **parameters: str) -> AppTest:
    """The page at an address, for the owner of the runs.

    Args:
        again: how often "Measure again" was pressed.
    """
    return open_page("worth_it", session={"wi_again": again, "_owner": ME}, seconds=180, **parameters)


def guess(app: AppTest) -> AppTest:
    app.radio(key="wi_guess_int8").set_value(1).run()
    assert not app.exception, [(error.value, error.stack_trace) for error in app.exception]
    return app


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_opens_on_the_shipped_pair_with_a_verdict_and_live_costs(language, figures):
    app = show(lang=language)
    t, report = lessons.labels("worth_it", language), sources.shipped()
    inside = report.compare("distilled").interval
    assert report.compare("distilled").verdict == "better"
    (verdict,) = [box.value for box in app.success if "**" in box.value]
    assert f"{100 * inside.mean:+.1f}" in verdict and f"{100 * inside.low:+.1f}" in verdict
    assert t("verdict.seeds", count=inside.count) in verdict and t("verdict.accuracy") in verdict
    shown = {metric.label: metric.value for metric in app.metric}
    for whose, one in {"teacher": report.teacher, **report.arms}.items():
        assert shown[f"{t(whose)} · {t('measures.accuracy')}"] == f"{one.mean('accuracy'):.1%}"
    before = len(figures(app))
    guess(app)
    found = costs.costs(report, "distilled")
    table = app.dataframe[0].value
    assert list(table[t("table.model")]) == [t("teacher"), t("distilled")]
    assert list(table[t("table.one")]) == [f"{found.of(a).latency[1].median:.2f}" for a in ("teacher", "distilled")]
    deal = found.trade(report, "distilled", 1)
    assert f"**{deal.faster:.1f}" in text_of(app) or deal.verdict == "slow"
    factor, clear = found.int8_speed("distilled", 1)
    assert t(f"int8.{clear}", batch=1, name=t("distilled"), factor=factor) in text_of(app)
    assert len(figures(app)) == before + 2
    if kinds_experiment.stored():
        assert report.arms["control"].mean("ece") > 0 and len(report.arms["control"].seeds) > 1
    assert not errors(app)


def test_the_guess_is_marked_by_what_was_measured():
    app = guess(show())
    quiz = lessons.quiz("worth_it", "en")["int8"]
    clear = costs.costs(sources.shipped(), "distilled").int8_speed("distilled", 1)[1]
    right = {"faster": 0, "same": 1, "slower": 2}[clear]
    assert quiz.choices[right].why in text_of(app)


def test_the_batch_changes_what_is_said():
    app = guess(show())
    app.button_group(key="wi_batch").set_value(8).run()
    found, t = costs.costs(sources.shipped(), "distilled"), lessons.labels("worth_it", "en")
    factor, clear = found.int8_speed("teacher", 8)
    assert t(f"int8.{clear}", batch=8, name=t("teacher"), factor=factor) in text_of(app)
    assert app.query_params["wi_batch"] in ("8", ["8"])


def test_where_there_is_no_int8_the_rest_is_measured(monkeypatch):
    monkeypatch.setattr("core.measure.int8.available", lambda: False)
    app = guess(show(again=50))
    t = lessons.labels("worth_it", "en")
    assert t("no_int8", device="CPU") in text_of(app) and t("table.one_int8") not in app.dataframe[0].value
    assert t("table.one") in app.dataframe[0].value and not errors(app)


def test_measuring_again_gives_new_times():
    app = guess(show())
    before = costs.costs(sources.shipped(), "distilled")
    app.button(key="wi_measure_again").click().run()
    after = costs.costs(sources.shipped(), "distilled", again=app.session_state["wi_again"])
    assert after is not before and after.at >= before.at
    shown = list(app.dataframe[0].value[lessons.labels("worth_it", "en")("table.one")])
    assert shown[0] == f"{after.of('teacher').latency[1].median:.2f}"


def test_the_measures_are_drawn(figures):
    app = show(wi_measure="ece")
    drawn = figures(app)[0]
    assert lessons.labels("worth_it", "en")("measures.ece") in drawn.alt
    assert f"{sources.shipped().arms['control'].mean('ece'):.3f}" in drawn.alt


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_run_out_of_the_address(language):
    app = guess(show(lang=language, wi_run="mine"))
    t, report = lessons.labels("worth_it", language), sources.of_run(open_run("mine"))
    shown = {metric.label: metric.value for metric in app.metric}
    label = f"{t('distilled')} · {t('measures.accuracy')}"
    assert shown[label] == f"{report.arms['distilled'].mean('accuracy'):.1%}"
    assert t("made_of", **report.facts) in text_of(app)
    assert lessons.lesson("distil", language).title in text_of(app)
    assert app.selectbox(key="wi_run").value == "mine"
    assert app.selectbox(key="wi_run").options[1:] and not errors(app)
    assert f"`` {TITLE} ``" in text_of(app)  # the title in a code span, which shows it as it is


def test_only_ones_own_finished_runs_are_offered_and_choosing_one_opens_it():
    app = show()
    assert len(app.selectbox(key="wi_run").options) == 1 + 3  # the shipped pair, "mine", "one-seed" and "several"
    app.selectbox(key="wi_run").set_value("one-seed").run()
    assert not app.exception and app.query_params["wi_run"] in ("one-seed", ["one-seed"])
    assert lessons.labels("worth_it", "en")("note.one_seed") in text_of(app)
    assert "over the 30 texts" in text_of(app)


def test_somebody_elses_run_opens_by_its_name():
    app = show(wi_run="theirs")
    assert app.selectbox(key="wi_run").value == "theirs" and not errors(app)


def test_one_of_several_students_is_chosen():
    app = show(wi_run="several")
    t = lessons.labels("worth_it", "en")
    shown = [metric.label for metric in app.metric]
    assert f"{t('taught_arm', arm='a b')} · {t('measures.accuracy')}" in shown
    assert f"{t('control_arm', arm='labels only')} · {t('measures.accuracy')}" in shown
    app.button_group(key="wi_arm").set_value("lonely").run()
    assert f"{t('taught_arm', arm='lonely')} · {t('measures.accuracy')}" in [metric.label for metric in app.metric]
    assert not app.exception and not errors(app)


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_bad_runs_are_explained_and_the_page_goes_on(language):
    t = lessons.labels("worth_it", language)
    for name, said in (
        ("unfinished", t("errors.run_unfinished", name="unfinished", done=1, steps=6)),
        ("gone", t("errors.run_missing", name="gone")),
        ("../../etc", t("errors.run_missing", name="../../etc")),
    ):
        app = show(lang=language, wi_run=name)
        assert said in errors(app) and app.metric, name
    app = show(lang=language, wi_run="failed")
    stopped = open_run("failed").status().lab_error
    assert errors(app) == [t("errors.nan_loss", **stopped.details)]
    assert t("instead") in text_of(app) and app.metric


@pytest.mark.parametrize("value", ["nan", "-1", "<script>alert(1)</script>", "99999", "~", "a" * 2000])
def test_hostile_addresses_fall_back(value):
    app = show(wi_run=value, wi_measure=value, wi_batch=value, wi_arm=value)
    t = lessons.labels("worth_it", "en")
    assert app.button_group(key="wi_measure").value == "accuracy" and app.metric
    assert errors(app) == [t("errors.run_missing", name=value)]


def test_without_the_pair_the_page_says_so(monkeypatch):
    monkeypatch.setattr(sources, "card", lambda name: None)
    app = show()
    t = lessons.labels("worth_it", "en")
    assert t("errors.missing_pair", role="teacher") in [info.value for info in app.info] and not errors(app)


def test_the_code_on_the_page_is_for_its_report(snippets_on, printed_by):
    (shown,) = snippets_on(show(wi_run="mine"), "worth_it").values()
    assert "open_run('mine')" in shown.core and "teacher" in printed_by(shown.core)
    assert set(snippets_on(show(), "worth_it")) == {"report"}


SAVE = """
import sys
sys.path.insert(0, {root!r})
import streamlit as st
from core.labs.worth_it import costs as worth_it_costs
from core.labs.worth_it import sources as worth_it_sources
from core.runs.index import open_run
from pages.kit.page import Page
from pages.worth_it import download as take

page = Page("worth_it", "wi")
run = open_run("mine")
report = worth_it_sources.of_run(run)
found = worth_it_costs.costs(report, "distilled")
st.session_state["html"] = take.html(page, report, "distilled", found)
st.session_state["notebook"] = take.notebook(page, report, run.written_plan)
"""


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_what_is_saved_holds_the_report_in_the_learners_language(language):
    app = AppTest.from_string(SAVE.format(root=str(Path(FRAME).parents[1])), default_timeout=120)
    app.session_state["lang"] = language
    app.run()
    assert not app.exception, app.exception
    html, t = app.session_state["html"], lessons.labels("worth_it", language)
    report = sources.of_run(open_run("mine"))
    assert f"{report.arms['distilled'].mean('accuracy'):.1%}" in html and t("frontier_note").split(".")[0] in html
    assert lessons.lesson("worth_it", language)["costs"].title in html
    assert "<script>alert(1)" not in html and "&lt;script&gt;alert(1)" in html
    assert html.count("<figure") == 3 + 1 + 2 * 2
    cells = json.loads(app.session_state["notebook"])["cells"]
    assert t("notebook.lead") in "".join(cells[0]["source"])
    assert any("kinds_material(**" in "".join(cell["source"]) for cell in cells)
