"""CPU time and wall time: each has its own limit, and all processes of a run count."""

from __future__ import annotations

import time
from typing import Final

from sandbox.contract import Backend, Job, Limits
from sandbox.selfcheck.check import Check, described, ended, holds, prints, run

__all__ = ["CHECKS"]

_QUICK_CPU: Final = Limits(cpu_s=0.5, wall_s=10)
_QUICK_WALL: Final = Limits(cpu_s=5, wall_s=1)

_SPIN: Final = """
import os, signal, time

def spin(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
"""

_SPIN_SHORTLY: Final = f"{_SPIN}spin(0.4); print('spun')\n"
_SPIN_LONG: Final = f"{_SPIN}spin(8)\n"

_SPIN_IN_CHILDREN: Final = f"""{_SPIN}
for _ in range(8):
    if os.fork() == 0:
        spin(0.4)
        os._exit(0)
for _ in range(8):
    os.wait()
"""

# A child that nobody waits for is counted in no one's times but in the cgroup's.
_SPIN_UNWAITED: Final = f"""{_SPIN}
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
until = time.monotonic() + 8
while time.monotonic() < until:
    reading, writing = os.pipe()
    if os.fork() == 0:
        spin(0.04)
        os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
"""

_SLEEP: Final = """
import time
print("before", flush=True)
time.sleep(20)
"""

_IGNORE_SIGNALS: Final = """
import signal, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
until = time.monotonic() + 20
while time.monotonic() < until:
    time.sleep(1)
"""

_STOP_ITSELF: Final = """
import os, signal, time
if os.fork() == 0:
    time.sleep(20)
    os.kill(os.getppid(), signal.SIGCONT)
    os._exit(0)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def _over_cpu(backend: Backend) -> str | None:
    return ended(run(backend, Job(source=_SPIN_LONG, limits=_QUICK_CPU)), "cpu_time")


def _cpu_of_children(backend: Backend) -> str | None:
    return ended(run(backend, Job(source=_SPIN_IN_CHILDREN, limits=_QUICK_CPU)), "cpu_time")


def _cpu_of_unwaited_children(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_SPIN_UNWAITED, limits=Limits(cpu_s=0.5, wall_s=6)))
    if not holds(backend, "cpu_cgroup"):
        return ended(ending, "cpu_time", "wall_time")
    if ending.cpu_s < 0.4:
        return f"{described(ending)}: too little CPU is told"
    return ended(ending, "cpu_time")


def _cpu_is_told(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_SPIN_SHORTLY, limits=Limits(cpu_s=5, wall_s=20)))
    return None if 0.35 <= ending.cpu_s <= 2.5 else f"{described(ending)}, where it spun for 0.4 s"


def _sleep_is_no_cpu(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_SLEEP, limits=_QUICK_WALL))
    return ended(ending, "wall_time") if ending.cpu_s < 0.7 else described(ending)


def _wall_is_told(backend: Backend) -> str | None:
    started = time.monotonic()
    ending = run(backend, Job(source="import time; time.sleep(0.3)"))
    elapsed = time.monotonic() - started
    if 0.25 <= ending.wall_s <= elapsed + 0.05:
        return None
    return f"{described(ending)}, where it slept for 0.3 s and {elapsed:.2f} s went by"


def _over_wall(backend: Backend) -> str | None:
    started = time.monotonic()
    ending = run(backend, Job(source=_SLEEP, limits=_QUICK_WALL))
    if time.monotonic() - started > 15:
        return f"{described(ending)}, long after the limit of 1 s"
    return ended(ending, "wall_time")


def _output_before(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_SLEEP, limits=_QUICK_WALL))
    return None if ending.stdout == b"before\n" else f"{described(ending)}, not stdout 'before'"


def _signals_ignored(backend: Backend) -> str | None:
    return ended(run(backend, Job(source=_IGNORE_SIGNALS, limits=_QUICK_WALL)), "wall_time")


def _stopped(backend: Backend) -> str | None:
    return ended(run(backend, Job(source=_STOP_ITSELF, limits=_QUICK_WALL)), "wall_time")


CHECKS: Final = (
    Check(
        "cpu under the limit",
        "contract",
        prints(_SPIN_SHORTLY, "spun\n", limits=Limits(cpu_s=2, wall_s=20)),
        "A program that needs less CPU than its limit is left alone.",
    ),
    Check("cpu over the limit", "rlimits", _over_cpu, "A program that spins ends cpu_time."),
    Check(
        "cpu of children",
        "contract",
        _cpu_of_children,
        "Children that spin, each for less than the limit, end cpu_time together.",
    ),
    Check(
        "cpu of unwaited children",
        "cpu_cgroup",
        _cpu_of_unwaited_children,
        "Short-lived children that nobody waits for are counted too.",
    ),
    Check("cpu seconds", "contract", _cpu_is_told, "The ending tells the CPU seconds used."),
    Check(
        "sleeping is no cpu",
        "contract",
        _sleep_is_no_cpu,
        "A program that sleeps ends wall_time, and is charged no CPU for it.",
    ),
    Check(
        "wall under the limit",
        "contract",
        prints("import time; time.sleep(0.5); print(1)", "1\n", limits=Limits(cpu_s=5, wall_s=10)),
        "A program that sleeps for less than its wall limit is left alone.",
    ),
    Check("wall over the limit", "contract", _over_wall, "A program is ended at its wall limit."),
    Check("wall seconds", "contract", _wall_is_told, "The ending tells how long the program ran."),
    Check(
        "output before a time-out",
        "contract",
        _output_before,
        "What a program wrote before it was ended is kept.",
    ),
    Check("signals ignored", "contract", _signals_ignored, "Ignoring every signal delays nothing."),
    Check("program stopped", "contract", _stopped, "A program that stops itself ends wall_time."),
)
