"""Which layers hold, as a program in a container of this backend finds them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sandbox.backends.docker import probe
from sandbox.backends.docker.container import Container, NotClean
from sandbox.backends.docker.daemon import Daemon
from sandbox.backends.docker.endings import Run
from sandbox.backends.docker.inbox import program_text
from sandbox.backends.docker.runs import Seat, run_in
from sandbox.backends.docker.streams import DaemonLost
from sandbox.backends.docker.walls import AGENT_UID, Shape, Walls
from sandbox.box import ENVIRONMENT
from sandbox.contract import Isolation, Job, Layer, LayerName, Limits

__all__ = ["Trial", "try_out"]

# Roomy, as a kernel in user space has many threads for few processes.
_LIMITS: Final = Limits(cpu_s=10, wall_s=30, processes=512)
_DESCRIPTORS: Final = 4
"""The three streams, and the one by which the probe counts them."""
_FILTERED: Final = "2"
_EPERM: Final = 1
_INFINITE: Final = frozenset({-1, 2**63 - 1, 2**64 - 1})
_CGROUP_REMEDY: Final = "let the daemon use the host's cgroup controllers: see `docker info`"


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """What was found, and the walls with which it was."""

    walls: Walls
    isolation: Isolation


def try_out(daemon: Daemon, walls: Walls) -> Trial:
    """Run a probe; where the runtime insists on a /dev of its own, with several tmpfs."""
    found, run = _probe(daemon, walls)
    is_one = len(set(found["scratch_devices"])) == 1
    if not is_one and "ipc" not in walls.without:
        walls = dataclasses.replace(walls, scratch="several")
        found, run = _probe(daemon, walls)
    runtime = walls.runtime or daemon.information.get("DefaultRuntime", "")
    name = f"docker {runtime} {daemon.options.policy}"
    return Trial(
        walls,
        Isolation(
            backend=name, layers=_layers(found, run, walls=walls, information=daemon.information)
        ),
    )


def _probe(daemon: Daemon, walls: Walls) -> tuple[Mapping[str, Any], Run]:
    # Any: the probe's own JSON, of one shape.
    job = Job(source=program_text((probe.__file__,)), limits=_LIMITS)
    container = Container(daemon, Shape.of(job.limits), walls=walls)
    try:
        channel = container.launcher()
        try:
            run = run_in(Seat(container, channel), job, walls=walls)
        finally:
            channel.close()
    except NotClean as error:
        raise DaemonLost(f"a new container is not clean: {error}") from error
    finally:
        container.remove()
    try:
        return json.loads(run.watched.stdout.kept), run
    except ValueError as error:
        said = run.watched.stderr.kept[-500:].decode(errors="replace")
        raise DaemonLost(f"a first program failed in the container: {said}") from error


def _layers(
    found: Mapping[str, Any], run: Run, *, walls: Walls, information: Mapping[str, Any]
) -> tuple[Layer, ...]:
    pid, net, ipc, uts = (_is_apart(found, name) for name in ("pid", "net", "ipc", "uts"))
    checks: dict[LayerName, tuple[bool, str]] = {
        "uid": (found["uid"] not in {0, AGENT_UID}, "a uid for each container"),
        "capabilities": (not any(found["capabilities"]), "none, and none to get"),
        "no_new_privs": (found["no_new_privs"] == 1, "set-uid programs gain nothing"),
        "seccomp": (
            found["seccomp"] == _FILTERED and found["ptrace"] == _EPERM,
            "a filter of system calls, beside the daemon's own",
        ),
        "root": (found["root_is_read_only"], "the image, read-only"),
        "pids": (pid and found["agent_uid"] == str(AGENT_UID), "a PID namespace per container"),
        "network": (
            net and found["interfaces"] == ["lo"],
            "a network namespace with loopback only",
        ),
        "ipc": (ipc, "an IPC namespace per container"),
        "hostname": (uts and found["hostname"] == "sandbox", "the same host name for all"),
        "scratch": _scratch(found),
        "rlimits": (not _INFINITE & set(found["limits"]), "every one is finite"),
        "descriptors": (found["descriptors"] <= _DESCRIPTORS, "stdin, stdout, stderr only"),
        "environment": (set(found["environment"]) <= ENVIRONMENT.keys(), "three names only"),
    }
    return (
        *(_layer(name, holds, how) for name, (holds, how) in checks.items()),
        *_cgroup_layers(run, walls, information),
    )


def _scratch(found: Mapping[str, Any]) -> tuple[bool, str]:
    is_sized = set(found["scratch"]) <= {_LIMITS.disk_bytes, None}
    if len(set(found["scratch_devices"])) == 1:
        return is_sized and found["inodes"] > 0, "one tmpfs of limited size and inodes"
    return is_sized, "tmpfs of that size for each folder; only memory limits their inodes"


def _is_apart(found: Mapping[str, Any], name: str) -> bool:
    """Also of a runtime that shows no namespaces, as its whole kernel is another one."""
    namespaces: dict[str, str] = found["namespaces"]
    return namespaces.get(name) != str(Path("/proc/self/ns", name).readlink())


def _cgroup_layers(run: Run, walls: Walls, information: Mapping[str, Any]) -> tuple[Layer, ...]:
    counted: dict[LayerName, bool] = {
        # The daemon tells of it too where nothing in the container does.
        "memory_cgroup": bool(information.get("MemoryLimit")),
        "pids_cgroup": run.after.refused_forks is not None,
        "cpu_cgroup": run.cpu_s is not None,
    }
    return tuple(
        _layer(name, holds and name not in walls.without, "the container's", _CGROUP_REMEDY)
        for name, holds in counted.items()
    )


def _layer(name: LayerName, holds: bool, how: str, remedy: str = "") -> Layer:
    if holds:
        return Layer(name, True, how)
    return Layer(name, False, f"missing: {how}", remedy or _REMEDY)


_REMEDY: Final = "use the runtime runc, and an image made from sandbox/Dockerfile"
