"""One experiment played through in the browser: guess, run, watch it grow, read the conclusion, come back to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

import lessons
from core.folders import FOLDER_VARIABLE


@pytest.fixture
def own_server(tmp_path, monkeypatch, request):
    """A server that keeps its runs in a folder of this test's own."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    return request.getfixturevalue("fresh_server")


def test_an_experiment_from_the_guess_to_the_shared_link(own_server, visit, tmp_path: Path):
    t = lessons.labels("experiments", "en")
    question = lessons.quiz("experiments", "en")["absent"]
    visitor = visit(own_server)
    page = visitor.open("/experiments?xp_which=absent")
    expect(page.locator(".distillery-figure").first).to_be_visible()  # before anything was pressed
    assert t("conclusion") not in visitor.text()
    page.get_by_text(question.choices[0].text).click()
    visitor.rest()
    expect(page.get_by_text(t("guess_kept"))).to_be_visible()
    page.get_by_role("button", name=t("run_it")).click()
    bar = page.locator('[data-testid="stProgress"]').first
    expect(bar).to_be_visible(timeout=30_000)
    expect(bar).to_contain_text(re.compile(r"[1-9]\d* of 600 steps"), timeout=60_000)
    expect(page.locator(".distillery-figure")).to_have_count(2)  # the curves grow beside the first picture
    expect(page.get_by_text(t("conclusion"), exact=True)).to_be_visible(timeout=300_000)
    visitor.rest()
    assert re.search(r"xp_runs_absent=[\w-]+", page.url)
    shown = visitor.text()
    assert "food" in shown.lower() and t("not_yet") in shown  # the other four
    visitor.must_be_clean()
    other = visit(own_server)
    other.open(page.url.removeprefix(own_server.url))
    expect(other.page.get_by_text(t("conclusion"), exact=True)).to_be_visible(timeout=30_000)
    other.must_be_clean()
