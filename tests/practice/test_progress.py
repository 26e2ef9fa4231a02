"""Progress is kept through crashes, two writers and hostile files: a real SQLite file, real processes, real SIGKILL."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.errors import LabError
from core.folders import FOLDER_VARIABLE, data_folder
from core.practice import events
from core.practice.events import read_export
from core.practice.progress import Progress, clean_name

ROOT = Path(__file__).resolve().parents[2]

WRITER = """
import sys
from pathlib import Path
from core.practice.progress import Progress
progress = Progress(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    progress.add("Ada", "review", f"{sys.argv[2]}-{number}", {"rating": 3})
    print(number, flush=True)
"""


def start_writer(folder: Path, name: str, count: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(count)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def progress(tmp_path) -> Progress:
    return Progress(tmp_path / "data")


def test_an_event_comes_back_as_it_was_written(progress):
    written = progress.add("Ada", "mock", "m1", {"state": {"answers": {"q": "注意力 <b>$x$</b>"}, "seconds": 1.5}})
    assert progress.events("Ada", "mock") == [written]
    assert Progress(progress.folder).latest("Ada", "mock") == {"m1": written}
    assert progress.events("Ada", "review") == progress.events("Bob", "mock") == []
    assert progress.learners() == ["Ada"]


def test_it_is_a_wal_database_that_waits_for_the_disk(progress):
    progress.add("Ada", "read", "q", {})
    with sqlite3.connect(progress.file) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_writer_killed_in_the_middle_loses_nothing_that_it_was_told_was_written(progress):
    writer = start_writer(progress.folder, "killed", 100_000)
    said = [int(writer.stdout.readline()) for _ in range(40)]
    os.kill(writer.pid, signal.SIGKILL)
    said += [int(line) for line in writer.stdout.read().split()]
    assert writer.wait() == -signal.SIGKILL
    kept = [event.item for event in progress.events("Ada", "review")]
    assert len(said) - 1 <= said[-1] and set(kept) >= {f"killed-{number}" for number in said}
    assert len(kept) <= len(said) + 1  # at most the one that was being written
    with sqlite3.connect(progress.file) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    progress.add("Ada", "read", "after", {})  # and the file can still be written


def test_writers_that_begin_together_lose_nothing(progress):
    """Two processes and a thread, on a database that none of them has made yet."""
    writers = [start_writer(progress.folder, name, 60) for name in ("a", "b")]
    thread = threading.Thread(
        target=lambda: [progress.add("Ada", "review", f"c-{n}", {"rating": 1}) for n in range(60)]
    )
    thread.start()
    thread.join()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    items = [event.item for event in progress.events("Ada", "review")]
    assert sorted(items) == sorted(f"{name}-{number}" for name in "abc" for number in range(60))


def test_a_transaction_that_fails_leaves_nothing(progress, monkeypatch):
    progress.add("Ada", "draft", "x", {"code": "1"})
    monkeypatch.setattr(Progress, "_prune", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        progress.add("Ada", "draft", "x", {"code": "2"})
    assert progress.draft("Ada", "x") == "1"


def test_drafts_of_two_tabs_are_all_kept_up_to_a_limit(progress):
    first, second = Progress(progress.folder), Progress(progress.folder)
    first.save_draft("Ada", "mha", "tab one")
    second.save_draft("Ada", "mha", "tab two")
    second.save_draft("Ada", "mha", "tab two")  # unchanged: not written again
    assert [event.data["code"] for event in first.events("Ada", "draft", "mha")] == ["tab one", "tab two"]
    assert first.draft("Ada", "mha") == "tab two" and first.draft("Ada", "other") is None
    for number in range(30):
        first.save_draft("Ada", "mha", str(number))
    kept = [event.data["code"] for event in first.events("Ada", "draft", "mha")]
    assert kept == [str(number) for number in range(10, 30)]


def test_passes_say_when(progress):
    before = time.time()
    progress.save_pass("Ada", "mha", "code")
    assert before <= progress.passed("Ada")["mha"] <= time.time()
    assert progress.passed("Bob") == {}


def test_deleting_forgets_one_learner_and_leaves_no_trace_in_the_file(progress):
    progress.add("Ada", "draft", "x", {"code": "a secret that must go"})
    progress.add("Bob", "draft", "x", {"code": "Bob's"})
    assert progress.delete("Ada") == 1
    assert progress.events("Ada", "draft") == [] and progress.learners() == ["Bob"]
    with sqlite3.connect(progress.file) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"a secret that must go" not in b"".join(file.read_bytes() for file in progress.folder.iterdir())


def test_export_and_import_are_one_file_and_idempotent(progress, tmp_path):
    for number in range(3):
        progress.add("Ada", "review", f"q{number}", {"rating": number + 1})
    progress.save_draft("Ada", "mha", "def f(): ...")
    file = progress.export("Ada").encode()
    elsewhere = Progress(tmp_path / "elsewhere")
    elsewhere.add("艾达", "review", "q0", {"rating": 4})
    assert elsewhere.bring("艾达", file) == 4
    assert elsewhere.bring("艾达", file) == 0
    assert len(elsewhere.events("艾达", "review", "q0")) == 2  # merged, not replaced
    assert elsewhere.draft("艾达", "mha") == "def f(): ..."
    assert elsewhere.bring("Bob", file) == 4  # the same file may serve two names


def good() -> dict:
    event = {"id": "1", "kind": "review", "item": "q", "at": 1.0, "data": {"rating": 3}}
    return {"format": events.FORMAT, "version": events.VERSION, "events": [event]}


def changed(**parts) -> bytes:
    file = good()
    file["events"][0] |= parts
    return json.dumps(file).encode()


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b'{"format": "other", "version": 1, "events": []}',
        json.dumps(good() | {"version": 99}).encode(),
        json.dumps(good() | {"events": [1]}).encode(),
        changed(kind="admin"),
        changed(at="now"),
        changed(at=True),
        changed(at=float("nan")),
        changed(at=1e30),
        changed(data={"rating": 9}),
        changed(data={"rating": "3"}),
        changed(data={}),
        changed(data={"rating": 3, "x": float("nan")}),
        changed(data={"rating": 3, "x": "y" * events.LONGEST_DATA}),
        changed(item=""),
        changed(id="x" * 500),
        changed(extra=1),
        changed(kind="draft", data={"code": 5}),
        changed(kind="mock", data={"state": []}),
    ],
)
def test_a_file_that_is_not_ours_is_refused_whole(progress, file):
    progress.add("Ada", "read", "q", {})
    with pytest.raises(LabError) as refused:
        progress.bring("Ada", file)
    assert refused.value.code == "progress_file"
    assert len(progress.events("Ada", "read")) == 1 and progress.events("Ada", "review") == []


def test_a_file_that_is_too_large_is_refused_unread():
    assert len(read_export(json.dumps(good()).encode())) == 1
    with pytest.raises(LabError) as refused:
        read_export(b" " * (events.LONGEST_FILE + 1))
    assert refused.value.code == "progress_large"


def test_data_that_cannot_come_back_is_not_written(progress):
    with pytest.raises(ValueError, match="rating"):
        progress.add("Ada", "review", "q", {"rating": 7})
    with pytest.raises(LabError, match="too large"):
        progress.add("Ada", "draft", "q", {"code": "x" * events.LONGEST_DATA})
    assert progress.learners() == []


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("  Ada   Lovelace ", "Ada Lovelace"), ("李\u200b雷", "李雷"), ("Ａｄａ", "Ada"), ("a\x00b\nc", "ab c")],
)
def test_names_are_stored_in_one_form(typed, stored):
    assert clean_name(typed) == stored


@pytest.mark.parametrize("typed", ["", "   ", "\u200b\x00", "x" * 41])
def test_a_name_must_be_one(typed):
    with pytest.raises(LabError) as refused:
        clean_name(typed)
    assert refused.value.code == "bad_name"


def test_names_cannot_reach_the_database_as_commands(progress):
    name = "'; DROP TABLE events; --"
    progress.add(name, "read", "'; DELETE FROM events; --", {})
    assert progress.learners() == [name]


def test_the_folder_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert data_folder() == Progress().folder == tmp_path
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert "distillery" in str(data_folder())


def test_a_look_leaves_no_file_behind(progress):
    assert progress.learners() == progress.events("Ada", "review") == [] and progress.draft("Ada", "mha") is None
    assert not progress.folder.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError) as refused:
        Progress(tmp_path / "file").add("Ada", "read", "q", {})
    assert refused.value.code == "progress_unwritable"


def test_a_damaged_database_is_said(progress):
    progress.folder.mkdir()
    progress.file.write_bytes(b"not a database at all" * 100)
    with pytest.raises(LabError) as refused:
        progress.learners()
    assert refused.value.code == "progress_unwritable"
