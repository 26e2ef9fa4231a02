"""Run the short programs that this project ships, each in a process of its own with a time limit, and report the outcome.

They are trusted: they are part of the project, and no other code comes this way (see `core.practice.sandbox` for that).
The process is still apart from the server, since a program that is meant to fail may take its process along.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PATIENCE_SECONDS = 60.0
LONGEST_OUTPUT = 8000
"""Characters that are kept of what a program prints."""

NAME = "snippet.py"


@dataclass(frozen=True)
class Outcome:
    """Outcome of a program.

    Attributes:
        output: what it printed.
        error: the exception that ended it, like "ValueError: ...", or an empty text.
        line: the program's own line that the exception came from, counted from one, or zero.
        seconds: its run time, without the start of the process.
    """

    output: str
    error: str
    line: int
    seconds: float


def run(programs: Sequence[str], patience: float = PATIENCE_SECONDS) -> list[Outcome]:
    """Run programs one after the other in one new process.

    Raises:
        TimeoutError: they took longer than `patience` seconds together.
        RuntimeError: the process ended by itself.
    """
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        environment |= {"TMPDIR": folder, "HOME": folder}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "core.practice.snippets"],
                input=json.dumps(list(programs)),
                capture_output=True,
                text=True,
                encoding="utf-8",
                env=environment,
                cwd=folder,
                timeout=patience,
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"The program was stopped after {patience:.0f} seconds.") from None
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}")
    return [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]


def outcome(program: str) -> Outcome:
    """Run one program here and now, in a namespace of its own."""
    printed, error, line, start = io.StringIO(), "", 0, time.perf_counter()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        try:
            exec(compile(program, NAME, "exec"), {"__name__": "__main__"})
        except Exception as raised:
            error = "".join(traceback.format_exception_only(raised)).strip()
            line = next(
                (f.lineno for f in reversed(traceback.extract_tb(raised.__traceback__)) if f.filename == NAME), 0
            )
    return Outcome(printed.getvalue()[:LONGEST_OUTPUT], error[:LONGEST_OUTPUT], line, time.perf_counter() - start)


def _serve() -> None:
    """The other side of `run`: programs as JSON from standard input, an outcome per line to standard output."""
    for program in json.load(sys.stdin):
        print(json.dumps(vars(outcome(program))), flush=True)


if __name__ == "__main__":
    _serve()
