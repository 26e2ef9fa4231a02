"""Resource limits and given-up rights of the process that runs a learner's code, where the system has them (Unix)."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP = 4, 38, 24
_CAPSET = {"x86_64": 126, "aarch64": 91}
_NOBODY = 65534

OPEN_FILES = 32


def limit(cpu_seconds: float, memory: int | None) -> None:
    """Limit this process: computing time in all, addresses (bytes; None for no limit), files, processes."""
    if resource is None:
        return
    whole = int(cpu_seconds) + 1
    wanted = {
        "RLIMIT_CPU": (whole, whole + 1),
        "RLIMIT_AS": memory,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_NPROC": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
    }
    for name, value in wanted.items():
        if value is None or not hasattr(resource, name):
            continue  # a limit that this system does not know
        soft, hard = value if isinstance(value, tuple) else (value, value)
        known, (_, most) = getattr(resource, name), resource.getrlimit(getattr(resource, name))
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(known, (soft, hard))


def address_space() -> int | None:
    """Bytes of addresses that this process has now; None where the system does not say."""
    if sys.platform != "linux":
        return None
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def forgo_new_privileges() -> None:
    """No program started from here gets more rights than this one, and no other process may look into it (Linux).

    Raises:
        OSError: the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def become_nobody(needed: Iterable[str]) -> bool:
    """Give up root: its name, if others may read the files that Python needs, and in any case its capabilities.

    Returns:
        Whether the process is now another user than before.
    """
    if os.geteuid() != 0:
        return False
    machine = os.uname().machine
    for capability in range(64):
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    renamed = all(map(_open_to_all, needed))
    if renamed:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)  # the kernel takes the capabilities away with the name
    elif machine in _CAPSET:
        header = struct.pack("=Ii", 0x20080522, 0)
        if ctypes.CDLL(None).syscall(_CAPSET[machine], header, bytes(24)):
            raise OSError("the capabilities could not be given up")
    return renamed


def _open_to_all(path: str) -> bool:
    place = Path(path)
    if not place.exists():
        return True
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (place.resolve(), *place.resolve().parents))
