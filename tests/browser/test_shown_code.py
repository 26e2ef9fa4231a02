"""The code of a lab in a real browser: it is written when the reader unfolds it, in the learner's own words."""

from __future__ import annotations

import lessons


def test_the_code_appears_when_it_is_unfolded(server, visit):
    visitor = visit(server)
    page = visitor.open("/?lang=en&ho_text=The cat drinks [MASK].")
    t = lessons.labels("common", "en")
    assert page.get_by_test_id("stCode").count() == 0
    page.get_by_text(t("reproduce")).first.click()
    code = page.get_by_test_id("stCode").first
    code.wait_for()
    assert "The cat drinks [MASK]." in code.inner_text()
    assert page.get_by_role("tab", name=t("code_core")).is_visible()
    visitor.must_be_clean()
