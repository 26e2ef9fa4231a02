"""A small live distillation played through in a real browser, as a learner does."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from playwright.sync_api import expect

import lessons

T = lessons.labels("distil", "en")
SMALL = "dl_depth=1&dl_width=48&dl_texts=250&dl_labels=100&dl_steps=100&dl_seeds=1&dl_batch=8"
LONGER = SMALL.replace("dl_steps=100", "dl_steps=1000")
"""Some ten seconds on an idle machine: long enough to be seen at work."""
SOON, LATER = 30_000, 180_000
"""Milliseconds: for what is seen at once on an idle machine, and for training."""


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    """Runs of this test's own, in a folder that goes with it."""
    monkeypatch.setenv("DISTILLERY_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DISTILLERY_SANDBOX", "off")


def test_a_run_is_played_paused_finished_and_gone_back_through(fresh_server, visit):
    visitor = visit(fresh_server)
    page = visitor.open(f"/distil?lang=en&{LONGER}")
    play = page.locator(".st-key-dl_play button").first
    play.wait_for(timeout=LATER)
    expect(play).to_be_disabled()
    page.locator(".st-key-dl_guess button").first.click()
    expect(play).to_be_enabled(timeout=SOON)
    play.click()
    standing = page.locator('[data-testid="stProgress"]')
    expect(standing).to_contain_text(re.compile(r"steps/s"), timeout=LATER)
    losses = page.locator(".st-key-dl_figure_losses")
    losses.locator(".main-svg").first.wait_for(timeout=SOON)
    assert "dl_run=" in page.url
    expect(standing).to_be_in_viewport(timeout=SOON)  # the button was far below
    expect(losses).to_be_in_viewport(timeout=SOON)

    before = int(losses.locator(".distillery-figure").get_attribute("data-drawn"))
    figure = losses.locator(".distillery-figure")
    page.wait_for_function(
        "([node, drawn]) => Number(node.dataset.drawn) > drawn", arg=[figure.element_handle(), before], timeout=SOON
    )  # the curve moves without a touch
    page.get_by_role("button", name=T("runs.pause")).click()
    resume = page.get_by_role("button", name=T("runs.resume"), exact=False).first
    expect(standing).to_contain_text(re.compile(f"{T('runs.states.paused')}|{T('runs.states.finished')}"), timeout=SOON)
    if resume.is_enabled():
        page.wait_for_timeout(1000)  # the step that was under way when it was pressed is still told
        done = standing.inner_text()
        page.wait_for_timeout(1500)
        assert standing.inner_text() == done  # a paused run stands still, and so does its page
        resume.click()
    expect(standing).to_contain_text(T("runs.states.finished"), timeout=LATER)
    visitor.rest()
    assert re.search(r"accuracy|Distillation|teacher was worth it", visitor.text())

    thumb = page.locator(".st-key-dl_at input").first
    said = page.get_by_text(re.compile(r"^After step \d+"))
    last = said.inner_text()
    thumb.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    expect(said).not_to_have_text(last, timeout=SOON)
    assert "dl_at=" in page.url

    with page.expect_download(timeout=SOON) as download:
        page.locator(".st-key-dl_download button").first.click()
    names = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())).namelist()
    assert {"distilled-0/config.json", "distilled-0/model.safetensors", "distilled-0/README.md"} <= set(names)
    visitor.must_be_clean()


def test_a_link_to_a_run_at_work_opens_with_its_sentence_and_moves(fresh_server, visit):
    """The part that follows the run is drawn again only once the browser has put up its controls."""
    first = visit(fresh_server)
    page = first.open(f"/distil?lang=en&dl_guess=1&{LONGER}")
    page.locator(".st-key-dl_play button").first.click(timeout=LATER)
    expect(page.locator('[data-testid="stProgress"]')).to_contain_text("steps/s", timeout=LATER)
    for _ in range(3):
        guest = visit(fresh_server).open(page.url.removeprefix(fresh_server.url))
        standing = guest.locator('[data-testid="stProgress"]')
        expect(standing).to_be_visible(timeout=SOON)
        seen = standing.inner_text()
        if T("runs.states.finished") not in seen:
            expect(standing).not_to_have_text(seen, timeout=SOON)
        assert guest.get_by_role("textbox").first.input_value()


def test_closing_the_browser_stops_nothing(fresh_server, visit):
    first = visit(fresh_server)
    page = first.open(f"/distil?lang=en&dl_guess=1&{SMALL}")
    page.locator(".st-key-dl_play button").first.click(timeout=LATER)
    expect(page.locator('[data-testid="stProgress"]')).to_contain_text("steps/s", timeout=LATER)
    page.context.close()
    again = visit(fresh_server)
    page = again.open("/distil?lang=en")
    standing = page.locator('[data-testid="stProgress"]')
    ended = page.locator('[class*="st-key-dl_open_"] button')  # where a run is listed that came to its end meanwhile
    expect(standing.or_(ended).first).to_be_visible(timeout=SOON)
    if not standing.count():
        ended.first.click()
    expect(standing).to_contain_text(T("runs.states.finished"), timeout=LATER)
    again.must_be_clean()
