"""What pages share about runs: whose they are, the buttons, the line that says how far one is, and the offer to go on."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.labs.distil.setup import Setup, begin
from core.runs.run import Run
from pages.kit.visitor import LOCAL

SETUP = Setup(depth=1, width=48, heads=2, texts=64, labels=32, steps=400, seeds=1, batch=8)
T = lessons.labels("distil", "en")


pytestmark = pytest.mark.usefixtures("at_home")


@pytest.fixture
def long_run(shop):
    """A run of the visitor on this machine that is at work for a while; deleted afterwards."""
    run = begin(SETUP.resolve(), "a *long* run", owner=LOCAL)
    yield run
    shop.delete(run.name)
    until(lambda: not any(worker.at_work for worker in shop._workers))


def until(true, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def script() -> None:
    from pages.kit import runs
    from pages.kit.page import Page

    page = Page("distil", "dl")
    runs.offer_interrupted(page)
    view = runs.current(page)

    def draw(now) -> None:
        runs.control_bar(page, now)
        runs.progress_line(page, now)

    if view is not None:
        runs.follow(page, view.name, draw)


def opened(**address: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    for key, value in {"lang": "en", **address}.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def line(app: AppTest) -> str:
    return "".join(part.text for part in app.get("progress"))


def button(app: AppTest, words: str):
    return next(one for one in app.button if one.label == T(f"runs.{words}"))


def test_a_run_is_paused_stepped_and_goes_on(shop, long_run):
    until(lambda: long_run.status().done > 2)
    app = opened()
    assert T("runs.states.running") in line(app) and "of 400 steps" in line(app) and "steps/s" in line(app)
    assert "CPU" in line(app) and "left" in line(app) and button(app, "step").disabled
    button(app, "pause").click().run()
    assert T("runs.states.pausing") in line(app) or T("runs.states.paused") in line(app)
    until(lambda: long_run.status().state == "paused")
    app.run()
    assert T("runs.states.paused") in line(app)
    done = long_run.status().done
    button(app, "step").click().run()
    until(lambda: long_run.status().state == "paused" and long_run.status().done == done + 1)
    app.run()
    button(app, "resume").click().run()
    until(lambda: long_run.status().done > done + 2)
    app.run()
    button(app, "stop").click().run()
    until(lambda: long_run.status().state == "stopped")
    app.run()
    assert T("runs.states.stopped") in line(app) and (long_run.student_folder("distilled") / "README.md").exists()


def test_one_who_waits_sees_the_place_and_the_wait(shop, long_run):
    until(lambda: long_run.status().state == "running")
    second = begin(SETUP.resolve(), "second", owner=LOCAL)
    app = opened(dl_run=second.name)
    assert re.search(r"place 1, begins in about (\d+ min )?\d+ s", line(app)), line(app)
    assert T("runs.states.queued") in line(app)
    button(app, "leave").click().run()
    assert shop.view(second.name).state == "paused"
    shop.delete(second.name)


def test_deleting_leaves_a_page_that_works(shop, long_run):
    app = opened(dl_run=long_run.name)
    button(app, "delete_yes").click().run()
    assert not app.exception and not long_run.folder.exists()
    assert "dl_run" not in app.query_params and not app.get("progress")


@pytest.mark.parametrize("name", ["gone", "../../etc", "<script>alert(1)</script>", "a/b", "x" * 900])
def test_a_name_that_leads_nowhere_is_said(shop, name):
    app = opened(dl_run=name)
    assert [error.value for error in app.error] == [T("errors.run_missing", name=name)]


def test_a_run_of_somebody_else_may_be_looked_at_only(shop, long_run, monkeypatch):
    monkeypatch.setattr("pages.kit.visitor.is_own_machine", lambda: False)
    app = opened(dl_run=long_run.name)
    assert T("runs.not_yours") in [caption.value for caption in app.caption] and not app.button
    assert "CPU" in line(app)
    assert not opened().get("progress")  # nor is it found without its name


def test_a_visitor_keeps_a_secret_that_makes_runs_theirs(monkeypatch):
    def whose() -> None:
        import streamlit as st

        from pages.kit.visitor import owner

        st.text(owner())

    monkeypatch.setattr("pages.kit.visitor.is_own_machine", lambda: False)
    first, second = (AppTest.from_function(whose).run() for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{32}", first.text[0].value) and first.text[0].value != second.text[0].value
    assert first.run().text[0].value == first.text[0].value
    monkeypatch.setattr("pages.kit.visitor.kept_cookie", lambda name: "ab" * 16)
    assert AppTest.from_function(whose).run().text[0].value == "ab" * 16
    monkeypatch.setattr("pages.kit.visitor.kept_cookie", lambda name: "<script>")
    assert re.fullmatch(r"[0-9a-f]{32}", AppTest.from_function(whose).run().text[0].value)


def test_what_the_servers_end_cut_off_is_offered(shop, long_run):
    until(lambda: long_run.status().done > 2)
    shop.pause(long_run.name)
    until(lambda: long_run.status().state == "paused")
    long_run.write_status(replace(long_run.status(), state="interrupted"))
    app = opened()
    assert T("runs.interrupted_lead", count=1) in [part.value for part in app.markdown]
    button(app, "resume").click().run()
    assert app.query_params["dl_run"] in (long_run.name, [long_run.name])
    until(lambda: Run(long_run.folder).status().state == "running")


def test_an_error_that_stopped_a_run_is_told_in_the_learners_language(shop, long_run):
    until(lambda: long_run.status().done > 2)
    shop.pause(long_run.name)
    until(lambda: long_run.status().state == "paused")
    details = {"arm": "distilled", "loss": "nan", "step": 3}
    long_run.write_status(replace(long_run.status(), state="failed", error={"code": "nan_loss", "details": details}))
    for language in lessons.LANGUAGES:
        t = lessons.labels("distil", language)
        app = opened(lang=language, dl_run=long_run.name)
        assert [error.value for error in app.error] == [t("errors.nan_loss", **details)]
        assert t("runs.states.failed") in line(app)
