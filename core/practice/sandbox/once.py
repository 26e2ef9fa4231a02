"""Sandbox of a system without a reliable fork or walls (macOS, Windows): a fresh process for each submission.

It confines nothing but time and what the system limits, so it is for the learner's own machine only. One process waits loaded
in advance, so that a single learner seldom waits for PyTorch.
"""

from __future__ import annotations

import struct
import subprocess
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.practice.sandbox.inside import wire
from core.practice.sandbox.worker import Limits, Outcome, command, environment, read_answer


class FreshWorker:
    """Worker that starts a process for each job, and the next one while the learner reads the answer.

    Attributes:
        stands: the walls: none.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.stands = {"bubblewrap": False, "landlock": 0, "seccomp": False, "renamed": False}
        self._limits, self._lock, self._spare = limits or Limits(), threading.Lock(), None
        self._spare = self._start()

    def _start(self) -> subprocess.Popen:
        options = {key: value for key, value in asdict(self._limits).items() if key != "wall"}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command("once", 0, options),
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd=Path.home().anchor,
        )

    def alive(self) -> bool:
        """Always: each job has its own process."""
        return True

    def close(self) -> None:
        """End the process in waiting."""
        with self._lock:
            spare, self._spare = self._spare, None
        if spare:
            spare.kill()
            spare.communicate()

    def run(self, job: dict[str, Any], limits: Limits) -> Outcome:
        """Run one job.

        Raises:
            wire.WireError: the job cannot be sent.
        """
        message = wire.pack(job)
        with self._lock:
            process, self._spare = self._spare or self._start(), None
        ready = process.stdout.read(1)  # it says when PyTorch is loaded: that time is not the learner's
        began = time.monotonic()
        try:
            answer, _ = process.communicate(struct.pack(">I", len(message)) + message, limits.wall)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Outcome("time", None, time.monotonic() - began)
        finally:
            with self._lock:
                self._spare = self._spare or self._start()
        seconds = time.monotonic() - began
        if not ready or process.returncode:
            return Outcome("crashed", None, seconds)
        return read_answer(answer, seconds)
