"""The course's text, in English and Chinese, and the loader that checks it.

A lesson is a folder:

- `en.md`, `zh.md`: `# Title`, a lead of one or two sentences, then sections headed `## Title {#key}`. The keys of both
  languages are the same, in the same order.
- `labels.toml`: the texts of controls and figures: `key = {en = "...", zh = "..."}`, with `{blanks}` for numbers.
- `quiz.toml`: `[[question]]` with `id`, `source`, and for each language `prompt` and `choices` of `text`, `why`; `answer` is
  the index of the right choice, or absent where only the live model knows (then the page passes it).
- `examples.toml`: `[[example]]` with `text`, a `note` in both languages and whatever state the page wants.
- `code.toml`: the Python that the page shows, a table for each snippet, named by its id, with the fields of `Snippet`.
"""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from lessons.snippets import Snippet

LANGUAGES = {"en": "English", "zh": "中文"}

FOLDER = Path(__file__).parent


class ContentError(ValueError):
    """A lesson's file is incomplete; the message names the file and what it lacks."""


@dataclass(frozen=True)
class Section:
    """A heading and the Markdown under it."""

    title: str
    body: str


@dataclass(frozen=True)
class Lesson:
    """One lesson's prose in one language."""

    slug: str
    title: str
    lead: str
    sections: dict[str, Section]

    def __getitem__(self, key: str) -> Section:
        return self.sections[key]


@dataclass(frozen=True)
class Choice:
    """One answer to a question, with what to say to who picks it."""

    text: str
    why: str


@dataclass(frozen=True)
class Question:
    """A question to answer before looking (predict) or after (quiz), in one language.

    `answer` is the index of the right choice, or None where the live model decides.
    """

    id: str
    prompt: str
    choices: tuple[Choice, ...]
    answer: int | None
    source: str

    def filled(self, **blanks: object) -> Question:
        """The question with its {blanks} filled; without any, the question itself."""
        if not blanks:
            return self
        choices = tuple(Choice(choice.text.format(**blanks), choice.why.format(**blanks)) for choice in self.choices)
        return replace(self, prompt=self.prompt.format(**blanks), choices=choices)


class Labels:
    """The short texts of a lesson in one language, with those that all lessons share behind them."""

    def __init__(self, texts: dict[str, str], language: str) -> None:
        self._texts, self.language = texts, language

    def __call__(self, key: str, /, **blanks: object) -> str:
        """The text under `key`, its blanks filled.

        Raises:
            KeyError: there is no such text.
        """
        return self._texts[key].format(**blanks) if blanks else self._texts[key]

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def group(self, prefix: str) -> dict[str, str]:
        """All texts whose key begins with `prefix` and a dot, without it."""
        return {key[len(prefix) + 1 :]: text for key, text in self._texts.items() if key.startswith(prefix + ".")}


def slugs() -> list[str]:
    """The folders that hold a lesson."""
    return sorted(path.parent.name for path in FOLDER.glob("*/en.md"))


@cache
def lesson(slug: str, language: str) -> Lesson:
    """The prose of one lesson.

    Raises:
        ContentError: the file does not have the form that the module describes.
    """
    path = FOLDER / slug / f"{language}.md"
    head, *parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    title, _, lead = head.strip().partition("\n")
    if not title.startswith("# ") or not lead.strip():
        raise ContentError(f"{path}: begin with '# Title' and a lead.")
    sections = {}
    for part in parts:
        heading, _, body = part.partition("\n")
        match = re.fullmatch(r"(.+?) \{#([a-z0-9_]+)\}", heading.strip())
        if not match:
            raise ContentError(f"{path}: the heading '## {heading.strip()}' has no {{#key}}.")
        sections[match[2]] = Section(match[1], body.strip())
    return Lesson(slug, title[2:].strip(), lead.strip(), sections)


@cache
def labels(slug: str, language: str) -> Labels:
    """The labels of one lesson, and those of `common`.

    Raises:
        ContentError: a text lacks a language, or its translation has other blanks.
    """
    texts: dict[str, str] = {}
    for folder in ("common", slug):
        path = FOLDER / folder / "labels.toml"
        if path.exists():
            _collect(tomllib.loads(path.read_text(encoding="utf-8")), "", language, path, texts)
    return Labels(texts, language)


def _collect(table: dict, prefix: str, language: str, path: Path, texts: dict[str, str]) -> None:
    for key, value in table.items():
        if set(value) >= set(LANGUAGES) and all(isinstance(value[code], str) for code in LANGUAGES):
            blanks = {
                code: {part[1] for part in string.Formatter().parse(value[code]) if part[1]} for code in LANGUAGES
            }
            if len(set(map(frozenset, blanks.values()))) > 1:
                raise ContentError(f"{path}: the translations of '{prefix}{key}' have different blanks.")
            texts[prefix + key] = value[language]
        elif all(isinstance(inner, dict) for inner in value.values()):
            _collect(value, f"{prefix}{key}.", language, path, texts)
        else:
            raise ContentError(f"{path}: '{prefix}{key}' lacks a language.")


@cache
def quiz(slug: str, language: str) -> dict[str, Question]:
    """The questions of one lesson by id; none if it has no quiz.

    Raises:
        ContentError: a question lacks a language, a source, or a reason for a choice.
    """
    path = FOLDER / slug / "quiz.toml"
    if not path.exists():
        return {}
    questions = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("question", []):
        try:
            sizes = {len(entry[code]["choices"]) for code in LANGUAGES}
            text = entry[language]
            choices = tuple(Choice(choice["text"], choice["why"]) for choice in text["choices"])
            question = Question(entry["id"], text["prompt"], choices, entry.get("answer"), entry["source"])
        except KeyError as error:
            raise ContentError(f"{path}: question {entry.get('id', '?')} lacks {error}.") from None
        if len(sizes) > 1 or (question.answer is not None and not 0 <= question.answer < len(choices)):
            raise ContentError(f"{path}: the choices of question {question.id} do not fit its answer or each other.")
        questions[question.id] = question
    return questions


@cache
def examples(slug: str) -> list[dict]:
    """The chosen sentences of a lesson; each has `text` and a `note` by language."""
    path = FOLDER / slug / "examples.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))["example"] if path.exists() else []


@cache
def table(slug: str, name: str) -> list[dict]:
    """The rows (`[[row]]`) of another file of a lesson, `name`.toml: facts that a page shows next to live numbers."""
    return tomllib.loads((FOLDER / slug / f"{name}.toml").read_text(encoding="utf-8"))["row"]


@cache
def code(slug: str) -> dict[str, Snippet]:
    """The code that a lesson shows, by id; none if it shows no code.

    Raises:
        ContentError: a snippet has an unknown field, is not Python, or lacks what `Snippet` requires.
    """
    path = FOLDER / slug / "code.toml"
    if not path.exists():
        return {}
    snippets = {}
    for id, fields in tomllib.loads(path.read_text(encoding="utf-8")).items():
        try:
            agree = tuple((one, other) for one, other in fields.pop("agree", ()))
            texts = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
            snippets[id] = Snippet(id, agree=agree, **texts)
        except (AttributeError, SyntaxError, TypeError, ValueError) as error:
            raise ContentError(f"{path}: snippet {id!r}: {error}.") from None
    return snippets
