"""The process in which learners' code runs, seen from outside: starting it, giving it a job, getting an answer in any case."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.practice.sandbox.inside import wire

HERE = Path(__file__).parent

START_SECONDS = 60.0
"""PyTorch takes two to four seconds to load, and longer where ten processes want the disk."""


@dataclass(frozen=True)
class Limits:
    """Resources that one submission may use.

    Attributes:
        wall: seconds from its start to its end.
        cpu: seconds of computing.
        memory: bytes beyond what PyTorch itself takes.
    """

    wall: float = 6.0
    cpu: float = 4.0
    memory: int = 512 << 20


@dataclass(frozen=True)
class Outcome:
    """Outcome of a submission.

    Attributes:
        status: "done"; "time" or "memory" where a limit was hit; "crashed" (the process ended itself, or by a signal);
            "large" (more was returned than fits); "garbled" (it wrote something that is no result).
        result: what `submission.run` returned, unchecked beyond its form; None unless "done".
        seconds: from the job's start to its end, measured outside.
        cpu: seconds of computing, as the kernel counted.
    """

    status: str
    result: dict[str, Any] | None
    seconds: float
    cpu: float = 0.0


class WorkerLostError(RuntimeError):
    """The waiting process does not answer; start another."""


def readable_paths() -> list[str]:
    """Paths that Python and PyTorch may need to read while they run: their libraries, nothing of the project."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {str(Path(sys.base_prefix) / "lib"), str(Path(sys.prefix) / "lib")}
    paths |= {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/dev/null"}
    return sorted(path for path in paths if path and Path(path).exists())


def environment() -> dict[str, str]:
    """The variables of the learner's process: none of the server's, and one thread for each library that would start some."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
    windows = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Python needs it there
    return one | windows | {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}


def command(mode: str, descriptor: int, options: dict[str, Any]) -> list[str]:
    """Command line that starts `inside.waiting`; see its `main`."""
    start = f"import sys; sys.path.insert(0, {str(HERE)!r}); from inside.waiting import main; main()"
    return [sys.executable, "-I", "-B", "-c", start, mode, str(descriptor), json.dumps(options)]


def bubblewrap(readable: list[str]) -> list[str] | None:
    """The words that put a command into namespaces of its own, or None where that does not work."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    words = [program, "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--new-session"]
    words += ["--cap-drop", "ALL", "--clearenv", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/"]
    interpreter = Path(sys.executable)
    places = [*readable, "/usr", str(HERE / "inside"), str(interpreter.parent), str(interpreter.resolve().parent)]
    places += [str(path) for path in (Path(sys.prefix) / "pyvenv.cfg", Path("/sys/devices/system/cpu"))]
    for place in dict.fromkeys(path for path in places if Path(path).exists()):
        words += ["--ro-bind", place, place]
    for name, value in environment().items():
        words += ["--setenv", name, value]
    try:
        tried = subprocess.run(
            [*words, "--", sys.executable, "-I", "-c", ""], capture_output=True, timeout=20, check=False, env={}
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return words if tried.returncode == 0 else None


@dataclass
class ForkingWorker:
    """The waiting process of `inside.waiting`: each job gets a fork of it.

    Attributes:
        wanted: which walls to raise: "bubblewrap", "landlock", "seccomp".
        stands: those in place, as the process itself reported when it was ready.
    """

    wanted: frozenset[str]
    stands: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        readable = readable_paths()
        walls = bubblewrap(readable) if "bubblewrap" in self.wanted else None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = command("serve", theirs.fileno(), {"readable": readable, "wanted": sorted(self.wanted)})
        self._process = subprocess.Popen(
            [*walls, "--", *words] if walls else words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environment(),
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._control, self._lock = ours, threading.Lock()
        ours.settimeout(START_SECONDS)
        try:
            self.stands = json.loads(ours.recv(4096) or b"null") or {}
        except (OSError, ValueError):
            self.stands = {}
        if not self.stands:
            self.close()
            raise WorkerLostError("The process for learners' code did not start.")
        self.stands["bubblewrap"] = walls is not None
        ours.settimeout(5)

    def alive(self) -> bool:
        """Return True while the waiting process runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it and all it started."""
        self._control.close()
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self._process.kill()
        self._process.wait()

    def run(self, job: dict[str, Any], limits: Limits) -> Outcome:
        """Run one job; callers may be many threads at once.

        Raises:
            WorkerLostError: the waiting process does not answer.
            wire.WireError: the job cannot be sent.
        """
        message = wire.pack(job)
        channel, inner = socket.socketpair()
        report, said = os.pipe()
        began = time.monotonic()
        try:
            with channel:
                try:
                    request = json.dumps({"wall": limits.wall, "cpu": limits.cpu, "memory": limits.memory}).encode()
                    with self._lock:
                        socket.send_fds(self._control, [request], [inner.fileno(), said])
                except OSError as error:
                    raise WorkerLostError("The process for learners' code is gone.") from error
                finally:
                    inner.close()
                    os.close(said)
                answer = _exchange(channel, message, began + limits.wall + 2)
            seconds = time.monotonic() - began
            ended = _last_words(report, began + limits.wall + 4)
        finally:
            os.close(report)
        return _outcome(answer, ended, seconds)


def _exchange(channel: socket.socket, message: bytes, deadline: float) -> bytes:
    """Send the job and collect what is written back, until the other side closes or too much has come."""
    answer = bytearray()
    try:
        channel.settimeout(max(0.1, deadline - time.monotonic()))
        channel.sendall(struct.pack(">I", len(message)) + message)
        while len(answer) <= wire.LARGEST_MESSAGE + 4:
            channel.settimeout(max(0.01, deadline - time.monotonic()))
            part = channel.recv(1 << 16)
            if not part:
                break
            answer += part
    except OSError:
        pass  # a child that was killed in the middle: its last words say why
    return bytes(answer)


def _last_words(report: int, deadline: float) -> dict[str, Any]:
    """Read the waiting process's report of the child's end.

    Raises:
        WorkerLostError: there is no report.
    """
    ready, _, _ = select.select([report], [], [], max(0.1, deadline - time.monotonic()))
    words = os.read(report, 4096) if ready else b""
    if not words:
        raise WorkerLostError("The process for learners' code does not answer.")
    return json.loads(words)


def _outcome(answer: bytes, ended: dict[str, Any], seconds: float) -> Outcome:
    cpu = float(ended["cpu"])
    if ended["late"] or ended["signal"] == signal.SIGXCPU:
        return Outcome("time", None, seconds, cpu)
    if len(answer) > wire.LARGEST_MESSAGE:
        return Outcome("large", None, seconds, cpu)
    if ended["signal"] or ended["exit"]:
        return Outcome("crashed", None, seconds, cpu)
    return read_answer(answer, seconds, cpu)


def read_answer(answer: bytes, seconds: float, cpu: float = 0.0) -> Outcome:
    """The outcome that a process wrote before it ended well."""
    try:
        (length,) = struct.unpack_from(">I", answer)
        if length != len(answer) - 4:
            raise wire.WireError("The answer has another length than it says.")
        result = wire.unpack(answer[4:])
        _check(result)
    except (wire.WireError, struct.error):
        return Outcome("garbled", None, seconds, cpu)
    if (result["error"] or {}).get("kind") == "large":
        return Outcome("large", None, seconds, cpu)
    return Outcome("done", result, seconds, cpu)


def _check(result: Any) -> None:
    """Refuse what `submission.run` would not have returned."""
    form = {"records": list, "error": dict | None, "printed": str, "cut": bool, "seconds": float}
    if not isinstance(result, dict) or set(result) != set(form):
        raise wire.WireError("The answer lacks a part.")
    for key, kind in form.items():
        if not isinstance(result[key], kind):
            raise wire.WireError(f"The answer's {key} is of another kind.")
    record = {"output", "gradients", "after", "models"}
    if not all(isinstance(part, dict) and set(part) == record for part in result["records"]):
        raise wire.WireError("The answer's records lack a part.")
    texts = {"type": str, "message": str, "line": int | None, "source": str, "trace": str, "case": int, "kind": str}
    error = result["error"]
    if error and error != {"kind": "large"} and {key: type(error.get(key)) for key in error}.keys() != texts.keys():
        raise wire.WireError("The answer's error lacks a part.")
    if error and error != {"kind": "large"} and not all(isinstance(error[key], kind) for key, kind in texts.items()):
        raise wire.WireError("The answer's error is of another kind.")
