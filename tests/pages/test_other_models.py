"""Pages with other models than those they open with: what a model can do is shown, what it cannot is said."""

from __future__ import annotations

import pytest

import lessons
from core.course import course
from tests.pages.reading import open_page

PAGES = ["home", *(one.slug for one in course())]


@pytest.mark.parametrize("language", lessons.LANGUAGES)
@pytest.mark.parametrize("slug", PAGES)
def test_a_pair_that_sorts_texts_opens_every_page(slug, language, figures):
    at = open_page(slug, teacher="sentiment-teacher", student="sentiment-student", lang=language)
    assert at.title[0].value == lessons.lesson(slug, language).title
    t = lessons.labels("common", language)
    said = [note.value for note in (*at.error, *at.info, *at.warning)]
    if slug in ("home", "mlm_masking", "temperature"):
        assert t("errors.no_vocabulary_head", name="sentiment-teacher") in said
    if slug in ("self_attention", "layer_outputs", "positional_encoding", "worth_it"):
        assert figures(at) or at.get("bidi_component")
    for toggle in [toggle for toggle in at.toggle if str(toggle.key).endswith("_skip")]:
        toggle.set_value(True)
    at.run()  # what waits for a guess
    assert not at.exception, [error.value for error in at.exception]
