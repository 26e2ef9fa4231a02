"""The course's text: complete in both languages, and the loader refuses what is not."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from pathlib import Path

import pytest

import lessons
from core.course import course
from core.errors import LabError
from pages.kit.course import INTERVIEW

ROOT = Path(__file__).resolve().parents[1]
SLUGS = lessons.slugs()
LESSONS = [one.slug for one in course()]


def test_all_texts_are_of_a_page():
    assert set(SLUGS) == {"home", *LESSONS, *INTERVIEW}


@pytest.mark.parametrize("slug", SLUGS)
def test_both_languages_have_the_same_sections(slug):
    english, chinese = (lessons.lesson(slug, language) for language in ("en", "zh"))
    assert list(english.sections) == list(chinese.sections)
    assert english.title != chinese.title or slug == "home"
    for text in (chinese.lead, *(section.body for section in chinese.sections.values() if len(section.body) > 20)):
        assert re.search(r"[一-鿿]", text), text
    for section in english.sections.values():
        assert not re.search(r"[一-鿿]", section.body), section


@pytest.mark.parametrize("slug", [*SLUGS, "common"])
def test_labels_and_examples_are_complete(slug):
    for language in lessons.LANGUAGES:
        lessons.labels(slug, language)
        lessons.quiz(slug, language)
    for example in lessons.examples(slug):
        assert example["text"].strip()
        assert set(example["note"]) == set(lessons.LANGUAGES)


@pytest.mark.parametrize("slug", LESSONS)
def test_every_lesson_asks_questions_with_sources(slug):
    questions = {language: lessons.quiz(slug, language) for language in lessons.LANGUAGES}
    assert len(questions["en"]) >= 3
    for id, english in questions["en"].items():
        chinese = questions["zh"][id]
        assert english.source and len(english.choices) >= 2
        assert len(chinese.choices) == len(english.choices)
        assert all(choice.why for choice in (*english.choices, *chinese.choices))


def raised() -> list[tuple[str, str, set[str] | None]]:
    """Where core raises an error, its code, and the names of its details; None where they come out of a mapping."""
    found = []
    for path in sorted((ROOT / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "LabError" and node.args):
                continue
            if isinstance(node.args[0], ast.Constant):
                names = {word.arg for word in node.keywords}
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                found.append((where, node.args[0].value, None if None in names else names))
    return found


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_error_has_its_sentence_in_both_languages():
    """And each of its blanks is filled wherever it is raised."""
    places = raised()
    assert len({code for _, code, _ in places}) > 40
    for language in lessons.LANGUAGES:
        texts = lessons.labels("common", language)
        for where, code, details in places:
            assert f"errors.{code}" in texts, f"{where}: {code} has no sentence"
            named = blanks(texts(f"errors.{code}"))
            assert details in (None, named), f"{where}: {code} fills {details}, its sentence has {named}"


def test_an_error_says_in_english_what_the_page_says():
    texts = lessons.labels("common", "en")
    assert LabError.sentences == texts.group("errors")
    details = {"name": "a model", "reason": "half a file"}
    assert str(LabError("broken_checkpoint", **details)) == texts("errors.broken_checkpoint", **details)


def test_no_sentence_of_an_error_is_written_twice():
    """Except in theory: its functions raise plain ValueErrors and know nothing of the lab."""
    beginnings = {text[:24] for text in LabError.sentences.values()}
    for path in set((ROOT / "core").rglob("*.py")) - set((ROOT / "core" / "theory").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        assert not [text for text in beginnings if text in source], path


def asked_for(key: str, pages: str) -> bool:
    """Whether a page names the label, or builds its name: f"heading_{side}" and "heading_" + side ask for "heading_teacher"."""
    parts = key.split("_")
    built = ["_".join(parts[:count]) + "_{" for count in range(1, len(parts))]
    built += ["_".join(parts[:count]) + '_"' for count in range(1, len(parts))]
    built += ["}_" + "_".join(parts[count:]) for count in range(1, len(parts))]
    return bool(re.search(rf"""["'.]{key}["'.]""", pages)) or any(part in pages for part in built)


def test_every_label_is_asked_for():
    """A text that no page asks for is dead."""
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "pages").rglob("*.py"))
    dead = []
    for slug in [*SLUGS, "common"]:
        path = ROOT / "lessons" / slug / "labels.toml"
        keys = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        dead += [f"{slug}: {key}" for key in keys if not asked_for(key, pages)]
    assert not dead


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("labels.toml", 'a = {en = "x"}', "labels"),
        ("labels.toml", 'a = {en = "{n} x", zh = "x"}', "labels"),
        ("en.md", "No title", "lesson"),
        ("en.md", "# Title\nlead\n## No key\nbody", "lesson"),
        ("quiz.toml", '[[question]]\nid = "q"\nsource = "s"\nen = {prompt = "p", choices = []}', "quiz"),
        (
            "quiz.toml",
            '[[question]]\nid = "q"\nsource = "s"\nanswer = 3\n'
            'en = {prompt = "p", choices = [{text = "a", why = "b"}]}\nzh = {prompt = "p", choices = [{text = "a", why = "b"}]}',
            "quiz",
        ),
    ],
)
def test_incomplete_content_is_refused(tmp_path, monkeypatch, name, text, read):
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    write(tmp_path / "bad", name, text)
    with pytest.raises(lessons.ContentError):
        getattr(lessons, read).__wrapped__("bad", "en")
