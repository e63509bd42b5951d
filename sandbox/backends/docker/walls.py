"""The walls of a container, in the daemon's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from docker import APIClient
from docker.types import Ulimit

from sandbox.contract import LayerName, Limits

__all__ = ["AGENT_UID", "EXEC_PROCESSES", "OWN_PROCESSES", "Scratch", "Shape", "Walls"]

AGENT_UID: Final = 10_000
OWN_PROCESSES: Final = 2
"""The agent and the launcher."""
EXEC_PROCESSES: Final = 24
"""Processes and threads that the runtime needs for a moment to start one more process."""
_FOREIGN_PROCESSES: Final = 512  # of the host, with which a kernel in user space serves its own
_SPARE_PROCESSES: Final = 16
_OWN_BYTES: Final = 24 * 2**20  # what the agent, the launcher and the runtime need for themselves
_OWN_INODES: Final = 6  # /work, what is below /work/.scratch, the source
_OWN_FILES: Final = 1_024
_CAPABILITIES: Final = ["CHOWN", "DAC_OVERRIDE", "NET_RAW", "SETPCAP", "SYS_CHROOT"]

# The daemon's own list, and then what tells this host from others.
_MASKED: Final = [
    *("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys"),
    *("/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list"),
    *("/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"),
    *("/proc/cmdline", "/proc/kallsyms", "/proc/sys/kernel/random/boot_id"),
]

Scratch: TypeAlias = Literal["one", "several"]
"""Whether all that a program can write lies in one tmpfs or in one for each place."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is fixed when a container is made."""

    memory_bytes: int
    processes: int
    disk_bytes: int
    inodes: int

    @classmethod
    def of(cls, limits: Limits) -> Shape:
        return cls(limits.memory_bytes, limits.processes, limits.disk_bytes, limits.inodes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Walls:
    """How every container of a backend is shut; `without` leaves layers out, for tests only."""

    runtime: str | None
    scratch: Scratch = "one"
    without: frozenset[LayerName] = frozenset()

    def __post_init__(self) -> None:
        if {"uid", "pids"} <= self.without:
            raise ValueError("a launcher of root's that sees the host's processes would kill them")

    def host_config(self, client: APIClient, shape: Shape, *, uid: int) -> dict[str, Any]:
        config: dict[str, Any] = client.create_host_config(**self._arguments(shape, uid=uid))
        if "root" not in self.without:
            config["MaskedPaths"] = _MASKED
        return config

    def _arguments(self, shape: Shape, *, uid: int) -> dict[str, Any]:  # the SDK's own words
        arguments: dict[str, Any] = {
            "auto_remove": True,
            "init": False,
            "ipc_mode": "none" if self.scratch == "one" else "private",
            "log_config": {"Type": "none", "Config": {}},
            "restart_policy": {"Name": "no"},
            "runtime": self.runtime,
            "shm_size": shape.disk_bytes,
            "tmpfs": self._tmpfs(shape, uid=uid),
            "ulimits": [
                Ulimit(name="core", soft=0, hard=0),
                Ulimit(name="nofile", soft=_OWN_FILES, hard=_OWN_FILES),
            ],
        }
        for layer, words in self._layers(shape).items():
            if layer not in self.without:
                arguments |= words
        arguments["security_opt"] = self._security()
        arguments |= self._instead()
        return arguments

    @property
    def spare_processes(self) -> int:
        """Of the limit by uid: it is the cgroup that is to refuse, where there is one, and tell."""
        return _SPARE_PROCESSES if self.scratch == "one" else 1

    def shares(self, table: str) -> bool:
        """Whether a table of /proc shows what the host has, as a layer is left out."""
        layer: LayerName = "network" if table.startswith("net/") else "ipc"
        return layer in self.without

    def pids_limit(self, processes: int) -> int:
        if self.scratch == "several":
            return processes + _FOREIGN_PROCESSES
        return processes + OWN_PROCESSES

    def _layers(self, shape: Shape) -> dict[LayerName, dict[str, Any]]:
        memory = shape.memory_bytes + _OWN_BYTES
        return {
            "capabilities": {"cap_drop": ["ALL"]},
            "root": {"read_only": True},
            "network": {"network_mode": "none"},
            "memory_cgroup": {"mem_limit": memory, "memswap_limit": memory},
            "pids_cgroup": {"pids_limit": max(self.pids_limit(shape.processes), EXEC_PROCESSES)},
        }

    def _security(self) -> list[str]:
        security = [] if "no_new_privs" in self.without else ["no-new-privileges"]
        return [*security, "seccomp=unconfined"] if "seccomp" in self.without else security

    def _instead(self) -> dict[str, Any]:
        weaker: dict[LayerName, dict[str, Any]] = {
            "capabilities": {"cap_add": _CAPABILITIES},
            "network": {"network_mode": "host"},
            "ipc": {"ipc_mode": "host"},
            "pids": {"pid_mode": "host"},
            "hostname": {"uts_mode": "host"},
        }
        instead: dict[str, Any] = {}
        for layer in self.without & weaker.keys():
            instead |= weaker[layer]
        return instead

    def _tmpfs(self, shape: Shape, *, uid: int) -> dict[str, str]:
        size = f"size={shape.disk_bytes},nr_inodes={shape.inodes + _OWN_INODES},exec"
        if "scratch" in self.without:
            size = "exec"
        own = f"uid={AGENT_UID},gid={AGENT_UID},mode=755"
        tmpfs = {
            "/work": f"{size},uid={uid},gid={uid},mode=755",
            "/run": f"size=16k,nr_inodes=8,{own}",
        }
        if "ipc" in self.without:
            # Else it would be the host's own.
            tmpfs["/dev/shm"] = f"{size},mode=1777"  # noqa: S108
        if self.scratch == "one":
            # Ours, so that the agent can make /dev/shm a way to the one place.
            return tmpfs | {"/dev": f"size=64k,nr_inodes=64,dev,{own}"}
        return tmpfs | {"/tmp": f"{size},mode=1777"}  # noqa: S108
