"""The code exercises, in English and Chinese, and the loader that checks them.

Each is a folder:

- `exercise.toml`: `place` in the list, `level` (1 to 3), `topic`, `source`; `lab`, the page that shows it happening; `repairs`,
  where its broken code comes from; `avoid`, the functions that are the exercise themselves. For each language: `title`;
  `statement` and `example`, Markdown; three `hints` (a question, the formula, the skeleton); `follow_ups`, each with `ask` and
  `answer`.
- `starter.py`: what the learner begins with; in a repair exercise, the broken code.
- `solution.py`: shown after passing.

`misconceptions.toml` explains the wrong results that the graders know by name. The graders are no content: they are in
`core.practice.tasks`, one module of the same name each.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lessons import LANGUAGES, ContentError

FOLDER = Path(__file__).parent

TOPICS = ("attention", "positions", "tokens", "encoder", "distillation", "features", "evaluation", "decoding")
LEVELS = (1, 2, 3)
HINTS = 3


@dataclass(frozen=True)
class FollowUp:
    """Follow-up question of an interviewer once the code works."""

    ask: str
    answer: str


@dataclass(frozen=True)
class Exercise:
    """One exercise in one language; see the module for what each part is."""

    slug: str
    place: int
    level: int
    topic: str
    source: str
    lab: str
    repairs: str
    avoid: tuple[str, ...]
    title: str
    statement: str
    example: str
    hints: tuple[str, ...]
    follow_ups: tuple[FollowUp, ...]
    starter: str
    solution: str


def slugs() -> list[str]:
    """All exercises in the order of the list."""
    return sorted((path.parent.name for path in FOLDER.glob("*/exercise.toml")), key=lambda slug: _facts(slug)["place"])


@cache
def _facts(slug: str) -> dict:
    path = FOLDER / slug / "exercise.toml"
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        _check(facts, path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContentError(f"{path}: {error}.") from None
    except KeyError as error:
        raise ContentError(f"{path} lacks {error}.") from None
    return facts


def _check(facts: dict, path: Path) -> None:
    if facts["level"] not in LEVELS or facts["topic"] not in TOPICS or not facts["source"].strip():
        raise ContentError(f"{path}: the level is one of {LEVELS}, the topic one of {TOPICS}, and there is a source.")
    for language in LANGUAGES:
        text = facts[language]
        if not all(text[name].strip() for name in ("title", "statement", "example")):
            raise ContentError(f"{path} ({language}): a text is empty.")
        if len(text["hints"]) != HINTS or not all(hint.strip() for hint in text["hints"]):
            raise ContentError(f"{path} ({language}): there are {HINTS} hints: a question, the formula, the skeleton.")
        if not text["follow_ups"] or not all(part["ask"] and part["answer"] for part in text["follow_ups"]):
            raise ContentError(f"{path} ({language}): each follow-up has a question and its answer.")


@cache
def exercise(slug: str, language: str) -> Exercise:
    """One exercise.

    Raises:
        ContentError: a file is unreadable or incomplete; the message names the place.
    """
    facts, text = _facts(slug), _facts(slug)[language]
    return Exercise(
        slug=slug,
        place=facts["place"],
        level=facts["level"],
        topic=facts["topic"],
        source=facts["source"],
        lab=facts.get("lab", ""),
        repairs=facts.get("repairs", ""),
        avoid=tuple(facts.get("avoid", ())),
        title=text["title"].strip(),
        statement=text["statement"].strip(),
        example=text["example"].strip(),
        hints=tuple(hint.strip() for hint in text["hints"]),
        follow_ups=tuple(FollowUp(part["ask"].strip(), part["answer"].strip()) for part in text["follow_ups"]),
        starter=(FOLDER / slug / "starter.py").read_text(encoding="utf-8"),
        solution=(FOLDER / slug / "solution.py").read_text(encoding="utf-8"),
    )


@cache
def misconceptions(language: str) -> dict[str, str]:
    """Explanation of each named wrong result.

    Raises:
        ContentError: one lacks a language.
    """
    path = FOLDER / "misconceptions.toml"
    texts = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, text in texts.items():
        if set(text) != set(LANGUAGES) or not all(text.values()):
            raise ContentError(f"{path}: '{name}' lacks a language.")
    return {name: text[language] for name, text in texts.items()}
