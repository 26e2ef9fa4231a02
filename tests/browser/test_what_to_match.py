"""The layer-map board under a real pointer and a real keyboard, and the maps that are read together."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from playwright.sync_api import Page, expect

import lessons

T = lessons.labels("what_to_match", "en")
COST = re.compile(r"Your map .* costs ([0-9.]+)")


def board(visitor) -> Page:
    """The page, read down to the board."""
    visitor.open("/what-to-match")
    page = visitor.read_on()
    page.locator(".layer-board .handle").first.wait_for()
    page.locator(".layer-board").scroll_into_view_if_needed()
    return page


def cost(page: Page) -> float:
    return float(COST.search(page.get_by_text(COST).first.inner_text())[1])


def test_a_dragged_line_moves_the_map_and_its_cost(server, visit):
    visitor = visit(server)
    page = board(visitor)
    before = cost(page)
    line = page.locator(".layer-board .handle").nth(2).bounding_box()
    aim = page.locator(".layer-board .teacher").nth(5).bounding_box()
    page.mouse.move(line["x"] + line["width"] / 2, line["y"] + line["height"] / 2)
    page.mouse.down()
    page.mouse.move(aim["x"] - 40, aim["y"] + aim["height"] / 2, steps=6)
    # While the line is in hand, every layer of the teacher says what it would cost.
    expect(page.locator(".layer-board .teacher text").nth(5)).to_have_text(re.compile(r"^6 · [0-9.]+ ★$"))
    page.mouse.up()
    visitor.rest()
    assert "wm_map=1-2-6" in page.url and cost(page) < before
    fresh = visit(server)
    fresh.open(page.url.removeprefix(server.url))
    fresh.read_on()
    expect(fresh.page.locator(".layer-board .student").nth(2)).to_have_attribute("aria-valuenow", "6")
    visitor.must_be_clean()


def test_the_board_obeys_the_keyboard(server, visit):
    visitor = visit(server)
    page = board(visitor)
    first = page.locator(".layer-board .student").first
    first.focus()
    first.press("ArrowDown")
    expect(first).to_have_attribute("aria-valuenow", "2")
    visitor.rest()
    assert "wm_map=2-2-3" in page.url
    first = page.locator(".layer-board .student").first
    expect(first).to_be_focused()
    first.press("Delete")
    visitor.rest()
    assert "wm_map=0-2-3" in page.url
    expect(page.get_by_text(T("unpaired_note"))).to_be_visible()
    page.get_by_role("button", name=T("rules.uniform"), exact=True).click()
    visitor.rest()
    expect(page.locator(".layer-board .student").first).to_have_attribute("aria-valuenow", "2")
    assert "wm_map=2-4-6" in page.url
    visitor.must_be_clean()


def test_a_cell_is_read_in_all_maps_at_once(server, visit):
    visitor = visit(server)
    page = visitor.open("/what-to-match")
    wall = page.locator(".map-wall").first
    wall.locator("canvas").first.wait_for()
    wall.locator(".maps").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    readout = wall.locator(".readout")
    for name in (T("arms.teacher"), T("arms.distilled"), T("arms.control")):
        expect(readout).to_contain_text(re.compile(re.escape(name) + r" [0-9.]+"))
    visitor.must_be_clean()


def test_the_maps_can_be_saved_as_one_picture(server, visit):
    visitor = visit(server)
    page = visitor.open("/what-to-match?wm_text=cats+%26+%3Cb%3Edogs%3C/b%3E+run")
    wall = page.locator(".map-wall").first
    wall.locator("canvas").first.wait_for()
    wall.hover()
    with page.expect_download() as download:
        wall.get_by_role("button", name=re.compile("^SVG")).click()
    drawn = ElementTree.parse(download.value.path()).getroot()
    texts = [text for node in drawn.iter("{http://www.w3.org/2000/svg}text") if (text := node.text)]
    assert {T("arms.teacher"), T("arms.control"), "dogs", "[CLS]"} <= set(texts)
    visitor.must_be_clean()
