"""What a language is to the code grader: how its programs are built and run, and what they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from graders.programs.tasks import LanguageName

__all__ = ["SELF_TEST_STDIN", "SELF_TEST_STDOUT", "Language", "Names", "Needs"]

SELF_TEST_STDIN: Final = b"6\n10 20 30 10 20 -7\n"
SELF_TEST_STDOUT: Final = b"83\n-7 10 20 30\n"
"""The sum of the numbers, then each of them once and in order."""


class Names(NamedTuple):
    """What depends on a program's text: its source file, and what `{main}` stands for."""

    file: str
    main: str = ""


class Needs(NamedTuple):
    """What a language's runtime takes for itself, and is given beyond the limits of a task."""

    cpu_s: float
    """Of a program that does nothing, on a slow machine."""
    processes: int = 0
    memory_mib: int = 0
    inodes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """One language: every command runs in the folder that holds the source and `tools`.

    In the words of `run`, `{main}` is the program's own, `{memory_mib}` the task's limit and
    `{box_mib}` that limit with what the runtime needs.
    """

    name: LanguageName
    tags: frozenset[str]
    """What stands after the fence of a code block in this language."""
    file: str
    """The source; `names` says otherwise where it depends on the text."""
    names: Callable[[str], Names] | None = None
    compile: tuple[str, ...] = ()
    """Makes `artifact`; empty: the source is run as it is."""
    artifact: str = ""
    tools: Mapping[str, bytes] = field(default_factory=dict)
    """Files that `compile` uses."""
    run: tuple[str, ...] = ()
    """Empty: the warm interpreter of the sandbox runs the source."""
    needs: Needs
    cpu_multiple: float
    """CPU time of a program in this language for one in C, as `bench/languages.py` measures it."""
    packages: tuple[str, ...]
    """Debian's, that bring the toolchain."""
    programs: tuple[str, ...]
    """Without one of these, the toolchain is not there."""
    version: tuple[str, ...] = ()
    """Prints the toolchain's version."""
    self_test: str
    """Turns SELF_TEST_STDIN into SELF_TEST_STDOUT."""

    def names_of(self, source: str) -> Names:
        """The names that this program has to have."""
        return Names(self.file) if self.names is None else self.names(source)
