"""The docker backend keeps every promise, and the suite notices each layer that is missing."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from sandbox import Isolation
from sandbox.backends.docker import DockerBackend, DockerOptions
from sandbox.contract import LAYERS, LayerName
from sandbox.selfcheck import CHECKS, Check, conversations, honest, leftovers, run_checks
from tests.sandbox.claiming import Claiming, noticed
from tests.sandbox.docker_daemon import own, runs_gvisor, unusable

REASON: Final = unusable()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

OPTIONS: Final = {
    "fresh": DockerOptions(),
    "pooled": DockerOptions(policy="pooled"),
    "gvisor": DockerOptions(runtime="runsc"),
}
# gVisor's kernel is another one, and no limit of ours can make it do what it does not know.
NOT_GVISOR: Final = {
    "disk fill over all folders": "its /dev/shm and /tmp are tmpfs of their own, each limited",
    "fallocate": "as above",
    "inode fill": "a tmpfs takes no limit of inodes; the memory limit bounds them",
    "inode fill over all folders": "as above",
    "host folders": "its /dev is writable, in the sandbox's memory",
    "memory of other processes": "it knows no dumpable processes: maps and links are shown",
    "raise priority": "niceness means nothing there",
    "kernel settings": "its oom_score_adj is a file without effect",
    "sys and cgroups": "its /sys is made up, and does not say that it is read-only",
    "devices": "its /dev/fuse and /dev/net/tun are made up",
}
# Of conversations, which take ten seconds there, those that show both ways to talk.
_TALKS: Final = [c for c in conversations.CHECKS if c.name.startswith("talk ")]


class Variant(NamedTuple):
    """One way to run the suite."""

    name: str
    backend: DockerBackend


def _variants() -> list[str]:
    return ["fresh", "pooled", *(["gvisor"] if REASON is None and runs_gvisor() else [])]


def _some_of_each_layer(count: int) -> list[Check]:
    """The first checks of every layer that gVisor keeps, too."""
    kept = [c for c in CHECKS if c.name not in NOT_GVISOR]
    return [c for layer in LAYERS for c in [k for k in kept if k.layer == layer][:count]]


# A run takes seconds under gVisor, and `python -m sandbox.selfcheck` makes them all: here a pool
# shows what one program could leave for the next, and gVisor what its kernel must be able to do.
_CHECKS_OF: Final = {
    "fresh": CHECKS,
    "pooled": list(dict.fromkeys([*_some_of_each_layer(1), *leftovers.CHECKS, *_TALKS])),
    "gvisor": list(dict.fromkeys([*_some_of_each_layer(1), *honest.CHECKS, *_TALKS])),
}


def _checks() -> list[tuple[str, str]]:
    return [(variant, check.name) for variant in _variants() for check in _CHECKS_OF[variant]]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert not own()


@pytest.fixture(scope="module")
def variant(request: pytest.FixtureRequest) -> Iterator[Variant]:
    backend = DockerBackend(OPTIONS[request.param], slots=4)
    yield Variant(request.param, backend)
    backend.close()


@pytest.mark.parametrize(("variant", "name"), _checks(), indirect=["variant"])
def test_conforms(variant: Variant, name: str) -> None:
    (result,) = run_checks(variant.backend, names=[name])
    assert result.passed, result.found


@pytest.mark.parametrize("variant", _variants(), indirect=True)
def test_the_layers_are_told(variant: Variant) -> None:
    isolation = variant.backend.isolation()
    wanted = "standard" if variant.name == "gvisor" else "strict"
    assert isolation.level == wanted, isolation.missing
    assert isolation.backend.startswith("docker ")


def test_every_exception_for_gvisor_is_a_check() -> None:
    assert {check.name for check in CHECKS} >= NOT_GVISOR.keys()


@pytest.fixture(scope="module")
def whole() -> Iterator[Isolation]:
    backend = DockerBackend(DockerOptions(), slots=1)
    yield backend.isolation()
    backend.close()


@pytest.fixture
def no_segments_left() -> Iterator[None]:
    """A suite without the layer `ipc` leaves on this host what it would leave in a box."""
    yield
    libc = ctypes.CDLL(None)
    for key in (0x746F7563, 0x746F7564):
        libc.shmctl(libc.shmget(key, 0, 0), 0, None)
        libc.semctl(libc.semget(key, 0, 0), 0, 0)
        libc.msgctl(libc.msgget(key, 0), 0, None)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("no_segments_left")
@pytest.mark.parametrize("layer", LAYERS)
def test_without_a_layer_it_is_missing_and_the_suite_turns_red(
    whole: Isolation, layer: LayerName
) -> None:
    backend = DockerBackend(DockerOptions(), slots=4, without=frozenset({layer}))
    try:
        isolation = backend.isolation()
        red = noticed(Claiming(backend, whole), layer)
    finally:
        backend.close()
    assert layer in {missing.name for missing in isolation.missing}
    assert not isolation.meets("strict")
    assert red is not None, "no check of the layer noticed"
    assert not red.found.startswith("not_started"), red.found
