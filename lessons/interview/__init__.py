"""The interview questions, in English and Chinese, and the loader that checks them.

`questions/<topic>.toml` holds `[[question]]` entries. Each has an `id`, the `origins` in the source documents, a
`level`, the `roles` that it is for, its `sources` (each names the place: `lessons.sources`), a `lab` (the address of one
of the app's pages in the state that shows the answer), and for each language: `ask`; `short`, an answer of half a
minute; `full`, Markdown with the formula; `follow_ups`, each "question — answer"; `wrong`, the common wrong answer, and
`wrong_why`; the `rubric` of points that a marker ticks; `show`, what to look at in the lab.

`documents.toml` lists the source documents and how many questions and pieces of code each one holds.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lessons import LANGUAGES, ContentError, lesson
from lessons.sources import says_where

FOLDER = Path(__file__).parent

TOPICS = (
    "attention",
    "positions",
    "tokenisation",
    "encoder",
    "pretraining",
    "bert_family",
    "decoders",
    "tasks",
    "distillation_theory",
    "distillation_practice",
    "compression",
    "evaluation",
    "deployment",
)
LEVELS = (1, 2, 3)
ROLES = ("engineer", "researcher", "analyst")

LENGTHS = {"en": {"short": (55, 100), "full": (110, 280)}, "zh": {"short": (90, 190), "full": (250, 620)}}
"""Words (English) and signs without spaces (Chinese) that an answer may have: half a minute, and two, read aloud."""

_TEXTS = ("ask", "short", "full", "wrong", "wrong_why", "show")
_LISTS = {"follow_ups": (2, 4), "rubric": (3, 6)}
_FORMULA_OR_CODE = re.compile(r"\$\$.+?\$\$|\$.+?\$|`+.+?`+", re.DOTALL)
_HAN = re.compile(r"[\u3400-\u9fff]")
_BETWEEN = re.compile(r"(?<=[?？.。])\s*——?\s*|\s+—\s+")
"""Between a follow-up question and its answer; a dash inside the question has no space and no mark before it."""

_QUOTED_HAN = 6
"""Chinese signs that an English answer may quote, as an example of what a tokeniser meets."""


@dataclass(frozen=True)
class Link:
    """A page of the app in a preset state.

    Attributes:
        slug: the page.
        parameters: what its address holds after the question mark, without the language.
        section: to which the reader is brought; empty for the page's beginning.
    """

    slug: str
    parameters: tuple[tuple[str, str], ...]
    section: str = ""

    def in_language(self, language: str) -> dict[str, str]:
        """The parameters with the section and the reader's language."""
        return dict(self.parameters) | ({"at": self.section} if self.section else {}) | {"lang": language}


@dataclass(frozen=True)
class FollowUp:
    """Follow-up question of an interviewer."""

    ask: str
    answer: str


@dataclass(frozen=True)
class InterviewQuestion:
    """One question with all that prepares for it, in one language; see the module for what each part is."""

    id: str
    topic: str
    origins: tuple[str, ...]
    level: int
    roles: tuple[str, ...]
    sources: tuple[str, ...]
    lab: Link
    ask: str
    short: str
    full: str
    follow_ups: tuple[FollowUp, ...]
    wrong: str
    wrong_why: str
    rubric: tuple[str, ...]
    show: str

    def contains(self, words: str) -> bool:
        """Return True if each of the words occurs in the question or its answers, whatever its case."""
        text = " ".join((self.id, self.ask, self.short, self.full, self.wrong, *self.rubric)).casefold()
        return all(word in text for word in words.casefold().split())


@cache
def documents() -> dict[str, dict[str, Any]]:
    """The source documents by number; each has `title`, `questions` and `code`, how many it holds of either."""
    return {row["number"]: row for row in tomllib.loads((FOLDER / "documents.toml").read_text("utf-8"))["document"]}


def origins() -> list[str]:
    """All numbers under which the documents ask something: "000-7" is a question, "000-code2" a piece of code."""
    return [
        f"{number}-{prefix}{place}"
        for number, row in documents().items()
        for prefix, kind in (("", "questions"), ("code", "code"))
        for place in range(1, row[kind] + 1)
    ]


@cache
def questions(language: str) -> dict[str, InterviewQuestion]:
    """All questions by id, in the order of `TOPICS` and of their files.

    Raises:
        ContentError: a file is unreadable, a question incomplete, or an id used twice; the message names the place.
    """
    found: dict[str, InterviewQuestion] = {}
    for path in sorted((FOLDER / "questions").glob("*.toml")):
        if path.stem not in TOPICS:
            raise ContentError(f"{path}: there is no topic '{path.stem}'. Topics: {', '.join(TOPICS)}.")
    for topic in TOPICS:
        path = FOLDER / "questions" / f"{topic}.toml"
        for entry in _entries(path) if path.exists() else ():
            question = _question(entry, topic, language, path)
            if question.id in found:
                raise ContentError(f"{path}: the id '{question.id}' is used twice.")
            found[question.id] = question
    return found


