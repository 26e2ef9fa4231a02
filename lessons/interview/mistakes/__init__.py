"""Flawed statements and code of the source documents, to be found by the learner.

Each TOML file holds `[[mistake]]` entries: an `id`; the `errata` that it comes from; a `topic`; `lines` of code (or, in each
language, `lines` of claims), of which number `wrong` (from one) is at fault; three `choices` of what is wrong with it, the right
one first; `why`; the `fix` (code, or a sentence in each language); `sources`; and where it can be seen, a program to `run`, with
what its outcome must match (`expect`), and a `lab`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lessons import LANGUAGES, ContentError
from lessons.interview import TOPICS, Link, link

FOLDER = Path(__file__).parent
FILES = ("best", "code", "claims")


@dataclass(frozen=True)
class Mistake:
    """One flawed piece in one language.

    Attributes:
        lines: what is claimed, line by line.
        wrong: the index of the line at fault, from zero.
        choices: what may be wrong with it, in an order that depends on the id alone; `answer` is the right one's index.
        fix: the corrected lines, code if `is_code`, else a sentence.
        run: a program whose outcome shows it, or an empty text; `expect` is what the outcome must match.
    """

    id: str
    errata: tuple[str, ...]
    topic: str
    title: str
    is_code: bool
    lines: tuple[str, ...]
    wrong: int
    choices: tuple[str, ...]
    answer: int
    why: str
    fix: str
    sources: tuple[str, ...]
    run: str
    expect: str
    lab: Link | None


@cache
def mistakes(language: str) -> dict[str, Mistake]:
    """All flawed pieces by id, the best ones first.

    Raises:
        ContentError: a file is unreadable, an entry incomplete, or an id used twice; the message names the place.
    """
    found: dict[str, Mistake] = {}
    for name in FILES:
        path = FOLDER / f"{name}.toml"
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8"))["mistake"]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, OSError) as error:
            raise ContentError(f"{path}: {error}.") from None
        for entry in entries:
            mistake = _mistake(entry, language, f"{path}: mistake '{entry.get('id', '?')}'")
            if mistake.id in found:
                raise ContentError(f"{path}: the id '{mistake.id}' is used twice.")
            found[mistake.id] = mistake
    return found


def _mistake(entry: Mapping[str, Any], language: str, where: str) -> Mistake:
    try:
        for code in LANGUAGES:
            _check(entry, entry[code], code, f"{where} ({code})")
        text, is_code = entry[language], "lines" in entry
        lines = tuple(entry["lines"].strip("\n").split("\n")) if is_code else tuple(text["lines"])
        turn = hashlib.sha256(entry["id"].encode()).digest()[0] % 3
        order = [(place + turn) % 3 for place in range(3)]
        return Mistake(
            id=entry["id"],
            errata=tuple(entry["errata"]),
            topic=entry["topic"],
            title=text["title"],
            is_code=is_code,
            lines=lines,
            wrong=entry["wrong"] - 1,
            choices=tuple(text["choices"][place] for place in order),
            answer=order.index(0),
            why=text["why"],
            fix=(entry if is_code else text)["fix"].strip("\n"),
            sources=tuple(entry["sources"]),
            run=entry.get("run", "").strip("\n"),
            expect=entry["expect"] if "run" in entry else "",
            lab=link(entry["lab"], where) if "lab" in entry else None,
        )
    except KeyError as error:
        raise ContentError(f"{where} lacks {error}.") from None


def _check(entry: Mapping[str, Any], text: Mapping[str, Any], language: str, where: str) -> None:
    """Check the fields that an entry must have in a language."""
    lines = entry["lines"].strip("\n").split("\n") if "lines" in entry else text["lines"]
    if not 1 <= entry["wrong"] <= len(lines) or not lines[entry["wrong"] - 1].strip():
        raise ContentError(f"{where}: line {entry['wrong']} is not one of the {len(lines)} lines.")
    if len(text["choices"]) != 3 or len(set(text["choices"])) != 3:
        raise ContentError(f"{where}: there are three different choices.")
    if entry["topic"] not in TOPICS or not entry["errata"] or not entry["sources"]:
        raise ContentError(f"{where}: a known topic, an entry of the errata and a source are needed.")
    said = [text["title"], text["why"], *text["choices"]] + ([] if "lines" in entry else [*text["lines"], text["fix"]])
    for part in said:
        if not part.strip() or bool(re.search(r"[\u3400-\u9fff]", part)) != (language == "zh"):
            raise ContentError(f"{where}: this is empty or in the wrong language: {part[:60]}")
