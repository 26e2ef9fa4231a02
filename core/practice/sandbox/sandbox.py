"""The sandbox as the rest of the program sees it: one object that runs jobs in order, and reports how well it confines them.

At its start it attacks itself, and the level it publishes is the one at which every attack failed:

- `strong`: namespaces of its own (bubblewrap), Landlock and seccomp.
- `kernel`: Landlock and seccomp. Needs no rights, and works in ordinary containers.
- `partial`: some walls are in place, but an attack got through; for one's own machine only.
- `none`: time and memory are limited, nothing else; for one's own machine only.
- `off`: learners' code does not run at all.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.practice.sandbox.attacks import ATTACKS, Attack
from core.practice.sandbox.once import FreshWorker
from core.practice.sandbox.turns import TooLongError, Turns
from core.practice.sandbox.worker import ForkingWorker, Limits, Outcome, WorkerLostError

LEVELS = ("off", "none", "partial", "kernel", "strong")

LEVEL_VARIABLE = "DISTILLERY_SANDBOX"
"""An environment variable that names a level lowers the sandbox to it; nothing can raise it."""

PATIENCE_SECONDS = 300.0
"""Thirty learners with endless loops, two at a time, are through in a third of it."""

ATTACK_LIMITS = Limits(wall=0.6, cpu=0.6)

_WALLS = {"strong": {"bubblewrap", "landlock", "seccomp"}, "kernel": {"landlock", "seccomp"}, "partial": {"seccomp"}}


@dataclass(frozen=True)
class Isolation:
    """Confinement of learners' code on this machine.

    Attributes:
        level: one of `LEVELS`.
        stands: the walls: `bubblewrap`, `landlock` (its version), `seccomp`, `renamed` (runs as nobody).
        attacks: by name, whether the sandbox held.
        seconds: how long the self-test took.
    """

    level: str
    stands: dict[str, Any] = field(default_factory=dict)
    attacks: dict[str, bool] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def trusted(self) -> bool:
        """True if untrusted code may run on a server that others use."""
        return self.level in ("kernel", "strong")


class Sandbox:
    """Runner of jobs, first come first served. Cheap to make; `start` (or the first use) starts its process and tests it."""

    def __init__(
        self, level: str | None = None, places: int | None = None, attacks: tuple[Attack, ...] = ATTACKS
    ) -> None:
        asked = level or os.environ.get(LEVEL_VARIABLE, "strong")
        self._highest = asked if asked in LEVELS else "off"  # a misspelt wish for less must not give more
        self._turns = Turns(places or max(1, min(4, os.cpu_count() or 1)))
        self._attacks = attacks
        self._starting, self._worker = threading.Lock(), None
        self._isolation: Isolation | None = None
        self._closed: Isolation | None = None

    def published(self) -> Isolation | None:
        """Result of the self-test, or None while it has not finished."""
        return self._isolation

    def start(self) -> Isolation:
        """Start the process for learners' code and attack it; later calls answer at once."""
        with self._starting:
            if self._isolation is None:
                found = self._tested()
                self._isolation = self._closed or found
            return self._isolation

    def _tested(self) -> Isolation:
        """The best level at which the process starts and every attack fails."""
        if self._highest == "off":
            return Isolation("off")
        began, best = time.monotonic(), LEVELS.index(self._highest)
        if sys.platform == "linux":
            for level in ("strong", "kernel", "partial"):
                if LEVELS.index(level) > best:
                    continue
                try:
                    worker = ForkingWorker(frozenset(_WALLS[level]))
                except (WorkerLostError, OSError):
                    continue
                if not all(worker.stands[wall] for wall in _WALLS[level]):
                    worker.close()
                    continue
                self._worker = worker
                held = self_test(self._run_again, self._attacks)
                reached = level
                if not all(held[attack.name] for attack in self._attacks if attack.wall == "limits"):
                    reached = "none"
                elif not all(held.values()):
                    reached = "partial"
                return Isolation(reached, dict(worker.stands), held, time.monotonic() - began)
        self._worker = FreshWorker()
        return Isolation("none", dict(self._worker.stands), {}, time.monotonic() - began)

    def run(self, job: dict[str, Any], limits: Limits | None = None) -> Outcome:
        """Run one job when its turn comes. The caller decides by `published` if it may run here.

        Raises:
            LabError: `sandbox_off`, `sandbox_lost` (the process died twice), `busy` (the queue was too long).
            wire.WireError: the job cannot be sent.
        """
        if self.start().level == "off":
            raise LabError("sandbox_off")
        try:
            with self._turns.turn(PATIENCE_SECONDS):
                return self._run_again(job, limits or Limits())
        except TooLongError:
            raise LabError("busy") from None

    def _run_again(self, job: dict[str, Any], limits: Limits) -> Outcome:
        """Run a job; if the waiting process is lost, once more with a new one, behind the same walls."""
        for _ in range(2):
            worker = self._worker
            try:
                return worker.run(job, limits)
            except WorkerLostError:
                self._replace(worker)
        raise LabError("sandbox_lost")

    def _replace(self, lost: ForkingWorker) -> None:
        with _REPLACING:
            if self._closed:
                raise LabError("sandbox_off")
            if self._worker is lost:
                lost.close()
                try:
                    fresh = ForkingWorker(lost.wanted)
                except (WorkerLostError, OSError):
                    raise LabError("sandbox_lost") from None
                if not all(fresh.stands[wall] for wall in lost.wanted):  # never behind fewer walls than were tested
                    fresh.close()
                    raise LabError("sandbox_lost")
                self._worker = fresh

    def waiting(self) -> int:
        """Number of submissions that wait for their turn."""
        return self._turns.waiting()

    def close(self) -> None:
        """End the process, also in the middle of a test; nothing runs here any more."""
        self._isolation = self._closed = Isolation("off")
        if self._worker:
            self._worker.close()


_REPLACING = threading.Lock()


def self_test(run: Callable[[dict[str, Any], Limits], Outcome], attacks: tuple[Attack, ...]) -> dict[str, bool]:
    """Run each attack and return, by its name, True if the sandbox held.

    Each attack has something real to reach: a file with a secret, a port that listens, a variable with a secret.
    """
    held = {}
    secret = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="distillery-") as place, socket.create_server(("127.0.0.1", 0)) as port:
        Path(place).chmod(0o755)
        file = Path(place, "secret")
        file.write_text(secret, encoding="ascii")
        file.chmod(0o644)
        blanks = {
            "place": place,
            "port": port.getsockname()[1],
            "secret": secret,
            "project": str(Path(__file__).parent / "attacks.py"),
        }
        for attack in attacks:
            job = {"code": attack.code(**blanks), "target": "attack", "cases": [{"arguments": {"value": 0}}]}
            outcome = run(job, ATTACK_LIMITS)
            if outcome.status == "time" and attack.wall == "isolation":
                outcome = run(job, Limits())  # a busy machine: an attack that was only too slow proves nothing
            got = bool(outcome.result and outcome.result["records"] and outcome.result["records"][0]["output"])
            if attack.name == "pickle":  # an object is described by its name, never sent
                got = got and outcome.result["records"][0]["output"] != {"$": "other", "type": "Bomb"}
            untouched = file.read_text(encoding="ascii") == secret and list(Path(place).iterdir()) == [file]
            stopped = attack.status in (None, outcome.status) and (attack.wall, outcome.status) != ("isolation", "time")
            held[attack.name] = not got and untouched and stopped
            for left in set(Path(place).iterdir()) - {file}:
                left.unlink()
    return held


SANDBOX = Sandbox()
"""The one that the pages use."""
