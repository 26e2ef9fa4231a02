"""The process that waits inside the sandbox with PyTorch loaded, and forks a fresh child for each submission.

It never runs a learner's code itself and never starts a thread. Requests come over a socket, each with two descriptors: the
channel on which the child reads its job and writes its result, and a pipe on which this process reports how the child ended. The
child holds the channel only.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass

from . import landlock, limits, seccomp, submission, wire

LONGEST_REQUEST = 1000


@dataclass
class _Child:
    report: int
    deadline: float
    late: bool = False


def warm_up() -> None:
    """Warm up PyTorch's first softmax, matrix product and gradient once: no child pays for it again."""
    import collections
    import copy
    import dataclasses
    import functools
    import itertools
    import math
    import random
    import re
    import string
    import typing
    import unicodedata

    import numpy as np
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
    layer = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4), torch.nn.GELU(), torch.nn.Dropout(0.1))
    out = layer(torch.randn(2, 3, 4)) @ torch.randn(4, 4)
    loss = F.kl_div(out.log_softmax(-1), out.detach().softmax(-1), reduction="batchmean")
    (loss + F.cross_entropy(out.flatten(0, 1), torch.zeros(6).long()) + F.mse_loss(out, out * 2)).backward()
    torch.optim.SGD(layer.parameters(), lr=0.1).step()
    torch.einsum("bqd,bkd->bqk", out.half(), out.half()).masked_fill(torch.ones(3, 3).tril() == 0, -1.0).softmax(-1)
    torch.from_numpy(np.ones(2)).sort().values.cumsum(0).topk(1)
    del collections, copy, dataclasses, functools, itertools, math, random, re, string, typing, unicodedata
    gc.collect()
    gc.freeze()


def confine(readable: list[str], wanted: set[str]) -> tuple[dict[str, object], int | None, bytes | None]:
    """Put this process behind as many walls as are wanted and there.

    Returns:
        The walls in place, the Landlock rules for the children, their system call filter.
    """
    stands: dict[str, object] = {"landlock": 0, "seccomp": False, "renamed": False}
    if sys.platform != "linux":
        return stands, None, None
    stands["renamed"] = limits.become_nobody(readable)
    limits.forgo_new_privileges()
    rules = program = None
    if "landlock" in wanted and landlock.version():
        stands["landlock"] = landlock.version()
        rules = landlock.ruleset(readable)
        landlock.restrict(rules)
    if "seccomp" in wanted and seccomp.available():
        program, stands["seccomp"] = seccomp.program(), True
    return stands, rules, program


def serve(control: socket.socket, memory: int | None, rules: int | None, program: bytes | None) -> None:
    """Answer requests until the other side closes; `memory` is what this process has itself, in bytes of addresses."""
    children: dict[int, _Child] = {}
    waker, alarm = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(alarm)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        nearest = min((child.deadline for child in children.values() if not child.late), default=None)
        wait = None if nearest is None else max(0.0, nearest - time.monotonic())
        ready, _, _ = select.select([control, waker], [], [], wait)
        if waker in ready:
            os.read(waker, 4096)
        _bury(children)
        for pid, child in children.items():
            if not child.late and time.monotonic() >= child.deadline:
                child.late = True
                os.kill(pid, signal.SIGKILL)
        if control in ready:
            message, descriptors, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 2)
            if not message:
                for pid in children:
                    os.kill(pid, signal.SIGKILL)
                return
            request = json.loads(message)
            channel, report = descriptors
            limit = None if memory is None else memory + request["memory"]
            pid = os.fork()
            if pid == 0:
                _child(channel, request["cpu"], limit, rules, program)
            os.close(channel)
            children[pid] = _Child(report, time.monotonic() + request["wall"])


def _bury(children: dict[int, _Child]) -> None:
    """Report the end of each child that has ended."""
    for pid in list(children):
        try:
            ended, status, used = os.wait4(pid, os.WNOHANG)
        except ChildProcessError:
            continue
        if ended:
            child = children.pop(pid)
            report = {
                "late": child.late,
                "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
                "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
                "cpu": used.ru_utime + used.ru_stime,
            }
            os.write(child.report, json.dumps(report).encode())
            os.close(child.report)


def _child(channel: int, cpu: float, memory: int | None, rules: int | None, program: bytes | None) -> None:
    """A submission's own process: closes every door, then reads its job."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        limits.limit(cpu, memory)
        if rules is not None:
            landlock.restrict(rules)  # once more: a room of its own, from which not even the waiting process is reached
        os.dup2(channel, 3)
        os.closerange(4, 4096)
        if program is not None:
            seccomp.install(program)
        answer(3, 3)
    finally:
        os._exit(70)


def answer(source: int, sink: int) -> None:
    """Read a job from one descriptor, run it, write its result to another, and end the process."""
    job = wire.unpack(_read(source))
    result = submission.run(job)
    try:
        message = wire.pack(result)
    except wire.WireError:
        message = wire.pack(result | {"records": [], "error": {"kind": "large"}})
    data = struct.pack(">I", len(message)) + message
    while data:
        data = data[os.write(sink, data) :]
    os._exit(0)


def _read(source: int) -> bytes:
    (length,) = struct.unpack(">I", _exactly(source, 4))
    return _exactly(source, length)


def _exactly(source: int, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = os.read(source, length - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def main() -> None:
    """Arguments: "serve" or "once"; the control descriptor; JSON with `readable` and `wanted`."""
    mode, descriptor, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    warm_up()
    if mode == "once":
        memory = limits.address_space()
        limits.limit(options["cpu"] + time.process_time(), None if memory is None else memory + options["memory"])
        sink = os.dup(1)  # what the learner prints past Python goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.write(sink, b"r")  # ready
        answer(0, sink)
    memory = limits.address_space()  # before the walls, behind which /proc is closed
    stands, rules, program = confine(options["readable"], set(options["wanted"]))
    control = socket.socket(fileno=descriptor)
    control.sendall(json.dumps(stands).encode())
    serve(control, memory, rules, program)
