"""How runs are begun on every page: the guess first, what it takes by the queue, an error where the buttons are."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.labs.what_to_match import plan as running
from pages.kit.visitor import LOCAL

T = lessons.labels("what_to_match", "en")


pytestmark = pytest.mark.usefixtures("at_home")


def script() -> None:
    import streamlit as st

    from core.errors import LabError
    from core.labs.what_to_match import plan as running
    from core.runs import datasets
    from pages.kit import start_run
    from pages.kit.page import Page
    from pages.kit.visitor import owner

    page = Page("what_to_match", "wm")
    plan = running.plan(running.Setup(steps=400, seeds=2), "long")
    before, may_skip = st.session_state.get("before"), st.session_state.get("may_skip", True)

    def begin(steps):
        if st.session_state.get("full"):
            raise LabError("no_space", folder="runs")
        return datasets.begin(plan, owner(), steps)

    private = st.session_state.get("private", False)
    guess, ready = start_run.guess(page, "guess_best", running.ARMS, private=private, before=before, may_skip=may_skip)
    st.session_state["said"] = guess, ready
    start_run.start(page, [plan] * st.session_state.get("count", 1), begin, ready=ready, note="A note.")


def opened(**state) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["lang"] = "en"
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def said(app: AppTest) -> tuple:
    return app.session_state["said"]


def takes(app: AppTest) -> str:
    return app.caption[-1].value


def test_the_buttons_wait_for_a_guess(shop):
    app = opened()
    assert said(app) == (None, False) and takes(app) == f"A note. {T('runs.guess_first')}"
    assert app.button(key="wm_play").disabled and app.button(key="wm_play_one").disabled
    app.button_group(key="wm_guess").set_value("minilm").run()
    assert said(app) == ("minilm", True) and app.query_params["wm_guess"] in ("minilm", ["minilm"])
    assert not app.button(key="wm_play").disabled and not app.button(key="wm_play_one").disabled


def test_who_does_not_want_to_guess_need_not(shop):
    app = opened()
    app.toggle(key="wm_guess_skip").set_value(True).run()
    assert said(app) == (None, True) and not app.button(key="wm_play").disabled
    assert not opened(may_skip=False).toggle  # nothing to be seen yet


def test_a_private_guess_is_not_part_of_a_link(shop):
    app = opened(private=True)
    app.radio(key="wm_guess").set_value("minilm").run()
    assert said(app) == ("minilm", True) and "wm_guess" not in app.query_params
    assert said(opened(private=True, before="logits")) == ("logits", True)


@pytest.mark.parametrize("before", ["minilm", "nobody", 7, True, None, ["minilm"]])
def test_an_earlier_guess_is_shown_if_it_is_one(shop, before):
    assert said(opened(before=before)) == (("minilm", True) if before == "minilm" else (None, False))


def test_what_it_takes_is_the_queues_estimate(shop):
    plan = running.plan(running.Setup(steps=400, seeds=2), "long").to_dict()
    shop._estimates.learn(plan, per_second=10.0)
    minutes, seconds = divmod(round(shop.estimate(plan)), 60)
    time = T("runs.minutes", minutes=minutes, seconds=seconds)
    assert minutes == 1 and takes(opened(before="logits")) == f"A note. {T('runs.takes', time=time)}"
    minutes, seconds = divmod(round(2 * shop.estimate(plan)), 60)
    time = T("runs.minutes", minutes=minutes, seconds=seconds)
    assert takes(opened(before="logits", count=2)) == f"A note. {T('runs.takes', time=time)}"


@pytest.mark.parametrize(("button", "steps"), [("wm_play", None), ("wm_play_one", 1)])
def test_a_button_begins_and_the_page_shows_what_was_begun(shop, button, steps, monkeypatch):
    asked = []
    monkeypatch.setattr(shop, "submit", lambda name, owner="", steps=None: asked.append((name, owner, steps)))
    app = opened(before="logits")
    app.button(key=button).click().run()
    assert not app.exception and not app.error
    name = app.query_params["wm_run"]
    assert asked == [(name if isinstance(name, str) else name[0], LOCAL, steps)]


def test_an_error_is_said_where_the_buttons_are(shop):
    app = opened(before="logits", full=True)
    app.button(key="wm_play").click().run()
    assert [error.value for error in app.error] == [T("errors.no_space", folder="runs")]
    assert "wm_run" not in app.query_params and not app.button(key="wm_play").disabled
    app.run()
    assert not app.error  # nothing is begun again by itself


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_the_lessons_say_it_in_the_same_words(language):
    for slug in ("distil", "what_to_match", "experiments"):
        t, common = lessons.labels(slug, language), lessons.labels("common", language)
        assert t("runs.takes", time="5 s") == common("runs.takes", time="5 s")
        assert not [key for key in ("start_note", "guess_first", "preparing", "another", "new_run") if key in t]
