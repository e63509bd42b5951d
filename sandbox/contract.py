"""What goes into the sandbox and what comes out: jobs, their endings, and what runs them."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias, get_args

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "LAYERS",
    "MIB",
    "OWN_FAULTS",
    "Backend",
    "Conversation",
    "Ending",
    "EndingKind",
    "Floor",
    "Isolation",
    "Job",
    "Layer",
    "LayerName",
    "Limits",
    "SandboxOptions",
    "Unfetched",
    "require_finite",
]

MIB: Final = 2**20
_NO_LIMIT: Final = 2**62
"""What a kernel takes for a number is below this."""


def require_finite(limits: DataclassInstance) -> None:
    """Each field of such a class is a bound; a ValueError names the one that is none."""
    for limit in fields(limits):
        value = getattr(limits, limit.name)
        if not 0 < value < _NO_LIMIT:
            name = f"{type(limits).__name__}.{limit.name}"
            raise ValueError(f"{name} must be positive, finite and below 2**62, not {value!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one run may use; all of its processes together, where the isolation can count them."""

    cpu_s: float = 2.0
    wall_s: float = 8.0
    memory_bytes: int = 512 * MIB
    processes: int = 32
    """Processes and threads alive at once."""
    disk_bytes: int = 64 * MIB
    """All that is written to the work folder, /tmp and /dev/shm."""
    inodes: int = 4_096
    output_bytes: int = 1 * MIB
    """Of stdout, and as much again of stderr; one byte more ends the run."""
    fetch_bytes: int = 8 * MIB
    """Of all fetched files together."""

    def __post_init__(self) -> None:
        require_finite(self)


