"""The one listing of runs and the one way to open one: whose they are, how they stand, and names that lead elsewhere."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from core.errors import LabError
from core.folders import FOLDER_VARIABLE
from core.runs import index
from core.runs.index import all_runs, at_work, finished_runs, finished_students, open_run
from core.runs.queue import RunQueue
from core.runs.run import Run, Status

ROOT = Path(__file__).resolve().parents[2]

CARD = """---
license: apache-2.0
distillery:
  {{role: student, layers: 1, width: 8, heads: 2, vocabulary: 9, parameters: 7, size_bytes: 28, origin: "", title: {title}}}
---

# A card
"""

ELSEWHERE = [
    "..",
    ".",
    "",
    "a/b",
    "../mine",
    "/etc",
    "mine/",
    "mine/../mine",
    "\0",
    "mi\0ne",
    "x" * 5000,
    "../" * 1700,
    "gone",
]
"""Names that no run of the folder has, or that would lead out of it."""


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    """A learner's folder of runs."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, **status) -> Run:
    """A run of which only plan and status are there."""
    (folder / name).mkdir(parents=True)
    (folder / name / "run.json").write_text(json.dumps({"title": name}))
    (folder / name / "status.json").write_text(json.dumps(asdict(Status(**status))))
    return Run(folder / name)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_name_that_leads_elsewhere_opens_nothing(runs, name):
    write(runs, "mine")
    write(runs.parent, "mine")  # beside the folder
    for folder in (runs, runs.parent):  # neither is a run of the folder, even if it looks like one
        (folder / "run.json").write_text("{}")
    with pytest.raises(LabError) as error:
        open_run(name)
    assert error.value.code == "run_missing"
    assert open_run("mine").folder == runs / "mine"
    assert open_run("mine", runs.parent).folder == runs.parent / "mine"


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_queue_opens_runs_by_the_same_rule(runs, name):
    shop = RunQueue.__new__(RunQueue)
    shop.folder, shop._errors, shop._waiting, shop._workers = runs, {}, [], []
    write(runs.parent, "mine")
    for folder in (runs, runs.parent):
        (folder / "run.json").write_text("{}")
    with pytest.raises(LabError) as error:
        shop._run(name)
    assert error.value.code == "run_missing"


def test_runs_are_listed_the_latest_first_without_what_cannot_be_read(runs):
    write(runs, "old", submitted=1.0)
    write(runs, "new", submitted=3.0)
    write(runs, "middle", submitted=2.0)
    for name, content in {"half": "{", "list": "[]", "other": '{"what": 1}'}.items():
        write(runs, name)
        (runs / name / "status.json").write_text(content)
        with pytest.raises(LabError) as error:
            open_run(name).status()
        assert error.value.code == "broken_run"
    (runs / "no-run").mkdir()
    assert [run.name for run, _ in all_runs()] == ["new", "middle", "old"]
    assert all_runs(runs / "nowhere") == []


def test_only_an_owners_finished_runs(runs):
    for name, owner, state in [("a", "me", "finished"), ("b", "you", "finished"), ("c", "me", "running")]:
        write(runs, name, owner=owner, state=state)
    assert [run.name for run in finished_runs("me")] == ["a"] and not finished_runs("nobody")


def test_a_run_is_at_work_only_while_it_says_so(runs):
    now = time.time()
    write(runs, "going", state="running", updated=now)
    write(runs, "forgotten", state="running", updated=now - 2 * index.FRESH_SECONDS)
    write(runs, "done", state="finished", updated=now)
    assert at_work() == 1


def test_a_card_is_read_again_only_when_its_run_has_changed(runs, monkeypatch):
    run = write(runs, "20260101-000000-abcdef", owner="me", state="running")
    student = run.folder / "students" / "distilled-0"
    student.mkdir(parents=True)
    (student / "README.md").write_text(CARD.format(title="first"))
    assert finished_students("me") == []  # a student is listed once its run is finished
    run.write_status(replace(run.status(), state="finished"))
    assert [card.name for card in finished_students("me")] == [f"{run.name}/distilled-0"]
    read = []
    monkeypatch.setattr("core.models.finished.read_card", lambda folder: read.append(folder))
    assert [card.title for card in finished_students()] == ["first"] and not read
    monkeypatch.undo()
    monkeypatch.setenv(FOLDER_VARIABLE, str(runs.parent))
    assert finished_students("you") == [] and finished_students(folder=runs / "nowhere") == []
    (student / "README.md").write_text(CARD.format(title="second"))
    run.write_status(replace(run.status(), state="finished"))
    assert [card.title for card in finished_students("me")] == ["second"]


def test_listing_runs_needs_no_torch():
    code = "import sys, core.runs.index; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert json.loads(answer.lower()) is False


def test_nothing_else_lists_runs():
    """Whoever looks for `run.json` in many folders, or checks a name by himself, has a second rule."""
    others = [path for room in ("core", "pages") for path in (ROOT / room).rglob("*.py") if path.name != "index.py"]
    for path in others:
        strings = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        assert not [text for text in strings if isinstance(text, str) and "*/run.json" in text], path
