"""Every page in a real browser: as the first hit on a fresh server, in both languages, dark, and on a phone."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import expect

import lessons
from core.course import course

COURSE = [one.slug for one in course() if one.group == "course"]
PATHS = {"home": "/", **{one.slug: "/" + one.slug.replace("_", "-") for one in course()}}


def test_a_deep_link_as_the_first_hit(visit, fresh_server):
    """On a fresh server the frame must run before the page, or language, title and navigation are missing."""
    visitor = visit(fresh_server)
    visitor.open("/temperature?lang=zh")
    assert lessons.lesson("temperature", "zh").title in visitor.text()
    assert visitor.page.get_by_text("中文").first.is_visible()
    assert visitor.page.get_by_test_id("stSidebarNav").count() == 1
    visitor.must_be_clean()


@pytest.mark.parametrize("slug", PATHS)
@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_page_shows_its_lesson_and_a_picture(slug, language, server, visit):
    visitor = visit(server)
    visitor.open(f"{PATHS[slug]}?lang={language}")
    text = visitor.text()
    lesson = lessons.lesson(slug, language)
    assert lesson.title in text
    visitor.page.locator(".js-plotly-plot .main-svg, canvas").first.wait_for()
    if language == "en":
        assert not re.search(r"[一-鿿]", text)
    visitor.must_be_clean()


@pytest.mark.parametrize("slug", PATHS)
def test_a_page_fits_a_phone_in_the_dark(slug, server, visit):
    visitor = visit(server, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    page = visitor.open(PATHS[slug])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.must_be_clean()


def test_on_a_phone_the_legend_stands_below_the_buttons(server, visit):
    page = visit(server, viewport={"width": 390, "height": 844}).open("/")
    figure = page.locator(".js-plotly-plot").first
    legend, buttons = (figure.locator(part).bounding_box() for part in (".legend", ".modebar"))
    assert legend["y"] >= buttons["y"] + buttons["height"]


NONE_UNDER_THE_BUTTONS = """() => [...document.querySelectorAll(".js-plotly-plot:has(.modebar)")].every((figure) => {
  const buttons = figure.querySelector(".modebar").getBoundingClientRect();
  return [...figure.querySelectorAll(".legendtext")].every((entry) => {
    const box = entry.getBoundingClientRect();
    const beside = box.right <= buttons.left || box.left >= buttons.right;
    return !box.width || beside || box.top >= buttons.bottom || box.bottom <= buttons.top;
  });
})"""


@pytest.mark.parametrize(
    ("path", "width"),
    [
        ("/", 390),
        ("/temperature?lang=zh", 390),
        ("/temperature?lang=zh", 1280),
        ("/positional-encoding", 390),
        ("/positional-encoding", 1280),
        ("/what-to-match?lang=zh", 390),
        ("/experiments", 390),
    ],
)
def test_no_legend_lies_under_the_buttons(path, width, server, visit):
    visitor = visit(server, viewport={"width": width, "height": 844})
    visitor.open(path)
    page = visitor.read_on()
    page.locator(".js-plotly-plot .modebar").first.wait_for(state="attached")
    page.wait_for_function(
        NONE_UNDER_THE_BUTTONS
    )  # a figure that is being fitted to its column may be wrong for a moment


@pytest.mark.parametrize("slug", ["home", *COURSE, "worth_it"])
def test_every_figure_has_its_alternative_text(slug, server, visit):
    visitor = visit(server)
    visitor.open(PATHS[slug])
    page = visitor.read_on()
    told = "(figures) => figures.map((figure) => figure.getAttribute('aria-label') ?? '')"
    assert all(len(text) > 20 for text in page.locator('.distillery-figure[role="figure"]').evaluate_all(told))


@pytest.mark.parametrize("slug", COURSE)
def test_hostile_addresses_open_the_default(slug, server, visit):
    prefix = {
        "self_attention": "sa",
        "positional_encoding": "pe",
        "mlm_masking": "mm",
        "temperature": "tp",
        "layer_outputs": "lo",
    }
    names = [
        "layer",
        "head",
        "T",
        "temperature",
        "text",
        "token_masks",
        "length",
        "seed",
        "query",
        "model",
        "token_query",
    ]
    wrong = ["99", "nan", "-1", "<script>alert(1)</script>", "1e999", "%00", "9" * 40]
    for turn in range(3):  # each time another wrong value for each name
        values = itertools.cycle(wrong[turn * 2 :] + wrong[: turn * 2])
        visitor = visit(server)
        query = "&".join(f"{prefix[slug]}_{name}={next(values)}" for name in names if name != "text")
        visitor.open(f"{PATHS[slug]}?{query}&lang={next(values)}&teacher={next(values)}&device={next(values)}")
        assert lessons.lesson(slug, "en").title in visitor.text()
        visitor.must_be_clean()


def test_a_script_in_the_text_stays_text(server, visit):
    visitor = visit(server)
    dialogs: list[str] = []
    visitor.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    visitor.open("/?ho_text=%3Cscript%3Ealert(1)%3C/script%3E%20%3Cimg%20src=x%20onerror=alert(2)%3E%20[MASK]")
    assert not dialogs
    visitor.must_be_clean()


def test_the_language_switch_keeps_the_page(server, visit):
    visitor = visit(server)
    page = visitor.open("/self-attention")
    page.get_by_text("中文", exact=True).first.click()
    visitor.rest()
    assert lessons.lesson("self_attention", "zh").title in visitor.text()
    assert "lang=zh" in page.url


def test_home_answers_a_new_sentence(server, visit):
    visitor = visit(server)
    page = visitor.open("/")
    box = page.locator("textarea").first
    box.fill("They sailed across the [MASK].")
    box.press("Control+Enter")
    visitor.rest()
    assert "ho_text=They+sailed" in page.url
    fresh = visit(server)
    fresh.open(page.url.removeprefix(server.url))
    expect(fresh.page.locator("textarea").first).to_have_value("They sailed across the [MASK].")
    box.fill("")
    box.press("Control+Enter")
    visitor.rest()
    assert lessons.labels("home", "en")("errors.empty_text") in visitor.text()
    visitor.must_be_clean()
