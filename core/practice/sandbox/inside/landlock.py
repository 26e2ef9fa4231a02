"""Landlock: the kernel lets this process, and all it starts, open only the files named here, and no TCP port.

It needs no rights and no namespaces, and cannot be undone. See `man 7 landlock` and the kernel's userspace-api/landlock.rst:
version 4 added TCP, 5 device ioctl, 6 signals and abstract sockets.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same numbers on every architecture
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_ALL_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""Number of rights on files in each version; later ones have 16."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _syscall(number: int, *arguments: object) -> int:
    result = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def version() -> int:
    """Landlock's version in this kernel, 0 if there is none."""
    try:
        return _syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    except (OSError, AttributeError):
        return 0


def ruleset(readable: Iterable[str]) -> int:
    """A set of rules, as a file descriptor: these files and folders may be read, and nothing else may be done.

    Raises:
        OSError: the kernel refuses.
    """
    known = version()
    rights = (1 << _ALL_FILE_RIGHTS.get(known, 16)) - 1
    attributes = struct.pack("=QQQ", rights, 3, 3)  # files, TCP (bind, connect), scope (abstract sockets, signals)
    size = 8 if known < 4 else 16 if known < 6 else 24
    rules = _syscall(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    for path in readable:
        if not Path(path).exists():
            continue
        allowed = _READ_FILE | (_READ_DIR if Path(path).is_dir() else 0)
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", allowed, place)
            _syscall(
                _ADD_RULE, ctypes.c_int(rules), ctypes.c_int(_PATH_BENEATH), ctypes.c_char_p(rule), ctypes.c_uint32(0)
            )
        finally:
            os.close(place)
    return rules


def restrict(rules: int) -> None:
    """Put this process behind the rules; a second call puts it into a room of its own behind the same rules.

    Raises:
        OSError: the kernel refuses, for instance because `limits.forgo_new_privileges` was not called.
    """
    _syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0))
