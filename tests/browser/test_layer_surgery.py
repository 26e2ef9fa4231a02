"""Layer surgery in a real browser: a click on the board moves the numbers, and the remainder goes on to Distil."""

from __future__ import annotations

import re

from playwright.sync_api import expect

import lessons

LABELS = lessons.labels("layer_surgery", "en")


def test_a_layer_comes_off_and_the_remainder_goes_to_distil(server, visit):
    visitor = visit(server)
    page = visitor.open("/layer-surgery")
    loss = page.get_by_test_id("stMetric").filter(has_text=LABELS("metric.loss")).get_by_test_id("stMetricValue")
    size = page.get_by_test_id("stMetric").filter(has_text=LABELS("metric.megabytes")).get_by_test_id("stMetricValue")
    whole_loss, whole_size = loss.inner_text(), float(size.inner_text())
    expect(page.get_by_text(LABELS("to_distil"))).to_have_count(0)

    switches = page.locator(".surgery-board button[role=switch]")
    expect(switches).to_have_count(6)
    switches.nth(5).click()
    expect(switches.nth(5)).to_have_attribute("aria-checked", "false")  # at once, before Python has answered
    expect(loss).not_to_have_text(whole_loss, timeout=20_000)
    visitor.rest()
    assert float(size.inner_text()) < whole_size and "ls_kept=1-2-3-4-5" in page.url

    cells = page.locator(".surgery-board .cell")
    one_layer_less = loss.inner_text()
    cells.nth(3).focus()
    page.keyboard.press("Enter")
    expect(cells.nth(3)).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("ArrowRight")
    expect(cells.nth(4)).to_be_focused()
    for head in (4, 5, 6):  # a single head may cost less than the two decimals that are shown
        cells.nth(head).click()
        expect(cells.nth(head)).to_have_attribute("aria-pressed", "false")
    expect(loss).not_to_have_text(one_layer_less, timeout=20_000)
    cells.nth(12 * 5).click(force=True)  # a head of the layer that is gone: nothing to switch
    visitor.rest()
    assert "ls_heads_off=1.4-1.5-1.6-1.7" in page.url and "-6.1" not in page.url

    page.get_by_text(LABELS("to_distil")).click()
    expect(page.get_by_role("heading", name=lessons.lesson("distil", "en").title, exact=True)).to_be_visible()
    visitor.rest()
    assert re.search(r"dl_kept=1-2-3-4-5\b", page.url) and "dl_heads_off=1.4-1.5-1.6-1.7" in page.url
    visitor.must_be_clean()


def test_a_link_puts_the_same_cut_on_the_table(server, visit):
    visitor = visit(server)
    page = visitor.open("/layer-surgery?ls_model=minilm-student&ls_kept=1-3&ls_heads_off=3.5")
    switches = page.locator(".surgery-board button[role=switch]")
    expect(switches).to_have_count(3)
    assert [one.get_attribute("aria-checked") for one in switches.all()] == ["true", "false", "true"]
    expect(page.locator(".surgery-board .cell.off")).to_have_count(1)
    page.get_by_role("button", name=LABELS("preset_whole")).click()
    expect(page.locator('.surgery-board button[aria-checked="false"]')).to_have_count(0)
    visitor.rest()
    assert "ls_kept" not in page.url and "ls_heads_off" not in page.url
    visitor.must_be_clean()


def test_the_sweeps_show_their_progress_and_end(server, visit):
    visitor = visit(server)
    page = visitor.open("/layer-surgery?ls_model=minilm-student")
    page.get_by_role("heading", name=lessons.lesson("layer_surgery", "en")["heads"].title).scroll_into_view_if_needed()
    visitor.read_on()
    expect(page.locator(".head-grid .tile")).to_have_count(36, timeout=120_000)
    visitor.rest()
    expect(page.get_by_test_id("stProgress")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^content_cut.*Switch these|^Switch these")).click()
    expect(page.locator(".surgery-board .cell.off").first).to_be_attached(timeout=20_000)
    visitor.must_be_clean()
