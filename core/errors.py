"""Errors that a learner can do something about."""

from __future__ import annotations

import tomllib
from pathlib import Path

SENTENCES = Path(__file__).resolve().parents[1] / "lessons" / "common" / "labels.toml"
"""File of the sentence of each error, under [errors] and by its code, in every language that a page speaks."""


def _in_english() -> dict[str, str]:
    texts = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))["errors"]
    return {code: sentence["en"] for code, sentence in texts.items()}


class LabError(ValueError):
    """A problem with a request, in a sentence that names the remedy: in English here, on a page in the learner's language.

    Attributes:
        code: names the sentence, so that a page can say it in the learner's language.
        details: the numbers and names that fill its blanks.
    """

    sentences = _in_english()  # at once, since the error may be that no file can be opened any more

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(self.sentences[code].format(**details))
        self.code = code
        self.details = details
