"""Docstrings begin with a verb or a noun phrase, never with a question word."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QUESTION_WORDS = frozenset(["what", "how", "who", "whose", "where", "whether", "which", "when", "why"])
EXERCISES = ROOT / "lessons" / "interview" / "exercises"


def questions_in(source: str) -> list[str]:
    """Name and first line of each docstring in a file that begins with a question word."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first, *_ = (ast.get_docstring(node) or "").partition("\n")
            if first and first.split()[0].strip("\"'`:,.?").lower() in QUESTION_WORDS:
                found.append(f"{getattr(node, 'name', 'module')}: {first}")
    return found


def files() -> list[Path]:
    """All files of the app but the starters and solutions of exercises, which are written as a learner would."""
    found = [path for folder in ("core", "pages", "lessons") for path in sorted((ROOT / folder).rglob("*.py"))]
    written = {"starter.py", "solution.py"}
    return [ROOT / "app.py"] + [path for path in found if path.parents[1] != EXERCISES or path.name not in written]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_begin_with_a_verb_or_a_noun(path):
    assert not questions_in(path.read_text(encoding="utf-8"))


def test_question_words_are_found_in_every_kind_of_docstring():
    source = '''"""How it works."""
class Thing:
    """What it is."""
    def ready(self):
        """Whether it is ready."""
    async def due(self):
        """When: in seconds."""
    def whole(self):
        """The whole, of which what is left out is nothing."""
'''
    assert [line.split(":")[0] for line in questions_in(source)] == ["module", "Thing", "ready", "due"]
