"""Programs made runnable, each once: what is built is kept for the next case and the next copy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from graders.programs.compiling import LIMITS, Compilation, NotCompiled, Program, compiled
from graders.programs.keeping import Found, Kept
from graders.programs.languages import LANGUAGES, Language
from graders.programs.limits import MIB
from graders.programs.offers import isolation_digest, offered
from graders.programs.results import ToolchainAbsent
from graders.programs.tasks import LanguageName
from sandbox import Limits

__all__ = ["NotCompiled", "Program", "build"]

_MOST: Final = 4_096
_MOST_BYTES: Final = 256 * MIB
_ENTRY_BYTES: Final = 1_024
"""Of anything that is kept, beside what it holds."""


class _Fault(NamedTuple):
    """Why a source makes no program."""

    message: str
    compilation: Compilation | None


def build(
    language: LanguageName,
    source: str,
    *,
    files: Mapping[str, bytes] | None = None,
    limits: Limits = LIMITS,
) -> Program:
    """The program, ready to be run; `files` lie beside its source, `limits` are the compiler's.

    NotCompiled is its own fault; ToolchainAbsent and SandboxUnavailable are ours.
    """
    offer = offered(language)
    if not offer.serves:
        raise ToolchainAbsent(f"{language} is not served here: {offer.note}; {offer.remedy}")
    declared = LANGUAGES[language]
    if not declared.compile:
        return compiled(declared, source, files=files or {})
    key = _key(language, source, files=files or {}, limits=limits)
    found = _builds().get(key, lambda: _built(declared, source, files=files or {}, limits=limits))
    if isinstance(found, Program):
        return found
    raise NotCompiled(found.message, compilation=found.compilation)


@cache
def _builds() -> Kept[Program | _Fault]:
    return Kept(most=_MOST, most_bytes=_MOST_BYTES)


def _built(
    language: Language, source: str, *, files: Mapping[str, bytes], limits: Limits
) -> Found[Program | _Fault]:
    """The program, or why it is none."""
    try:
        program = compiled(language, source, files=files, limits=limits)
    except NotCompiled as error:
        fault = _Fault(str(error), error.compilation)
        return Found(fault, bytes=_ENTRY_BYTES + _size(error.compilation), lasts=error.lasts)
    return Found(program, bytes=_ENTRY_BYTES + program.size + _size(program.compilation))


def _size(compilation: Compilation | None) -> int:
    # Twice: what a compiler said is in the message, too.
    return 0 if compilation is None else 2 * len(compilation.stdout + compilation.stderr)


def _key(
    language: LanguageName, source: str, *, files: Mapping[str, bytes], limits: Limits
) -> bytes:
    """Of all that a build depends on, every part with its length, so that no two are confused."""
    parts = [language.encode(), isolation_digest().encode(), source.encode(errors="surrogatepass")]
    parts.append(repr(limits).encode())
    for name, data in sorted(files.items()):
        parts += [name.encode(), data]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:%b" % (len(part), part))
    return digest.digest()
