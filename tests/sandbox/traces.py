"""What runs could leave on this host, and programs that try to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox import Job, Limits
from tests.live import children

__all__ = ["HONEST", "HOSTILE", "LIMITS", "PROCESSES_OF_A_SLOT", "own_memory_bytes", "traces"]

LIMITS: Final = Limits(cpu_s=5, wall_s=60, memory_bytes=64 << 20, processes=8)
HONEST: Final = Job(source="print(sum(map(int, input().split())))", stdin=b"1 2\n", limits=LIMITS)
HOSTILE: Final = [
    Job(source=source, limits=LIMITS)
    for source in (
        "while True: print('x' * 65536)",
        "import os, time\nfor _ in range(20):\n    if os.fork() == 0: time.sleep(60)",
        "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.closerange(0, 64)\n        while True: pass\n    os._exit(0)",
        "x = bytearray(256 << 20)\nx[::4096] = b'x' * len(x[::4096])",
        "import os\nfor i in range(100000): open(f'/tmp/{i}', 'w').close()",
        "import os\nopen('/dev/shm/left', 'wb').write(bytes(1 << 20))\nos.kill(os.getpid(), 9)",
        "import os, signal\nfor pid in (-1, 1, os.getppid() or 1):\n"
        "    try: os.kill(pid, signal.SIGKILL)\n    except OSError: pass",
        "import ctypes\nctypes.CDLL(None).syscall(0x40000000 | 39)",
        "import socket\nkept = [socket.socket(socket.AF_UNIX) for _ in range(1000)]",
        "import os\nos.mkfifo('out')\nos.symlink('/etc/passwd', 'link')\nos.abort()",
    )
]
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the host's, to be looked at
PROCESSES_OF_A_SLOT: Final = 5
"""The launcher, the warm parent, a run's init, the program and its daemon."""


def traces() -> dict[str, list[str]]:
    """Everything that a run could leave on this host."""
    cgroups = [path for path in Path("/sys/fs/cgroup").rglob(f"touchstone-{os.getpid()}-*")]
    own = [os.getpid(), *children(os.getpid())]
    return {
        "processes": sorted(str(pid) for pid in own),
        "namespaces": sorted({link for pid in own for link in _namespaces(pid)}),
        "threads": sorted(path.name for path in Path("/proc/self/task").iterdir()),
        "descriptors": sorted(path.name for path in Path("/proc/self/fd").iterdir()),
        "mounts": [
            line for line in Path("/proc/self/mounts").read_text().splitlines() if "scratch" in line
        ],
        "cgroups": sorted(map(str, cgroups)),
        "shared memory": sorted(path.name for path in _SHARED_MEMORY.iterdir()),
        "System V": Path("/proc/sysvipc/shm").read_text().splitlines(),
    }


def _namespaces(pid: int) -> Iterator[str]:
    with suppress(FileNotFoundError, ProcessLookupError):
        yield from (str(link.readlink()) for link in Path(f"/proc/{pid}/ns").iterdir())


def own_memory_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
