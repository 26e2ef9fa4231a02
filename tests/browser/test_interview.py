"""The interview pages in a real browser: links into the labs, a line to click, progress that outlives the tab, phones."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import expect

import lessons
from lessons import interview
from lessons.interview.mistakes import mistakes

PAGES = ["interview-study", "interview-recall", "interview-mock", "interview-mistakes"]
BANK = interview.questions("en")
ONE_A_PAGE = {question.lab.slug: question for question in BANK.values() if question.lab.parameters}


@pytest.fixture(scope="session", autouse=True)
def own_progress(tmp_path_factory):
    """The server of these tests keeps its progress in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISTILLERY_DATA", str(tmp_path_factory.mktemp("progress")))
        yield


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_page_fits_a_phone_in_the_dark(path, language, server, visit):
    visitor = visit(server, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    page = visitor.open(f"/{path}?lang={language}")
    assert lessons.lesson(path.replace("-", "_"), language).title in visitor.text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.must_be_clean()


@pytest.mark.parametrize("slug", sorted(ONE_A_PAGE))
def test_a_question_leads_into_its_lab_and_back(slug, server, visit):
    question = ONE_A_PAGE[slug]
    visitor = visit(server)
    page = visitor.open(f"/interview-study?is_question={question.id}&is_step=5")
    page.get_by_test_id("stMain").get_by_role("link", name=lessons.lesson(slug, "en").title).last.click()
    page.wait_for_url(lambda url: f"/{slug.replace('_', '-')}" in url)
    visitor.rest()
    assert lessons.lesson(slug, "en").title in visitor.text()
    for key, value in question.lab.parameters:
        if f"{key}=" in page.url:  # a default leaves the address
            assert urlencode({key: value}) in page.url or f"{key}={quote(value)}" in page.url
    assert page.get_by_test_id("stException").count() == 0
    page.go_back()
    visitor.rest()
    assert question.short[:40] in visitor.text()
    visitor.must_be_clean()


def test_a_question_leads_to_the_section_that_answers_it(server, visit):
    question = BANK["sop-against-nsp"]
    visitor = visit(server)
    page = visitor.open(f"/interview-study?is_question={question.id}&is_step=5")
    lesson = lessons.lesson("mlm_masking", "en")
    page.get_by_test_id("stMain").get_by_role("link", name=lesson.title).last.click()
    heading = page.get_by_role("heading", name=lesson["sentences"].title)
    expect(heading).to_be_in_viewport(timeout=60_000)
    visitor.rest()
    page.wait_for_timeout(2000)  # labs above, which the way passed, may still be filling in
    assert 0 < heading.bounding_box()["y"] < 200
    page.mouse.move(700, 400)
    page.mouse.wheel(0, -1500)
    page.wait_for_timeout(1500)
    expect(heading).not_to_be_in_viewport()  # the reader's own move is not undone
    visitor.rest()
    page.get_by_text(lesson["lens"].title, exact=True).first.wait_for()
    page.go_back()  # one step
    visitor.rest()
    assert question.short[:40] in visitor.text()
    page.get_by_test_id("stMain").get_by_role("link", name=lesson.title).last.click()
    expect(heading).to_be_in_viewport(timeout=60_000)  # another visit
    visitor.must_be_clean()


def test_a_line_is_clicked_and_kept_in_the_address(server, visit):
    mistake = next(iter(mistakes("en").values()))
    visitor = visit(server)
    page = visitor.open("/interview-mistakes")
    page.locator(".line-picker .row").nth(mistake.wrong).click()
    visitor.rest()
    assert f"ix_line={mistake.wrong + 1}" in page.url
    page.get_by_text(mistake.choices[mistake.answer]).click()
    visitor.rest()
    assert mistake.why[:40] in visitor.text()
    again = visit(server)
    again.open(page.url.removeprefix(server.url))
    again.page.locator(".line-picker .row.right").wait_for()
    page.get_by_role("button", name=lessons.labels("interview_mistakes", "en")("next")).click()
    visitor.rest()
    expect(page.locator(".line-picker .row[aria-checked=true]")).to_have_count(0)
    visitor.must_be_clean()


def test_lines_can_be_picked_with_the_keyboard(server, visit):
    visitor = visit(server)
    page = visitor.open("/interview-mistakes")
    page.locator(".line-picker .row").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    visitor.rest()
    assert "ix_line=2" in page.url


def test_a_name_is_kept_by_the_browser_and_a_rating_by_the_server(server, visit):
    visitor = visit(server)
    page = visitor.open("/interview-recall")
    page.get_by_test_id("stSidebar").get_by_text("Progress:").click()
    box = page.get_by_role("textbox", name=lessons.labels("interview", "en")("learner.name"))
    box.fill("Grace")
    box.press("Enter")
    visitor.rest()
    t = lessons.labels("interview_recall", "en")
    page.get_by_role("button", name=t("show")).click()
    visitor.rest()
    page.get_by_role("button", name=t("ratings.easy")).click()
    visitor.rest()
    first, second, *_ = BANK.values()
    assert second.ask in visitor.text()
    page.reload()  # the tab has crashed: nothing in the session is left
    visitor.rest()
    assert "Grace" in page.get_by_test_id("stSidebar").inner_text()
    assert second.ask in visitor.text() and first.ask not in visitor.text()
    assert "Grace" not in page.url
    visitor.must_be_clean()


def test_progress_travels_in_a_file(server, visit, tmp_path):
    """Out of one learner's corner, and by the learner's own button into another's; a file of another kind is refused."""
    t = lessons.labels("interview", "zh")
    mistake = next(iter(mistakes("zh").values()))
    visitor = visit(server)
    page = visitor.open("/interview-mistakes?lang=zh")
    page.locator(".line-picker .row").nth(mistake.wrong).click()
    page.get_by_text(mistake.choices[mistake.answer]).click()
    visitor.rest()
    corner = page.get_by_test_id("stSidebar").get_by_test_id("stExpander").last.locator("summary")
    corner.click()
    with page.expect_download() as download:
        page.get_by_role("button", name=t("learner.export")).click()
    file = tmp_path / "progress.json"
    download.value.save_as(file)

    def choose(path) -> None:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name=t("learner.import")).click()
        chooser.value.set_files(path)
        visitor.rest()

    (tmp_path / "other.json").write_text("[1, 2")
    choose(tmp_path / "other.json")
    expect(page.get_by_test_id("stSidebar").get_by_test_id("stAlert")).to_have_count(1)
    page.get_by_label(t("learner.name"), exact=True).fill("Ada")
    page.keyboard.press("Enter")
    visitor.rest()
    expect(corner).to_contain_text("Ada")
    corner.click()
    choose(file)
    said = page.get_by_test_id("stSidebar").get_by_test_id("stAlert").inner_text()
    assert re.search(r"[1-9]", said)
    visitor.must_be_clean()
