"""Makes a program runnable: compiled in the sandbox where its language needs that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from graders.programs.execution import executed_fairly
from graders.programs.languages import Language
from graders.programs.limits import MIB
from graders.programs.results import ToolchainAbsent
from sandbox import Ending, Job, Limits

__all__ = ["LIMITS", "NotCompiled", "Program", "compiled"]

LIMITS: Final = Limits(
    cpu_s=30.0,
    wall_s=60.0,
    memory_bytes=2048 * MIB,
    processes=256,
    disk_bytes=1024 * MIB,
    inodes=65_536,
    output_bytes=MIB // 4,
    fetch_bytes=32 * MIB,
)
"""Of one compilation, whatever the task allows its program."""
_SHOWN_BYTES: Final = 4_096
_NOT_FOUND: Final = (126, 127)
"""What no compiler exits with: there is none."""
_COPIES: Final = 3
"""As often as an artifact may be on the disk of a box: as it came, and unpacked with a margin."""


class NotCompiled(Exception):
    """The program's fault: it is none of its language, or beyond its compiler; bounded message."""

    def __init__(self, message: str, *, lasts: bool = True) -> None:
        super().__init__(message)
        self.lasts = lasts
        """Whether another try would find the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program that can be run as often as there are cases."""

    language: Language
    source: str
    main: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What lies beside it."""

    @property
    def size(self) -> int:
        """Of what lies beside it, in bytes."""
        return sum(map(len, self.files.values()))

    def job(self, *, stdin: bytes, limits: Limits) -> Job:
        """A run of it: the limits are the task's, and what the language's runtime needs is added.

        The files count, too, as they lie in the disk of the box, which lies in its memory.
        """
        needs = self.language.needs
        size = _COPIES * self.size
        box = Limits(
            cpu_s=limits.cpu_s + needs.cpu_s,
            wall_s=limits.wall_s + needs.cpu_s,
            memory_bytes=limits.memory_bytes + needs.memory_mib * MIB + size,
            processes=limits.processes + needs.processes,
            disk_bytes=limits.disk_bytes + size,
            inodes=limits.inodes + needs.inodes + len(self.files),
            output_bytes=limits.output_bytes,
            fetch_bytes=limits.fetch_bytes,
        )
        if not self.language.run:
            return Job(source=self.source, stdin=stdin, files=self.files, limits=box)
        return Job(argv=self._argv(limits, box), stdin=stdin, files=self.files, limits=box)

    def _argv(self, limits: Limits, box: Limits) -> tuple[str, ...]:
        values = {
            "{main}": self.main,
            "{memory_mib}": str(max(1, limits.memory_bytes // MIB)),
            "{box_mib}": str(max(1, box.memory_bytes // MIB)),
        }
        argv = self.language.run
        for name, value in values.items():
            argv = tuple(word.replace(name, value) for word in argv)
        return argv


def compiled(language: Language, source: str, *, files: Mapping[str, bytes]) -> Program:
    """The program, with these files beside its source; NotCompiled where it is none."""
    try:
        text = source.encode()
    except UnicodeEncodeError:
        raise NotCompiled("the program holds half a surrogate pair, which no file can") from None
    names = language.names_of(source)
    if not language.run:
        return Program(language=language, source=source, files=files)
    if not language.compile:
        files = {**files, names.file: text}
        return Program(language=language, source=source, main=names.main, files=files)
    job = Job(
        argv=language.compile,
        files={**files, **language.tools, names.file: text},
        fetch=(language.artifact,),
        limits=LIMITS,
    )
    artifact = _artifact(language, executed_fairly(job).ending)
    return Program(
        language=language, source="", main=names.main, files={language.artifact: artifact}
    )


def _artifact(language: Language, ending: Ending) -> bytes:
    if ending.kind == "exited" and ending.status in _NOT_FOUND:
        raise ToolchainAbsent(f"{language.name}: {_said(ending)}")
    if ending.kind != "exited":
        reason = f"the compiler ended by {ending.kind}\n{_said(ending)}"
        # Only what a machine is busy with makes a difference the next time.
        raise NotCompiled(reason.strip(), lasts=ending.kind != "wall_time")
    if ending.status != 0:
        raise NotCompiled(_said(ending) or f"the compiler exited with {ending.status}")
    if language.artifact not in ending.files:
        fault = ending.unfetched.get(language.artifact, "missing").replace("_", " ")
        raise NotCompiled(f"what the compiler made is {fault}\n{_said(ending)}".strip())
    return ending.files[language.artifact]


def _said(ending: Ending) -> str:
    text = ending.stderr.strip() or ending.stdout.strip()
    return text[:_SHOWN_BYTES].decode(errors="replace")
