"""Run of one submission on its cases: it records the results, with the learner's own line where something went wrong."""

from __future__ import annotations

import ast
import linecache
import sys
import time
import traceback
import types
from typing import Any

from .harness import BadOutputError, execute

NAME = "your_code.py"
"""Name of the learner's file in error messages."""

LONGEST_MESSAGE = 2000
LONGEST_PRINT = 20_000


class _Print:
    """Output stream that keeps what the learner prints, up to `LONGEST_PRINT` characters."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text, self.dropped = "", False

    def write(self, text: str) -> int:
        room = LONGEST_PRINT - len(self.text)
        self.dropped |= len(text) > room
        self.text += text[:room]
        return len(text)

    def flush(self) -> None:
        """Nothing waits: what is written is held at once."""

    def isatty(self) -> bool:
        """No terminal."""
        return False


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Execute the learner's code, then run the cases until one fails.

    Args:
        job: `code`; `target`, the function's or class's name; `cases`, see `harness.execute`; `avoid`, names that the
            code may not use, because writing them oneself is the exercise.

    Returns:
        `records`: what `execute` returned for each case that ran; `error`: None, or where it stopped: `kind`
        ("syntax", "avoided", "definition", "missing", "call", "output"), `type`, `message`, `line`, `source`, `trace`, `case`;
        `printed`, `seconds`.
    """
    printed = _Print()
    sys.stdout = sys.stderr = printed
    records: list[dict[str, Any]] = []
    error = None
    began = time.perf_counter()
    try:
        error = _define_and_call(job, records)
    finally:
        seconds = time.perf_counter() - began
    return {"records": records, "error": error, "printed": printed.text, "cut": printed.dropped, "seconds": seconds}


def _define_and_call(job: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | None:
    source = job["code"]
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    module = types.ModuleType("your_code")
    sys.modules["your_code"] = module
    try:
        if "\0" in source:  # a ValueError before Python 3.11.4
            raise SyntaxError("source code string cannot contain null bytes")
        tree = ast.parse(source, NAME)
        if found := _avoided(tree, set(job.get("avoid", ()))):
            return found | {"source": source.splitlines()[found["line"] - 1]}
        exec(compile(source, NAME, "exec"), module.__dict__)
    except SyntaxError as problem:
        return _problem("syntax", problem) | {"line": problem.lineno, "source": (problem.text or "").rstrip()[:500]}
    except BaseException as problem:
        return _problem("definition", problem)
    target = module.__dict__.get(job["target"])
    if not callable(target):
        return _EMPTY | {"kind": "missing"}
    for number, case in enumerate(job["cases"]):
        try:
            records.append(execute(target, case))
        except BadOutputError as problem:
            return _problem("output", problem, number)
        except BaseException as problem:
            return _problem("call", problem, number)
    return None


def _avoided(tree: ast.Module, avoid: set[str]) -> dict[str, Any] | None:
    """The first use of a name that does the whole exercise. A hint, not a wall: it is easily got around."""
    for node in ast.walk(tree):
        names = {getattr(node, "attr", None), getattr(node, "id", None)}
        names |= {alias.name.rpartition(".")[2] for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)}
        if found := names & avoid:
            return _EMPTY | {"kind": "avoided", "message": found.pop(), "line": node.lineno}
    return None


_EMPTY = {"kind": "", "type": "", "message": "", "line": None, "source": "", "trace": "", "case": 0}


def _problem(kind: str, problem: BaseException, case: int = 0) -> dict[str, Any]:
    """The error as the learner should see it: only frames of the learner's own file."""
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == NAME]
    try:
        message = str(problem)[:LONGEST_MESSAGE]
    except BaseException:  # an error class of the learner's whose text cannot be made
        message = ""
    return {
        "kind": kind,
        "type": type(problem).__name__[:200],
        "message": message,
        "line": frames[-1].lineno if frames else None,
        "source": (frames[-1].line or "") if frames else "",
        "trace": "".join(traceback.format_list(frames[-6:]))[:LONGEST_MESSAGE],
        "case": case,
    }
