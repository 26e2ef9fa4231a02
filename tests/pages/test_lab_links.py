"""Every question's lab link opens its page in the very state that it names."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from lessons import interview
from lessons.interview.mistakes import mistakes
from pages.kit import address
from pages.kit.page import Page
from tests.pages.reading import errors, open_page

LINKS = {question.id: question.lab for question in interview.questions("en").values()}
LINKS |= {mistake.id: mistake.lab for mistake in mistakes("en").values() if mistake.lab}


class Watch:
    """What a page asks of the address while it runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.controls: dict[str, address.Allowed] = {}
        self.parameters: set[str] = set()
        begin, parameter = address.begin, Page.parameter

        def watched_begin(key, default, allowed):
            self.controls[key] = allowed
            return begin(key, default, allowed)

        def watched_parameter(page, name, default=""):
            self.parameters.add(page.key(name))
            return parameter(page, name, default)

        monkeypatch.setattr(address, "begin", watched_begin)
        monkeypatch.setattr(Page, "parameter", watched_parameter)

    def knows(self, key: str, value: str) -> bool:
        """Whether the page, as it ran last, has this control and would take this value, or reads it as a parameter."""
        if key in self.controls:
            return self.controls[key].parse(value) is not None
        return key in self.parameters


def opened(link: interview.Link) -> AppTest:
    return open_page(link.slug, seconds=240, **dict(link.parameters))


@pytest.mark.parametrize("slug", sorted({link.slug for link in LINKS.values()}))
def test_the_links_of_a_page(slug, monkeypatch):
    """Each link whose parameters the runs so far do not know is opened; all must be taken up, without a new error."""
    watch = Watch(monkeypatch)
    plain, refused = opened(interview.Link(slug, ())), []
    usual = set(errors(plain))
    links = {id: link for id, link in LINKS.items() if link.slug == slug}
    anchors = {heading.anchor for heading in plain.subheader}
    assert {link.section.replace("_", "-") for link in links.values() if link.section} <= anchors
    for id, link in links.items():
        if all(watch.knows(key, value) for key, value in link.parameters):
            continue
        app = opened(link)
        assert not app.exception and set(errors(app)) <= usual, (id, app.exception, set(errors(app)) - usual)
        refused += [(id, key, value) for key, value in link.parameters if not watch.knows(key, value)]
    assert not refused


def test_a_wrong_link_would_be_noticed(monkeypatch):
    watch = Watch(monkeypatch)
    opened(interview.Link("positional_encoding", ()))
    assert watch.knows("pe_way", "reverse")
    assert not watch.knows("pe_way", "sideways") and not watch.knows("pe_typo", "1")
