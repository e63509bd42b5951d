"""Memory: all of a run's processes count together, mapped or not."""

from __future__ import annotations

from typing import Final

from sandbox.contract import Backend, Job, Limits
from sandbox.selfcheck.check import MIB, Check, described, ended, holds, prints, run

__all__ = ["CHECKS"]

_LIMITS: Final = Limits(cpu_s=10, wall_s=20, memory_bytes=256 * MIB, disk_bytes=64 * MIB)

_TOUCH: Final = """
import os, time

def touch(mib):
    blocks = []
    for _ in range(mib):
        block = bytearray(1 << 20)
        block[::4096] = b"x" * 256
        blocks.append(block)
    return blocks
"""

_UNDER: Final = f"{_TOUCH}held = touch(200); print('held', len(held))\n"

# It holds what it has for a while: where there is a watchdog only, that one looks now and then.
_OVER: Final = f"{_TOUCH}held = touch(320); time.sleep(2); print('held')\n"

_SPREAD: Final = f"""{_TOUCH}
for _ in range(4):
    if os.fork() == 0:
        held = touch(110)
        time.sleep(3)
        os._exit(0)
for _ in range(4):
    os.wait()
print("held")
"""

# Pages of a memfd belong to no process.
_IN_MEMFDS: Final = """
import os, time
files = []
for number in range(12):
    files.append(os.memfd_create(str(number)))
    for _ in range(32):
        os.write(files[-1], bytes(1 << 20))
print("held", flush=True)
time.sleep(1)
"""

_PEAK: Final = f"{_TOUCH}held = touch(100); time.sleep(0.2); print('held')\n"


def _over(backend: Backend) -> str | None:
    return ended(run(backend, Job(source=_OVER, limits=_LIMITS)), "memory")


def _spread(backend: Backend) -> str | None:
    return ended(run(backend, Job(source=_SPREAD, limits=_LIMITS)), "memory")


def _in_memfds(backend: Backend) -> str | None:
    if not holds(backend, "memory_cgroup"):
        return None
    return ended(run(backend, Job(source=_IN_MEMFDS, limits=_LIMITS)), "memory")


def _peak(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_PEAK, limits=_LIMITS))
    peak = ending.peak_memory_bytes
    if peak is None and not holds(backend, "memory_cgroup"):
        return None
    if peak is not None and 90 * MIB <= peak <= 256 * MIB:
        return None
    return f"{described(ending)}: the peak is told as {peak}, where it held 100 MiB"


CHECKS: Final = (
    Check(
        "memory under the limit",
        "contract",
        prints(_UNDER, "held 200\n", limits=_LIMITS),
        "200 of 256 MiB can be had.",
    ),
    Check("memory over the limit", "memory_cgroup", _over, "320 of 256 MiB end `memory`."),
    Check(
        "memory spread over children",
        "memory_cgroup",
        _spread,
        "Four children with 110 MiB each end `memory` where the limit is 256 MiB.",
    ),
    Check(
        "memory that nobody maps",
        "memory_cgroup",
        _in_memfds,
        "What lies in a memfd counts as memory.",
    ),
    Check("peak memory", "memory_cgroup", _peak, "The ending tells the most memory held at once."),
)
