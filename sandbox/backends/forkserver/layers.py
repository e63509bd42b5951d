"""Which layers hold, as a program run inside finds them and not as they were asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sandbox.backends.forkserver.cgroups import Cgroups, Resource
from sandbox.box import ENVIRONMENT
from sandbox.contract import Job, Layer, LayerName, Limits

__all__ = ["CGROUP_LAYERS", "PROBE", "layers_of"]

_SOURCE: Final = """\
import json, os, resource
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
scratch, root = os.statvfs("/work"), os.statvfs("/")
limits = [resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1] for name in
          ("CPU", "FSIZE", "DATA", "STACK", "CORE", "NPROC", "NOFILE", "AS")]
print(json.dumps({
    "uid": os.getuid(),
    "capabilities": [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privs": status.get("NoNewPrivs"),
    "seccomp": status.get("Seccomp"),
    "namespaces": {name: os.readlink("/proc/self/ns/" + name)
                   for name in ("mnt", "pid", "net", "ipc", "uts", "user")},
    "root": sorted(os.listdir("/")),
    "root_is_read_only": bool(root.f_flag & os.ST_RDONLY),
    "scratch": [scratch.f_blocks * scratch.f_frsize, scratch.f_files],
    "limits": limits,
    "descriptors": len(os.listdir("/proc/self/fd")),
    "environment": sorted(os.environ),
}))
"""
PROBE: Final = Job(source=_SOURCE, limits=Limits(cpu_s=10.0, wall_s=60.0))
"""The program that looks."""
CGROUP_LAYERS: Final[dict[LayerName, Resource]] = {
    "memory_cgroup": "memory",
    "pids_cgroup": "pids",
    "cpu_cgroup": "cpu",
}
_ROOT: Final = frozenset(
    [
        "bin",
        "dev",
        "etc",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "proc",
        "sbin",
        "scratch",
        "tmp",
        "usr",
        "var",
        "work",
    ]
)
_DESCRIPTORS: Final = 4
"""The three streams, and the one by which the probe counts them."""
_CGROUP_REMEDY: Final = (
    "give this process a cgroup it may write to: run as root with /sys/fs/cgroup writable, or as a"
    " systemd service with Delegate=yes"
)
_WITHOUT_CGROUP: Final[dict[Resource, str]] = {
    "cpu": "a census every 20 ms instead, and a limit per process",
    "memory": "a census every 20 ms instead, and a limit per process",
    "pids": "a limit per uid instead",
}


def layers_of(
    probe: Mapping[str, Any], *, cgroups: Cgroups, readable: frozenset[str]
) -> tuple[Layer, ...]:
    """Every layer, from what the probe printed; `readable` are the first parts of extra folders."""
    # Any: the probe's own JSON, of one shape.
    ours = {name: str(Path("/proc/self/ns", name).readlink()) for name in probe["namespaces"]}
    apart = {name for name, link in probe["namespaces"].items() if link != ours[name]}
    own_user = "user" in apart
    infinite = {-1, 2**64 - 1, 2**63 - 1}
    return (
        _layer(
            "uid",
            probe["uid"] not in {0, os.getuid()} or (own_user and probe["uid"] != 0),
            "a user namespace's uid, without privilege" if own_user else "a uid per slot",
        ),
        _layer(
            "capabilities", not int("".join(probe["capabilities"]), 16), "none, and none to get"
        ),
        _layer("no_new_privs", probe["no_new_privs"] == "1", "set-uid programs gain nothing"),
        _layer("seccomp", probe["seccomp"] == "2", "a filter of system calls"),
        _layer(
            "root",
            "mnt" in apart
            and probe["root_is_read_only"]
            and set(probe["root"]) <= _ROOT | readable,
            "a minimal root, read-only",
        ),
        _layer("pids", "pid" in apart, "a PID namespace per run"),
        _layer("network", "net" in apart, "a network namespace per slot, with loopback only"),
        _layer("ipc", "ipc" in apart, "an IPC namespace per run"),
        _layer("hostname", "uts" in apart, "a host name per slot"),
        _layer(
            "scratch", _is_limited(*probe["scratch"]), "a tmpfs per run, of limited size and inodes"
        ),
        _layer("rlimits", not infinite & set(probe["limits"]), "every one is finite"),
        _layer("descriptors", probe["descriptors"] <= _DESCRIPTORS, "stdin, stdout, stderr only"),
        _layer("environment", set(probe["environment"]) <= ENVIRONMENT.keys(), "three names only"),
        *(_cgroup_layer(name, resource, cgroups) for name, resource in CGROUP_LAYERS.items()),
    )


def _is_limited(size_bytes: int, inodes: int) -> bool:
    """Whether these are the sizes of a run's own filesystem, rather than of one that all share."""
    limits = PROBE.limits
    return size_bytes <= 2 * limits.disk_bytes and inodes <= 2 * limits.inodes


def _cgroup_layer(name: LayerName, resource: Resource, cgroups: Cgroups) -> Layer:
    version = cgroups.version(resource)
    if version is None:
        return Layer(name, False, _WITHOUT_CGROUP[resource], _CGROUP_REMEDY)
    return Layer(name, True, f"cgroup version {version}")


def _layer(name: LayerName, holds: bool, how: str) -> Layer:
    return Layer(name, holds, how if holds else f"missing: {how}")
