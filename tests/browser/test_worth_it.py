"""The report in a browser: it opens on the shipped pair, asks before it measures, and its file opens without a network."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

import lessons

T, ZH = (lessons.labels("worth_it", language) for language in ("en", "zh"))


def test_opens_on_a_report_and_measures_after_a_guess(server, visit):
    visitor = visit(server)
    page = visitor.open("/worth-it")
    expect(page.get_by_test_id("stMetricValue")).to_have_count(3)
    expect(page.locator(".distillery-figure .main-svg").first).to_be_visible()
    visitor.read_on()
    figures = page.locator(".distillery-figure").count()
    page.locator(".st-key-wi_guess_int8 label").filter(has_text="About the same.").click()
    page.locator(".st-key-wi_measure_again").wait_for()
    visitor.rest()
    expect(page.locator(".distillery-figure")).to_have_count(figures + 2)
    page.locator(".st-key-wi_batch").get_by_text("8", exact=True).click()
    visitor.rest()
    assert "wi_batch=8" in page.url
    visitor.must_be_clean()


def test_the_saved_report_opens_without_a_network(server, visit, chromium, tmp_path):
    visitor = visit(server)
    visitor.open("/worth-it?lang=zh")
    page = visitor.read_on()
    with page.expect_download() as download:
        page.get_by_role("button", name=ZH("save_html")).click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    with page.expect_download() as notebook:
        page.get_by_role("button", name=ZH("save_notebook")).click()
    written = json.loads(notebook.value.path().read_text(encoding="utf-8"))
    assert written["nbformat"] == 4 and ZH("notebook.lead") in "".join(written["cells"][0]["source"])

    context = chromium.new_context(offline=True)
    asked, errors = [], []
    alone = context.new_page()
    alone.on("request", lambda request: asked.append(request.url))
    alone.on("pageerror", lambda error: errors.append(str(error)))
    alone.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    alone.goto(file.as_uri())
    expect(alone.locator("figure .main-svg").first).to_be_visible()
    drawn = alone.locator("figure").count()
    assert drawn == 3 + 1 + 2 * 2 and alone.locator("figure:has(.main-svg)").count() == drawn
    assert [url for url in asked if not re.match(r"(file|data|blob):", url)] == [] and errors == []
    shown = alone.inner_text("body")
    assert (
        ZH("control") in shown
        and ZH("table.parameters") in shown
        and page.get_by_test_id("stMetricValue").first.inner_text() in shown
    )
    context.close()
    visitor.must_be_clean()
