"""What to change on a host where the sandbox does not start."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

__all__ = ["Host", "look_at_host", "remedies", "remedies_here"]

Backend: TypeAlias = Literal["forkserver", "docker"]
# What forbids user namespaces, and what allows them again: Debian's switch, Ubuntu's, everyone's.
_SWITCHES: Final = {
    "kernel.unprivileged_userns_clone": ("0", "1"),
    "kernel.apparmor_restrict_unprivileged_userns": ("1", "0"),
    "user.max_user_namespaces": ("0", "15000"),
}
_CONTAINER_SIGNS: Final = (".dockerenv", "run/.containerenv", "run/secrets/kubernetes.io")
_CAP_NET_ADMIN: Final = 12
_CAP_SYS_ADMIN: Final = 21
_UNCONFINED: Final = " ".join(
    f"--security-opt {what}=unconfined" for what in ("seccomp", "apparmor", "systempaths")
)
_CAPABILITIES: Final = "--cap-add SYS_ADMIN --cap-add NET_ADMIN"
_CGROUPS: Final = "--cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup:rw"


class Host(NamedTuple):
    """What decides whether this process may make namespaces."""

    platform: str
    is_root: bool
    in_container: bool
    capabilities: int
    switches: Mapping[str, str]


def look_at_host(root: Path = Path("/")) -> Host:
    """This process and its host; what cannot be read is left out."""
    switches = {name: _read(root / "proc/sys" / name.replace(".", "/")) for name in _SWITCHES}
    return Host(
        platform=sys.platform,
        is_root=os.geteuid() == 0,
        in_container=any((root / sign).exists() for sign in _CONTAINER_SIGNS),
        capabilities=_capabilities(_read(root / "proc/self/status")),
        switches=switches,
    )


def remedies_here(backend: Backend) -> list[str]:
    """What to change on this host, the likeliest first."""
    return remedies(backend, look_at_host())


def remedies(backend: Backend, host: Host) -> list[str]:
    """What to change on such a host, the likeliest first."""
    if backend == "docker":
        return [
            "TOUCHSTONE_SANDBOX_URL=unix:///path/docker.sock names the daemon's socket",
            "TOUCHSTONE_SANDBOX=forkserver needs Linux, and no daemon",
        ]
    other = "TOUCHSTONE_SANDBOX=docker runs programs in containers instead"
    if host.platform != "linux":
        return ["the forkserver needs Linux", other]
    return [*_of_namespaces(host), *_of_privileges(host), other]


def _of_namespaces(host: Host) -> list[str]:
    if host.is_root:
        return []
    return [
        f"as root: sysctl -w {name}={allows}"
        for name, (forbids, allows) in _SWITCHES.items()
        if host.switches.get(name) == forbids
    ]


def _of_privileges(host: Host) -> list[str]:
    if host.in_container:
        flags = f"{_CAPABILITIES} {_UNCONFINED}" if host.is_root else _UNCONFINED
        strict = [f"for the floor strict as root, too: {_CGROUPS}"]
        return [f"start this container with {flags}", *strict, "in Kubernetes: privileged: true"]
    needed = 1 << _CAP_SYS_ADMIN | 1 << _CAP_NET_ADMIN
    if host.is_root and host.capabilities & needed != needed:
        return ["leave root its capabilities CAP_SYS_ADMIN and CAP_NET_ADMIN"]
    return []


def _capabilities(status: str) -> int:
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return int(value, 16)
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
