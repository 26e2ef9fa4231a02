"""Pages are read whole here: no browser scrolls, so no lab may wait to be near."""

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from lessons.snippets import Filled


@pytest.fixture(scope="session", autouse=True)
def whole_pages() -> Iterator[None]:
    """Draws every lab at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pages.kit.components.nearby.WAITS", False)
        patch.setattr("pages.kit.page.CODE_WAITS", False)
        yield


@dataclass(frozen=True)
class Drawn:
    """A figure on a page: what it says to those who do not see it, and what plotly.js is to draw."""

    alt: str
    spec: str


@pytest.fixture
def figures() -> Callable[[AppTest], list[Drawn]]:
    """All plotly figures of a page that ran, in their order."""

    def drawn(at: AppTest) -> list[Drawn]:
        parts = [part.proto for part in at.get("bidi_component")]
        found = [json.loads(part.json) for part in parts if part.component_name == "distillery.figure"]
        return [Drawn(figure["alt"], figure["spec"]) for figure in found]

    return drawn


def _template(code: str) -> re.Pattern[str]:
    """What a snippet's code looks like with a literal in each blank."""
    return re.compile("(.+)".join(map(re.escape, re.split(r"\$[a-z_]+", code))))


@pytest.fixture
def snippets_on() -> Callable[[AppTest, str], dict[str, Filled]]:
    """The code that a page which ran shows of a lesson's snippets, by id; both ways must be there if the snippet has both."""

    def found(at: AppTest, slug: str) -> dict[str, Filled]:
        blocks, shown = [block.value for block in at.code], {}
        for id, snippet in lessons.code(slug).items():
            parts = [
                next((block for block in blocks if code and _template(code).fullmatch(block)), "")
                for code in (snippet.plain, snippet.core)
            ]
            if any(parts):
                assert [bool(part) for part in parts] == [bool(snippet.plain), bool(snippet.core)], id
                shown[id] = Filled(*parts, agree=())
        return shown

    return found


@pytest.fixture
def printed_by() -> Callable[[str], str]:
    """`printed_by(code)`: what code prints when it runs."""

    def run(code: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "snippet", "exec"), {"__name__": "__main__"})
        return printed.getvalue()

    return run