def about(slug: str, language: str) -> list[InterviewQuestion]:
    """The questions whose lab is on the page `slug`."""
    return [question for question in questions(language).values() if question.lab.slug == slug]


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))["question"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise ContentError(f"{path}: {error}.") from None


def _question(entry: Mapping[str, Any], topic: str, language: str, path: Path) -> InterviewQuestion:
    """One entry, checked in both languages, read in one."""
    where = f"{path}: question '{entry.get('id', '?')}'"
    try:
        for code in LANGUAGES:
            _check_texts(entry[code], code, f"{where} ({code})")
        if {len(entry[code]["rubric"]) for code in LANGUAGES} != {len(entry["en"]["rubric"])}:
            raise ContentError(f"{where}: the rubrics of the languages have different lengths.")
        _check_facts(entry, where)
        text = entry[language]
        return InterviewQuestion(
            id=entry["id"],
            topic=topic,
            origins=tuple(map(origin, entry["origins"])),
            level=entry["level"],
            roles=tuple(entry["roles"]),
            sources=tuple(entry["sources"]),
            lab=link(entry["lab"], where),
            **{name: text[name].strip() for name in _TEXTS},
            follow_ups=tuple(FollowUp(*_BETWEEN.split(both.strip(), maxsplit=1)) for both in text["follow_ups"]),
            rubric=tuple(text["rubric"]),
        )
    except KeyError as error:
        raise ContentError(f"{where} lacks {error}.") from None


def _check_facts(entry: Mapping[str, Any], where: str) -> None:
    """Check the fields that do not depend on the language."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["id"]):
        raise ContentError(f"{where}: an id is kebab-case.")
    if entry["level"] not in LEVELS:
        raise ContentError(f"{where}: the level is one of {LEVELS}.")
    if not entry["roles"] or not set(entry["roles"]) <= set(ROLES):
        raise ContentError(f"{where}: roles are some of {ROLES}.")
    if not entry["sources"] or not all(isinstance(source, str) and len(source) > 5 for source in entry["sources"]):
        raise ContentError(f"{where}: name at least one source.")
    vague = [source for source in entry["sources"] if not says_where(source)]
    if vague:
        raise ContentError(f"{where}: this source does not say where: {vague[0]}")
    unknown = [written for written in entry["origins"] if origin(written) not in origins()]
    if unknown:
        raise ContentError(f"{where}: the documents have no {', '.join(unknown)}.")


def _check_texts(text: Mapping[str, Any], language: str, where: str) -> None:
    """Check the fields that each language must have."""
    for name in _TEXTS:
        if not isinstance(text[name], str) or not text[name].strip():
            raise ContentError(f"{where}: '{name}' is empty.")
    for name, (fewest, most) in _LISTS.items():
        if not fewest <= len(text[name]) <= most or not all(part.strip() for part in text[name]):
            raise ContentError(f"{where}: '{name}' has {fewest} to {most} entries.")
    if not all(_BETWEEN.search(follow_up.strip()) for follow_up in text["follow_ups"]):
        raise ContentError(f"{where}: a follow-up is 'question — answer'.")
    for name, (fewest, most) in LENGTHS[language].items():
        size = length(text[name], language)
        if not fewest <= size <= most:
            raise ContentError(f"{where}: '{name}' has length {size}, not {fewest} to {most}.")
    for part in (*(text[name] for name in _TEXTS), *text["follow_ups"], *text["rubric"]):
        plain = _FORMULA_OR_CODE.sub("", part)
        foreign = len(_HAN.findall(plain)) > _QUOTED_HAN if language == "en" else not _HAN.search(part)
        if foreign:
            raise ContentError(f"{where}: this is in the wrong language: {part[:60]}")
        if re.search(r"</?(?!s>|mask>|pad>|unk>)[a-zA-Z]", plain):  # RoBERTa's tokens look like tags
            raise ContentError(f"{where}: HTML is not shown: {part[:60]}")
        if len(re.findall(r"(?<!\\)\$", part)) % 2:
            raise ContentError(f"{where}: a formula is not closed: {part[:60]}")


def length(text: str, language: str) -> int:
    """Length of a text: words in English, characters in Chinese."""
    words = text.split()
    return len(words) if language == "en" else len("".join(words))


def origin(written: str) -> str:
    """An origin in its one form: "000-Q07" and "000-7" are the same, and so are "001-P1" and "001-code1"."""
    number, _, place = written.partition("-")
    kind, digits = re.fullmatch(r"(\D*)(\d*)", place).groups() if re.fullmatch(r"\D*\d*", place) else (place, "")
    prefix = {"": "", "Q": "", "I": "", "q": "", "P": "code"}.get(kind, kind)
    return f"{number}-{prefix}{int(digits) if digits else ''}"


def link(written: str, where: str = "A link") -> Link:
    """The page, the parameters and the section that an address like "temperature?tp_T=4#losses" names.

    Raises:
        ContentError: there is no such page or no such section in it, or the parameters cannot be read.
    """
    address, _, section = written.partition("#")
    path, mark, query = address.partition("?")
    slug = path.strip("/").replace("-", "_") or "home"
    if not (FOLDER.parent / slug / "en.md").exists():
        raise ContentError(f"{where}: there is no page '{path}'.")
    if section and section not in lesson(slug, "en").sections:
        raise ContentError(f"{where}: the page '{path}' has no section '{section}'.")
    try:
        parameters = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(mark))
    except ValueError as error:
        raise ContentError(f"{where}: the link '{written}' cannot be read ({error}).") from None
    if "lang" in dict(parameters) or len(dict(parameters)) < len(parameters):
        raise ContentError(f"{where}: the link '{written}' names a language, or a parameter twice.")
    return Link(slug, tuple(parameters), section)
