"""The folders of the build in the order in which the models are made; no file imports from a folder after its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

BUILD = Path(__file__).resolve().parents[2] / "core" / "build"
FOLDERS = ("text", "labels", "train", "measure", "cards", "stages")


def folders_imported(path: Path) -> set[str]:
    """Which of `FOLDERS` a file imports from, wherever in it."""
    modules = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    parts = (module.split(".") for module in modules if module.startswith("core.build."))
    return {part[2] for part in parts if part[2] in FOLDERS}


def test_every_folder_has_its_place():
    assert {path.parent.name for path in BUILD.glob("*/*.py")} == set(FOLDERS)


@pytest.mark.parametrize("path", sorted(BUILD.rglob("*.py")), ids=lambda path: str(path.relative_to(BUILD)))
def test_a_file_imports_from_folders_before_its_own_only(path):
    folder = path.parent.name
    if folder in FOLDERS:
        allowed = set(FOLDERS[: FOLDERS.index(folder) + 1])
    else:
        allowed = set(FOLDERS) if path.name == "__main__.py" else set()
    assert folders_imported(path) <= allowed


def test_an_import_from_a_later_folder_is_found(tmp_path):
    file = tmp_path / "late.py"
    file.write_text(
        "def f():\n    from core.build.labels import draws\n    from core.build.text.wordnet import Synset\n"
    )
    assert folders_imported(file) == {"labels", "text"}
