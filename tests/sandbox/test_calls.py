from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox import (
    CallCrashed,
    CallError,
    CallLimits,
    CallOutOfMemory,
    CallRaised,
    CallTimedOut,
    CallUnavailable,
    call,
    close_calls,
    warm_calls,
)
from sandbox.call_contract import Json
from tests.live import alive, children, command_line, own_children, wait_until
from tests.sandbox import functions

LIMITS = CallLimits(cpu_s=5, wall_s=60)
MIB = 2**20


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    before = set(own_children(os.getpid()))
    yield
    close_calls()
    wait_until(lambda: set(own_children(os.getpid())) <= before)


def _zygote() -> int:
    """The one that this process has started."""
    ours = own_children(os.getpid())
    (zygote,) = [pid for pid in ours if "zygote" in command_line(pid) and children(pid)]
    return zygote


def test_returns_what_the_function_returns() -> None:
    assert call(functions.add, 2, 3, limits=LIMITS) == 5


def test_a_warm_child_serves_again_and_again() -> None:
    warm_calls(())
    zygote = _zygote()
    pids = {call(functions.pid_of_child, limits=LIMITS) for _ in range(5)}
    assert pids == set(children(zygote))


def test_a_child_is_renewed_after_its_share_of_calls() -> None:
    pids = {call(functions.pid_of_child, limits=LIMITS) for _ in range(501)}
    assert len(pids) == 2


ENDINGS: list[tuple[Callable[..., Json], list[Json], CallLimits, type[CallError], str]] = [
    (functions.spin, [], CallLimits(cpu_s=0.1), CallTimedOut, "0.1 s of CPU"),
    (functions.spin_in_c, [], CallLimits(cpu_s=0.1), CallTimedOut, "0.1 s of CPU"),
    (functions.hog, [], CallLimits(memory_bytes=64 * MIB), CallOutOfMemory, "67108864 bytes"),
    (functions.segfault, [], LIMITS, CallCrashed, "signal 11"),
    (functions.boom, ["why"], LIMITS, CallRaised, "LookupError: why"),
    (functions.flood, [1000], CallLimits(output_bytes=999), CallRaised, "the limit is 999"),
    (functions.sleep_for_ever, [], CallLimits(wall_s=0.2), CallUnavailable, "overloaded"),
    (functions.killed_from_outside, [], LIMITS, CallUnavailable, "killed from outside"),
]


@pytest.mark.parametrize(
    ("function", "arguments", "limits", "error", "words"),
    ENDINGS,
    ids=[ending[0].__name__ for ending in ENDINGS],
)
def test_each_way_to_end_has_its_name_and_harms_no_other(
    function: Callable[..., Json],
    arguments: list[Json],
    limits: CallLimits,
    error: type[CallError],
    words: str,
) -> None:
    with pytest.raises(error, match=re.escape(words)):
        call(function, *arguments, limits=limits)
    assert call(functions.add, 2, 3, limits=LIMITS) == 5


def test_an_accident_is_not_held_against_the_item(tmp_path: Path) -> None:
    assert call(functions.crash_once, str(tmp_path / "once"), limits=LIMITS) == "second time lucky"


def test_a_function_that_raises_is_not_run_twice_for_memory_below_its_limit() -> None:
    assert call(functions.flood, 4096, limits=CallLimits(output_bytes=8192)) == "x" * 4096


def test_calls_run_side_by_side_and_one_that_hangs_delays_no_other() -> None:
    with ThreadPoolExecutor(4) as threads:
        hung = threads.submit(call, functions.spin, limits=CallLimits(cpu_s=1, wall_s=60))
        sums = [threads.submit(call, functions.add, n, n, limits=LIMITS) for n in range(30)]
        assert [one.result() for one in sums] == [2 * n for n in range(30)]
        with pytest.raises(CallTimedOut):
            hung.result()


def test_nothing_of_ours_reaches_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "canary")
    with Path(__file__).open() as stray:
        os.set_inheritable(stray.fileno(), True)
        environment = call(functions.environment, limits=LIMITS)
        descriptors = call(functions.descriptors, limits=LIMITS)
    assert isinstance(environment, dict)
    assert isinstance(descriptors, list)
    assert set(environment) <= {"LC_CTYPE"}
    # The three standard ones, its own socket, and the folder it reads to find out.
    assert len(descriptors) == 5


def test_the_parent_of_the_children_never_holds_an_argument() -> None:
    canary = "gold-" + os.urandom(8).hex()
    assert call(functions.echo, canary, limits=LIMITS) == canary
    zygote = _zygote()
    (child,) = children(zygote)
    assert canary.encode() in _memory_of(child)
    assert canary.encode() not in _memory_of(zygote)


def _memory_of(pid: int) -> bytes:
    """What the process holds in its heap and anonymous memory."""
    found = bytearray()
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, access, *_, name = f"{line} .".split()[:7]
            if access.startswith("rw") and not name.startswith("/"):
                start, end = (int(number, 16) for number in span.split("-"))
                try:
                    memory.seek(start)
                    found += memory.read(end - start)
                except OSError:
                    continue
    return bytes(found)


def test_a_killed_zygote_is_replaced() -> None:
    warm_calls(())
    zygote = _zygote()
    family = [zygote, *children(zygote)]
    os.kill(zygote, signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in family))
    assert call(functions.add, 2, 3, limits=LIMITS) == 5


def test_preload_is_done_once_before_the_children_are_forked() -> None:
    preload = ("json", "tests.sandbox.functions:remember_pid")
    remembered = call(functions.remembered_pid, limits=LIMITS, preload=preload)
    zygote = _zygote()
    assert remembered == zygote


def test_a_preload_that_fails_is_this_hosts_fault() -> None:
    with pytest.raises(CallUnavailable, match="no child could be started"):
        call(functions.add, 2, 3, limits=LIMITS, preload=("no_such_module",))


OWNER = """
import os, sys, threading
from sandbox import CallLimits, call
from tests.sandbox import functions
limits = CallLimits(cpu_s=600, wall_s=600)
call(functions.add, 1, 1, limits=limits)
arguments = {"target": call, "args": (functions.spin,), "kwargs": {"limits": limits}}
threading.Thread(**arguments, daemon=True).start()
sys.stdout.write("up\\n")
sys.stdout.flush()
threading.Event().wait()
"""


def test_nothing_outlives_an_owner_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        family = children(owner.pid)
        assert len(family) >= 2
        owner.kill()
        wait_until(lambda: not any(alive(pid) for pid in family), limit_s=10)


@pytest.mark.parametrize("field", ["cpu_s", "wall_s", "memory_bytes", "output_bytes"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_limits_are_finite_and_positive(field: str, value: float) -> None:
    # Any: a limit that is no int is what is tried.
    change: dict[str, Any] = {field: value}
    with pytest.raises(ValueError, match=field):
        replace(LIMITS, **change)


def test_closing_while_a_call_runs_ends_that_call() -> None:
    with ThreadPoolExecutor(1) as threads:
        started = threading.Event()
        hung = threads.submit(_spin_after, started)
        started.wait()
        wait_until(_has_children)
        close_calls()
        with pytest.raises(CallError):
            hung.result()


def _has_children() -> bool:
    ours = own_children(os.getpid())
    return any(children(pid) for pid in ours if "zygote" in command_line(pid))


def _spin_after(started: threading.Event) -> Json:
    started.set()
    return call(functions.spin, limits=CallLimits(cpu_s=3, wall_s=60))
