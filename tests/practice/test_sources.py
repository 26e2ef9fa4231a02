"""Every source of the course says where in a work the cited thing stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lessons
from lessons.sources import says_where, unplaced

FOLDER = Path(lessons.__file__).parent


def sources(content: Any) -> Iterator[str]:
    """The texts of all keys `source` and `sources`, however deep they lie."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key in ("source", "sources") and not isinstance(value, dict):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from sources(value)
    elif isinstance(content, list):
        for value in content:
            yield from sources(value)


@pytest.mark.parametrize(
    "source",
    [
        "Vaswani et al. 2017, section 3.2.1",
        "Lan et al. 2020 (ALBERT), Table 2",
        "Hinton et al. 2015, equation 1; computed here",
        "PyTorch documentation: torch.nn.KLDivLoss",
        "huggingface/transformers, issue 2179",
        "google-research/bert, run_squad.py (doc_stride)",
        "Counted here from the configuration",
        "Devlin 等 2019，附录 A.2",
    ],
)
def test_a_source_with_a_place_is_accepted(source):
    assert says_where(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "Vaswani et al. 2017",
        "Hoffmann et al. 2022 (Chinchilla)",
        "PyTorch",
        "Shaw et al. 2018, section 3.2; Raffel et al. 2020",
        "An untabled paper on intersections, 2019",
    ],
)
def test_a_source_without_a_place_is_refused(source):
    assert not says_where(source)


def test_citations_in_prose_need_a_place_too():
    assert unplaced("Ethayarajh (2019) found this.") == ["Ethayarajh 2019"]
    assert unplaced("So say Devlin et al. 2019.\n\nSee section 3.") == ["Devlin 2019"]
    assert unplaced("Kornblith 等（2019）比较了各层，见 Vaswani 等 2017，3.5 节。") == ["Kornblith 2019"]
    assert not unplaced("Ethayarajh (2019, section 4.1) found this. Vaswani 等 2017（3.5 节）也试过。")
    assert not unplaced("So say Devlin et al. (2019).\n\nSources: Devlin et al. 2019, appendix A.2.")


def test_every_source_of_the_course_says_where():
    found = {
        f"{path.relative_to(FOLDER)}: {source}": says_where(source)
        for path in FOLDER.rglob("*.toml")
        if path.name != "labels.toml"  # holds the words around a source
        for source in sources(tomllib.loads(path.read_text("utf-8")))
    }
    assert len(found) > 300
    assert not [source for source, placed in found.items() if not placed]


def test_every_dated_citation_in_the_prose_says_where():
    missing = {str(path.relative_to(FOLDER)): unplaced(path.read_text("utf-8")) for path in FOLDER.rglob("*.md")}
    assert not {path: citations for path, citations in missing.items() if citations}