_MOST_FILES: Final = 256
_MOST_NAME_BYTES: Final = 255
_FOLDER_NAMES: Final = re.compile(r"(\.{0,2})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One program to be run: `source` by a warm interpreter of `language`, or `argv` by exec.

    The program starts in an empty folder `/work`, which holds `files` (all of them executable) and
    is writable, as are `/tmp` and `/dev/shm`; it reads `stdin` from a file.
    An `argv` that cannot be found or executed exits with 127 or 126, as in a shell.
    `fetch` names the files of `/work` that are wanted once every process of the run is dead.
    `preload` names modules that the warm interpreter has imported before.
    """

    source: str | None = None
    language: Literal["python"] = "python"
    argv: tuple[str, ...] = ()
    stdin: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    fetch: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    preload: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.source is None) == (not self.argv):
            raise ValueError("a Job has either source or argv, and not both")
        for word in self.argv:
            if "\0" in word or not _is_text(word):
                raise ValueError(f"no program can be given the argument {word[:80]!r}")
        if self.source is not None and not _is_text(self.source):
            raise ValueError("the source holds half a surrogate pair, which no file can")
        if max(len(self.files), len(self.fetch)) > _MOST_FILES:
            raise ValueError(f"a Job takes and gives at most {_MOST_FILES} files")
        for name in (*self.files, *self.fetch):
            _require_plain(name)


def _is_text(text: str) -> bool:
    return text.encode(errors="ignore").decode() == text


def _require_plain(name: str) -> None:
    parts = name.split("/")
    if any(_FOLDER_NAMES.fullmatch(part) for part in parts) or "\0" in name:
        raise ValueError(f"{name[:80]!r} is not a plain path below the work folder")
    if any(len(part.encode()) > _MOST_NAME_BYTES for part in parts):
        raise ValueError(f"a part of {name[:80]!r}... is longer than {_MOST_NAME_BYTES} bytes")


LayerName: TypeAlias = Literal[
    "uid",
    "capabilities",
    "no_new_privs",
    "seccomp",
    "root",
    "pids",
    "network",
    "ipc",
    "hostname",
    "scratch",
    "rlimits",
    "descriptors",
    "environment",
    "memory_cgroup",
    "pids_cgroup",
    "cpu_cgroup",
]
LAYERS: Final[tuple[LayerName, ...]] = get_args(LayerName)
Floor: TypeAlias = Literal["strict", "standard"]
_ONLY_STRICT: Final[frozenset[LayerName]] = frozenset(
    {"memory_cgroup", "pids_cgroup", "cpu_cgroup"}
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing that stands between a program and the host: whether it holds, and how."""

    name: LayerName
    holds: bool
    how: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolation:
    """Every layer of one backend on this host, as tried out and not as hoped."""

    backend: str
    layers: tuple[Layer, ...]

    @property
    def missing(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if not layer.holds)

    @property
    def level(self) -> Floor | None:
        """The highest floor that is met: None is below every one."""
        missing = {layer.name for layer in self.missing}
        if not self.layers:
            return None
        if not missing:
            return "strict"
        return "standard" if missing <= _ONLY_STRICT else None

    def meets(self, floor: Floor) -> bool:
        return self.level == "strict" or self.level == floor

    @property
    def digest(self) -> str:
        """The same for the same layers, so that verdicts under others are told apart."""
        return _digest(self)


@functools.lru_cache(maxsize=16)
def _digest(isolation: Isolation) -> str:
    # Kept, as it is asked for with every grade; each process has one or two.
    return hashlib.sha256(repr(asdict(isolation)).encode()).hexdigest()[:16]


EndingKind: TypeAlias = Literal[
    "exited",
    "cpu_time",
    "wall_time",
    "memory",
    "output",
    "processes",
    "signalled",
    "forbidden_syscall",
    "not_started",
]
OWN_FAULTS: Final[frozenset[EndingKind]] = frozenset({"not_started"})
Unfetched: TypeAlias = Literal["missing", "not_regular", "too_large"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How a run ended, when every process of it was dead; only `not_started` is this host's fault.

    `processes` says that the limit stopped a fork and the program did not cope: it did not exit
    with 0.
    """

    kind: EndingKind
    isolation: Isolation
    status: int | None = None
    """The exit status, of `exited` and `processes`."""
    signal: int | None = None
    """The signal that killed the program, where it was not ours."""
    stdout: bytes = b""
    stderr: bytes = b""
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    files: Mapping[str, bytes] = field(default_factory=dict)
    unfetched: Mapping[str, Unfetched] = field(default_factory=dict)
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_bytes: int | None = None
    """None where nothing counts it."""
    note: str = ""
    """For `not_started`: what went wrong, and the remedy where one is known."""


class Conversation(NamedTuple):
    """How two runs ended that had each other's stdout for stdin, which neither ending holds."""

    first: Ending
    second: Ending


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxOptions:
    """Which backend runs jobs, and how."""

    backend: Literal["forkserver", "docker"] = "forkserver"
    slots: int = 2
    """Runs and conversations at once; a caller beyond that waits."""
    readable: tuple[str, ...] = ()
    """forkserver: folders of the host that programs may read besides /usr, such as toolchains."""
    image: str = "touchstone-sandbox"
    """docker: what programs run in; built from `sandbox/Dockerfile`."""
    runtime: str | None = None
    """docker: the OCI runtime, such as `runsc`; None is the daemon's default."""
    policy: Literal["fresh", "pooled"] = "fresh"
    """docker: a container per run, or one used again after proof that it is clean."""
    url: str | None = None
    """docker: where the daemon listens; None is its usual socket."""


class Backend(Protocol):
    """A way to run jobs; safe to use from several threads."""

    def run(self, job: Job, *, alone: bool = False) -> Ending:
        """Run the job; waits for a free slot first, for as long as it takes.

        `alone`: while no other run of this user's on this host is under way.
        """
        ...

    def converse(self, first: Job, second: Job, *, alone: bool = False) -> Conversation:
        """Run both at once in boxes of their own, what each writes being what the other reads.

        When the first has ended, the second is killed; either one, when the other never began.
        """
        ...

    def isolation(self) -> Isolation:
        """The layers in force, tried out on first use; an OSError where nothing can be run."""
        ...

    def close(self) -> None:
        """End every run and leave nothing behind; a later run is `not_started`."""
        ...
