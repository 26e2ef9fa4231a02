"""What a learner does with mouse and keyboard, seen in the page and in its address."""

from __future__ import annotations

import csv
import io
import re

from playwright.sync_api import expect

import lessons


def test_a_click_on_a_small_map_opens_that_head(server, visit):
    visitor = visit(server)
    page = visitor.open("/self-attention")
    page.locator(".head-grid button").nth(12 * 2 + 4).click()  # the third layer's fifth head
    visitor.rest()
    assert "sa_layer=3" in page.url and "sa_head=5" in page.url
    fresh = visit(server)
    fresh.open(page.url.removeprefix(server.url))
    pressed = fresh.page.locator('.head-grid button[aria-pressed="true"], .head-grid button[aria-selected="true"]')
    expect(pressed).to_have_count(1)
    visitor.must_be_clean()


def test_clicked_words_are_hidden_and_kept_in_the_address(server, visit):
    visitor = visit(server)
    page = visitor.open("/mlm-masking")
    chips = page.locator(".token-picker").first.locator("button:not([disabled])")
    chips.nth(5).click()
    visitor.rest()
    assert "mm_token_masks=" in page.url
    before = page.url
    chips.nth(5).focus()
    page.keyboard.press("Enter")
    visitor.rest()
    assert page.url != before
    visitor.must_be_clean()


def test_the_temperature_moves_by_keyboard(server, visit):
    visitor = visit(server)
    page = visitor.open("/temperature")
    entropy = page.get_by_test_id("stMetricValue").first
    before = entropy.inner_text()
    page.locator(".st-key-tp_temp input").first.press("ArrowRight")
    expect(entropy).not_to_have_text(before)
    assert re.search(r"tp_temp=\d", page.url)
    visitor.must_be_clean()


def test_the_numbers_of_a_figure_are_a_table(server, visit):
    visitor = visit(server)
    page = visitor.open("/")
    with page.expect_download() as download:
        page.get_by_text(lessons.labels("home", "en")("numbers")).first.click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert rows[0] == ["Word", "Teacher", "Student"]
    assert all(0 <= float(value) <= 1 for row in rows[1:] for value in row[1:])


def test_a_guess_opens_the_result(server, visit):
    visitor = visit(server)
    visitor.open("/temperature")
    page = visitor.read_on()
    question = (
        page.locator('[data-testid="stRadio"]').filter(has_text=lessons.labels("temperature", "en")("predict")).first
    )
    figures = page.locator(".distillery-figure").count()
    question.locator("label").nth(1).click()
    visitor.rest()
    expect(page.get_by_text(re.compile("^Source: ")).first).to_be_visible()
    expect(page.locator(".distillery-figure").nth(figures)).to_be_attached()
    visitor.must_be_clean()


def test_bertviz_draws_without_the_network(server, visit):
    visitor = visit(server)
    visitor.open("/self-attention")
    page = visitor.read_on()
    t = lessons.labels("self_attention", "en")
    page.locator(".st-key-sa_bertviz").get_by_text(t("views.head"), exact=True).click()
    page.frame_locator("iframe").first.locator("svg").first.wait_for()
    visitor.must_be_clean()


def test_labs_come_when_the_reader_does(server, visit):
    visitor = visit(server)
    page = visitor.open("/positional-encoding")
    page.locator(".distillery-nearby").nth(1).wait_for(state="attached")
    figures = page.locator(".distillery-figure").count()
    visitor.read_on()
    assert page.locator(".distillery-figure").count() > figures
    visitor.must_be_clean()


def test_a_figure_is_redrawn_in_place_and_once(server, visit):
    visitor = visit(server)
    page = visitor.open("/temperature")
    slider = page.locator(".st-key-tp_temp input").first
    figure = page.locator(".distillery-figure").first
    figure.locator(".main-svg").first.wait_for()
    figure.evaluate("(node) => { node.kept = true; }")
    drawn = int(figure.get_attribute("data-drawn"))
    slider.focus()
    slider.press("ArrowRight")
    visitor.rest()
    page.wait_for_timeout(500)
    assert int(figure.get_attribute("data-drawn")) == drawn + 1
    assert figure.evaluate("(node) => node.kept")
    visitor.must_be_clean()
