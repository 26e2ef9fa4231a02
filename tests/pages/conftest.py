"""Pages are read whole here: no browser scrolls, so no lab may wait to be near."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from streamlit.testing.v1 import AppTest


@pytest.fixture(scope="session", autouse=True)
def whole_pages() -> Iterator[None]:
    """Draws every lab at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pages.kit.components.nearby.WAITS", False)
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
