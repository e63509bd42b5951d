"""What jobs and limits may be, what a level of isolation takes, and how endings are named."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from typing import Any

import pytest

from sandbox import LAYERS, Floor, Isolation, Job, Layer, Limits
from sandbox.contract import LayerName
from sandbox.endings import Signs, Verdict, judge

GOOD = [
    {"source": "pass"},
    {"argv": ("./a", "", "ü")},
    {"source": "", "files": {"a/b/.c": b"", "...": b""}, "fetch": ("x" * 255,)},
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "either source or argv"),
    ({"source": "pass", "argv": ("a",)}, "either source or argv"),
    ({"argv": ("a\0b",)}, "argument 'a\\x00b'"),
    ({"argv": ("\ud800",)}, "argument '\\ud800'"),
    ({"source": "x = '\ud800'"}, "surrogate"),
    ({"source": "", "files": {f"f{n}": b"" for n in range(257)}}, "at most 256 files"),
    *(
        ({"source": "", key: {name: b""} if key == "files" else (name,)}, "plain path")
        for key in ("files", "fetch")
        for name in ("", "/", "/x", "x/", "a//b", ".", "..", "../x", "a/../x", "a/./x", "a\0b")
    ),
    ({"source": "", "files": {"x" * 256: b""}}, "longer than 255 bytes"),
    ({"source": "", "files": {"é" * 128: b""}}, "longer than 255 bytes"),
]


@pytest.mark.parametrize("fields", GOOD)
def test_good_jobs(fields: dict[str, Any]) -> None:
    Job(**fields)


@pytest.mark.parametrize(("fields", "message"), BAD)
def test_bad_jobs(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Job(**fields)


@pytest.mark.parametrize("name", Limits.__dataclass_fields__)
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), 2**62])
def test_limits_are_positive_and_finite(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"Limits.{name} must be positive"):
        Limits(**{name: value})  # type: ignore[arg-type]  # as a caller may who has a table


EVERY = Isolation(backend="b", layers=tuple(Layer(name, True, "how") for name in LAYERS))


def without(*names: LayerName) -> Isolation:
    return replace(
        EVERY, layers=tuple(Layer(la.name, la.name not in names, "how") for la in EVERY.layers)
    )


@pytest.mark.parametrize(
    ("isolation", "level"),
    [
        (EVERY, "strict"),
        (without("memory_cgroup"), "standard"),
        (without("memory_cgroup", "pids_cgroup", "cpu_cgroup"), "standard"),
        (without("seccomp"), None),
        (without("rlimits", "cpu_cgroup"), None),
        (Isolation(backend="b", layers=()), None),
    ],
)
def test_levels(isolation: Isolation, level: Floor | None) -> None:
    assert isolation.level == level
    assert isolation.meets("strict") == (level == "strict")
    assert isolation.meets("standard") == (level is not None)


def test_the_digest_tells_layers_apart() -> None:
    digests = {isolation.digest for isolation in (EVERY, without("uid"), without("seccomp"))}
    assert len(digests) == 3
    assert replace(EVERY).digest == EVERY.digest


KILLED = signal.SIGKILL
BASE = Signs(wait_status=0, stopped=None, over_cpu=False, out_of_memory=False, refused_forks=False)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict("exited", status=0)),
        ({"wait_status": 3 << 8}, Verdict("exited", status=3)),
        ({"wait_status": KILLED}, Verdict("signalled", signal=9)),
        ({"wait_status": signal.SIGSYS}, Verdict("forbidden_syscall", signal=31)),
        ({"wait_status": signal.SIGXCPU}, Verdict("cpu_time")),
        ({"over_cpu": True}, Verdict("cpu_time")),
        ({"stopped": "wall_time", "wait_status": KILLED}, Verdict("wall_time")),
        ({"stopped": "cpu_time", "wait_status": KILLED, "over_cpu": True}, Verdict("cpu_time")),
        ({"refused_forks": True}, Verdict("exited", status=0)),
        ({"refused_forks": True, "wait_status": 1 << 8}, Verdict("processes", status=1)),
        (
            {"refused_forks": True, "wait_status": KILLED, "stopped": "wall_time"},
            Verdict("processes"),
        ),
        ({"out_of_memory": True}, Verdict("memory")),
        ({"out_of_memory": True, "stopped": "output", "wait_status": KILLED}, Verdict("memory")),
        ({"stopped": "output", "refused_forks": True, "wait_status": KILLED}, Verdict("output")),
        ({"stopped": "output"}, Verdict("output")),
    ],
)
def test_endings_are_named(changes: dict[str, Any], verdict: Verdict) -> None:
    assert judge(replace(BASE, **changes)) == verdict
