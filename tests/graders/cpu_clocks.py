"""The CPU time and the memory that grading takes, its children's too, to the nanosecond."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["CpuMeter", "Growth", "children_cpu_s", "family_cpu_s", "least_cpu_s"]

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_TRIES: Final = 5
_WORDS: Final = "a word Like 1234 THIS, " * 20_000
# What `_yardstick` takes on the machine that the limits were measured on.
_YARDSTICK_S: Final = 0.02


def least_cpu_s(
    work: Callable[[], object], enough_s: float, clock: Callable[[], float] = time.thread_time
) -> float:
    """What the work takes of the clock, untraced: again and again until it is little enough.

    A busy machine may take a cache from under a thread; what the work itself needs, it always does.
    A slow one takes longer for whatever it does: after the first try, its seconds are worth less.
    """
    least = float("inf")
    for tried in range(_TRIES):
        with _untraced():
            before = _yardstick() if tried else _YARDSTICK_S
            started = clock()
            work()
            spent = clock() - started
            slowness = (before + _yardstick()) / 2 / _YARDSTICK_S if tried else 1.0
            least = min(least, spent / max(1.0, slowness))
        if least <= enough_s:
            break
    return least


def _yardstick() -> float:
    """The CPU seconds of a fixed piece of work, of the kind that graders do."""
    started = time.thread_time()
    sum(map(str.isupper, re.findall(r"\w+", _WORDS)))
    return time.thread_time() - started


@contextmanager
def _untraced() -> Iterator[None]:
    """Without coverage's tracing, which makes every line cost several."""
    tracing = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracing)


def family_cpu_s() -> float:
    """CPU seconds of this thread and of all children of this process."""
    return time.thread_time() + children_cpu_s()


class CpuMeter:
    """CPU seconds of this thread and of all children, from one asking to the next."""

    def __init__(self) -> None:
        self._children = children_cpu_s()
        self._thread = time.thread_time()

    def lap(self, *, asked_child: bool = True) -> float:
        """What was used since the last lap; without the children where none was asked."""
        thread = time.thread_time()
        used = thread - self._thread
        if asked_child:
            children = children_cpu_s()
            used += children - self._children
            self._children = children
        self._thread = time.thread_time()
        return used


def children_cpu_s() -> float:
    """User and system time of all children of this process, dead ones included."""
    total, waiting = 0.0, _children(os.getpid())
    while waiting:
        pid = waiting.pop()
        try:
            # The clock of a process is numbered by its complement; see clock_getcpuclockid(3).
            total += time.clock_gettime((~pid << 3) | 2)
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[13:15])) / _TICKS
        waiting += _children(pid)
    return total


class Growth:
    """How much memory this process takes on from now on, or any of its descendants holds."""

    def __init__(self) -> None:
        # Writing 5 sets the peak back to what is held now; see proc(5).
        Path("/proc/self/clear_refs").write_text("5")
        self._before = _high_water(os.getpid())

    def peak_bytes(self) -> int:
        """The most since then."""
        peak, waiting = _high_water(os.getpid()) - self._before, _children(os.getpid())
        while waiting:
            pid = waiting.pop()
            peak = max(peak, _high_water(pid))
            waiting += _children(pid)
        return peak


def _high_water(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    sizes = [line for line in lines if line.startswith("VmHWM:")]
    return sum(int(line.split()[1]) * 1024 for line in sizes)


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return found
