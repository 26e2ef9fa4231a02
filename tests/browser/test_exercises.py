"""The code exercises in a real browser: write, run with the keyboard, be told the mistake by its name, mend it, pass."""

from __future__ import annotations

import pytest

import lessons
from lessons.interview import exercises

SLUG = "scaled_dot_product_attention"


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_mistake_is_named_and_the_right_code_passes(language, server, visit):
    exercise, t = exercises.exercise(SLUG, language), lessons.labels("exercises", language)
    visitor = visit(server)
    page = visitor.open(f"/exercises?lang={language}&ex_open={SLUG}")
    editor = page.get_by_label(t("editor"), exact=True)
    editor.fill(exercise.solution.replace("query / math.sqrt(query.shape[-1]) @ key", "query @ key"))
    editor.press("Control+Enter")
    page.get_by_text(exercises.misconceptions(language)["no_scale"][:30]).wait_for(timeout=60_000)
    figure = page.locator(".distillery-figure")
    figure.scroll_into_view_if_needed()
    figure.locator(".main-svg").first.wait_for()  # expected beside got

    editor.fill(exercise.solution)
    page.get_by_role("button", name=t("run")).click()
    page.get_by_text(exercise.follow_ups[0].ask).wait_for(timeout=60_000)
    assert page.get_by_text(t("solution"), exact=True).count() == 1
    visitor.must_be_clean()
