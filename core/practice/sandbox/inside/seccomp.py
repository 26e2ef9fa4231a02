"""Seccomp: the system calls that computing with tensors needs, and no other.

All others fail with EPERM, which Python turns into an error with the learner's line in it: starting processes and threads,
sockets, signals to others, changing files, mounting, tracing, io_uring, bpf, keys. See `man 2 seccomp`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32 = 0x40000000
"""Calls from here on are those of x32 programs, which the numbers below do not describe."""

# name: (number on x86_64, number on aarch64; None where it does not exist)
_CALLS: dict[str, tuple[int | None, int | None]] = {
    # reading and writing what is open already, and opening what Landlock lets through
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "lseek": (8, 62),
    "close": (3, 57), "open": (2, None), "openat": (257, 56), "getdents64": (217, 61),
    "stat": (4, None), "fstat": (5, 80), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "getcwd": (79, 17),
    "readlink": (89, None), "readlinkat": (267, 78), "poll": (7, None), "ppoll": (271, 73), "select": (23, None),
    "pselect6": (270, 72), "dup": (32, 23),
    # memory
    "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226), "brk": (12, 214),
    "madvise": (28, 233), "mincore": (27, 232), "membarrier": (324, 283),
    # time, locks, signals to oneself
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153), "futex": (202, 98), "sched_yield": (24, 124),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "restart_syscall": (219, 128), "rseq": (334, 293), "set_robust_list": (273, 99), "get_robust_list": (274, 100),
    # what one is
    "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173), "getuid": (102, 174), "geteuid": (107, 175),
    "getgid": (104, 176), "getegid": (108, 177), "getrlimit": (97, 163), "getrusage": (98, 165), "uname": (63, 160),
    "sched_getaffinity": (204, 123), "getcpu": (309, 168), "getrandom": (318, 278),
    "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip

# name: (numbers, which argument, its allowed values)
_CALLS_WITH: dict[str, tuple[tuple[int, int], int, tuple[int, ...]]] = {
    "prlimit64": ((302, 261), 2, (0,)),  # asking for a limit, not setting one
    "fcntl": ((72, 25), 1, (1, 2, 3, 1030)),  # flags and copies; never the owner, who would get signals
}

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column in the table, and the kernel's name for the architecture."""


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def available() -> bool:
    """Return True if the kernel filters system calls and the table has an entry for this machine."""
    # PR_GET_SECCOMP (21) says 0 where filters exist and none is set, 2 where one is set.
    return platform.machine() in _MACHINES and ctypes.CDLL(None).prctl(21, 0, 0, 0, 0) in (0, 2)


def program() -> bytes:
    """The filter in the kernel's form, made once and used for each process.

    Raises:
        KeyError: the machine is neither x86_64 nor aarch64.
    """
    column, architecture = _MACHINES[platform.machine()]

    def step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
        return struct.pack("=HBBI", code, then, otherwise, value)

    steps = [
        step(_LOAD, _ARCHITECTURE),
        step(_EQUAL, architecture, 1, 0),
        step(_RETURN, _KILL),
        step(_LOAD, _NUMBER),
        step(_AT_LEAST, _X32, 0, 1),
        step(_RETURN, _KILL),
    ]
    for numbers in _CALLS.values():
        if numbers[column] is not None:
            steps += [step(_EQUAL, numbers[column], 0, 1), step(_RETURN, _ALLOW)]
    for numbers, argument, values in _CALLS_WITH.values():
        place = _ARGUMENTS + 8 * argument  # 64 bits: the low half first, and the high half must be zero
        checks = [step(_LOAD, place + 4), step(_EQUAL, 0, 0, 2 * len(values) + 1), step(_LOAD, place)]
        for value in values:
            checks += [step(_EQUAL, value, 0, 1), step(_RETURN, _ALLOW)]
        checks += [step(_RETURN, _REFUSE)]
        steps += [step(_EQUAL, numbers[column], 0, len(checks)), *checks]
    return b"".join([*steps, step(_RETURN, _REFUSE)])


def install(instructions: bytes) -> None:
    """Filter this process's system calls from now on; it cannot be undone.

    Raises:
        OSError: the kernel refuses, for instance because `limits.forgo_new_privileges` was not called.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    filter_ = _Program(len(instructions) // 8, instructions)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filter_), 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
