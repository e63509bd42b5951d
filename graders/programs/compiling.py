"""Makes a program runnable: compiled in the sandbox where its language needs that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from graders.programs.execution import executed_fairly
from graders.programs.languages import Language
from graders.programs.limits import MIB
from graders.programs.results import ToolchainAbsent
from sandbox import Ending, EndingKind, Job, Limits

__all__ = ["LIMITS", "Compilation", "NotCompiled", "Program", "compiled"]

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Compilation:
    """What a compiler did, and said within a bound."""

    kind: EndingKind
    status: int | None
    stdout: str
    stderr: str
    cpu_s: float
    wall_s: float


class NotCompiled(Exception):
    """The program's fault: it is none of its language, or beyond its compiler; bounded message."""

    def __init__(
        self, message: str, *, compilation: Compilation | None = None, lasts: bool = True
    ) -> None:
        super().__init__(message)
        self.compilation = compilation
        """None where no compiler was asked."""
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
    compilation: Compilation | None = None
    """None in a language that is run as it is."""

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


def compiled(
    language: Language, source: str, *, files: Mapping[str, bytes], limits: Limits = LIMITS
) -> Program:
    """The program, with these files beside its source; NotCompiled where it is none.

    The limits are those of its compiler.
    """
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
        limits=limits,
    )
    ending = executed_fairly(job).ending
    if ending.kind == "exited" and ending.status in _NOT_FOUND:
        raise ToolchainAbsent(f"{language.name}: {_said(ending)}")
    compilation = _compilation(ending)
    message = _fault(language, ending)
    if message:
        # Only what a machine is busy with makes a difference the next time.
        lasts = ending.kind != "wall_time"
        raise NotCompiled(message, compilation=compilation, lasts=lasts)
    artifact = {language.artifact: ending.files[language.artifact]}
    return Program(
        language=language, source="", main=names.main, files=artifact, compilation=compilation
    )


def _fault(language: Language, ending: Ending) -> str:
    """Why there is no program, if there is none."""
    if ending.kind != "exited":
        return f"the compiler ended by {ending.kind}\n{_said(ending)}".strip()
    if ending.status != 0:
        return _said(ending) or f"the compiler exited with {ending.status}"
    if language.artifact not in ending.files:
        fault = ending.unfetched.get(language.artifact, "missing").replace("_", " ")
        return f"what the compiler made is {fault}\n{_said(ending)}".strip()
    return ""


def _compilation(ending: Ending) -> Compilation:
    return Compilation(
        kind=ending.kind,
        status=ending.status,
        stdout=_shown(ending.stdout),
        stderr=_shown(ending.stderr),
        cpu_s=ending.cpu_s,
        wall_s=ending.wall_s,
    )


def _said(ending: Ending) -> str:
    return _shown(ending.stderr.strip() or ending.stdout.strip())


def _shown(text: bytes) -> str:
    return text[:_SHOWN_BYTES].decode(errors="replace")
