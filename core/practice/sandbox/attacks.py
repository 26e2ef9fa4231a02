"""Attacks that the sandbox runs against itself at its start, and the tests against it: each is a submission like any
other.

An attack returns what it got hold of; an error, a killed process, None or an empty value mean that it got nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    """One attempt.

    Attributes:
        name: what it is after.
        body: the body of the function that a submission defines; {place}, {port}, {secret} are filled in.
        wall: "isolation" (what only the kernel's walls stop) or "limits" (what every process is limited in).
        status: how it must end where it must not return: "time" and so on; None if any failure will do.
    """

    name: str
    body: str
    wall: str = "isolation"
    status: str | None = None

    def code(self, **blanks: object) -> str:
        """The submission: a function `attack(value)`."""
        lines = self.body.strip().format(**blanks).splitlines()
        return "def attack(value):\n" + "\n".join(f"    {line}" for line in lines) + "\n"


ATTACKS = (
    Attack("read_file", "return open({place!r} + '/secret').read()"),
    Attack("read_passwords", "return open('/etc/passwd').read()"),
    Attack("read_project", "return open({project!r}).read()"),
    Attack("list_folder", "import os\nreturn os.listdir({place!r}) or os.listdir('/')"),
    Attack("write_file", "open({place!r} + '/written', 'w').write('x')\nreturn 'written'"),
    Attack("write_shared_memory", "open('/dev/shm/distillery', 'w').write('x')\nreturn 'written'"),
    Attack("symlink", "import os\nos.symlink({place!r} + '/secret', '/tmp/link')\nreturn open('/tmp/link').read()"),
    Attack("change_file", "import os\nos.chmod({place!r} + '/secret', 0o777)\nreturn 'changed'"),
    Attack("network_address", "import socket\nreturn str(socket.create_connection(('127.0.0.1', {port}), 1))"),
    Attack("network_name", "import socket\nreturn str(socket.getaddrinfo('localhost', {port}))"),
    Attack("network_datagram", "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nreturn 'socket'"),
    Attack("unix_socket", "import socket\nsocket.socket(socket.AF_UNIX)\nreturn 'socket'"),
    Attack("subprocess", "import subprocess\nreturn subprocess.check_output(['/bin/echo', 'out']).decode()"),
    Attack("shell", "import os\nreturn 'ran' if os.system('true') == 0 else None"),
    Attack("fork", "import os\npid = os.fork()\nif pid == 0:\n    os._exit(0)\nreturn 'forked'"),
    Attack(
        "fork_bomb",
        "import os\nfor _ in range(100):\n    if os.fork() == 0:\n        import time\n        time.sleep(20)\nreturn 'forked'",
    ),
    Attack("thread", "import threading\nthreading.Thread(target=print).start()\nreturn 'started'"),
    Attack("exec", "import os\nos.execv('/bin/true', ['true'])"),
    Attack(
        "environment", "import os\nreturn [name for name, text in os.environ.items() if {secret!r} in text] or None"
    ),
    Attack("own_proc", "return open('/proc/self/environ', 'rb').read().decode()"),
    Attack(
        "all_proc",
        "import os\nreturn [pid for pid in os.listdir('/proc') if pid.isdigit() and open(f'/proc/{{pid}}/cmdline').read()]",
    ),
    Attack("parent_memory", "import os\nopen(f'/proc/{{os.getppid()}}/mem', 'rb').seek(1)\nreturn 'opened'"),
    Attack("kill_parent", "import os\nos.kill(os.getppid(), 9)\nreturn 'killed'"),
    Attack("kill_all", "import os, signal\nos.kill(-1, signal.SIGTERM)\nreturn 'killed'"),
    Attack(
        "ctypes_system",
        "import ctypes\nreturn 'ran' if ctypes.CDLL(None).system(b'true') == 0 else None",
    ),
    Attack(
        "ctypes_ptrace",
        "import ctypes, os\nreturn 'traced' if ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0 else None",
    ),
    Attack(
        "ctypes_open",
        "import ctypes\nreturn 'opened' if ctypes.CDLL(None).open(b'/etc/passwd', 0) >= 0 else None",
    ),
    Attack("user_namespace", "import ctypes\nreturn 'made' if ctypes.CDLL(None).unshare(0x10000000) == 0 else None"),
    Attack(
        "signal_by_descriptor",
        "import fcntl, os\nfcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())\nreturn 'owned'",
    ),
    Attack("other_descriptors", "import os\nos.write(4, b'x')\nreturn 'written'"),
    Attack("memory", "import torch\nreturn torch.ones(10**9).shape[0]", "limits"),
    Attack("python_memory", "return len(bytearray(3 * 10**9))", "limits"),
    Attack(
        "disk",
        "with open({place!r} + '/large', 'wb') as file:\n    for _ in range(100):\n        file.write(bytes(10**6))\n"
        "return 'filled'",
    ),
    Attack("computing_time", "while True:\n    pass", "limits", "time"),
    Attack("waiting_time", "import time\ntime.sleep(600)\nreturn 'slept'", "limits", "time"),
    Attack(
        "swallowed_errors",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        "limits",
        "time",
    ),
    Attack("huge_output", "import torch\nreturn torch.zeros(10**7)", "limits"),
    Attack("raw_output", "import os\nwhile True:\n    os.write(3, bytes(10**6))", "limits"),
    Attack("deep_output", "nested = []\nfor _ in range(10**5):\n    nested = [nested]\nreturn nested", "limits"),
    Attack("exit", "import os\nos._exit(0)", "limits"),
    Attack("crash", "import ctypes\nreturn ctypes.string_at(0)", "limits", "crashed"),
    Attack(
        "pickle", "class Bomb:\n    def __reduce__(self):\n        return print, ('boom',)\nreturn Bomb()", "limits"
    ),
)
"""In this order; those that take their whole time come late."""
