"""Programs made runnable, each once: what is built is kept for the next case and the next copy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Final

from graders.programs.compiling import NotCompiled, Program, compiled
from graders.programs.keeping import Found, Kept
from graders.programs.languages import LANGUAGES, Language
from graders.programs.limits import MIB
from graders.programs.offers import isolation_digest, offered
from graders.programs.results import ToolchainAbsent
from graders.programs.tasks import LanguageName

__all__ = ["NotCompiled", "Program", "build"]

_MOST: Final = 4_096
_MOST_BYTES: Final = 256 * MIB
_ENTRY_BYTES: Final = 1_024
"""Of anything that is kept, beside what it holds."""


def build(
    language: LanguageName, source: str, *, files: Mapping[str, bytes] | None = None
) -> Program:
    """The program, ready to be run; `files` lie beside its source.

    NotCompiled is its own fault; ToolchainAbsent and SandboxUnavailable are ours.
    """
    offer = offered(language)
    if not offer.serves:
        raise ToolchainAbsent(f"{language} is not served here: {offer.note}; {offer.remedy}")
    declared = LANGUAGES[language]
    if not declared.compile:
        return compiled(declared, source, files=files or {})
    key = _key(language, source, files=files or {})
    found = _builds().get(key, lambda: _built(declared, source, files=files or {}))
    if isinstance(found, Program):
        return found
    raise NotCompiled(found)


@cache
def _builds() -> Kept[Program | str]:
    return Kept(most=_MOST, most_bytes=_MOST_BYTES)


def _built(language: Language, source: str, *, files: Mapping[str, bytes]) -> Found[Program | str]:
    """The program, or why it is none."""
    try:
        program = compiled(language, source, files=files)
    except NotCompiled as error:
        message = str(error)
        return Found(message, bytes=_ENTRY_BYTES + len(message), lasts=error.lasts)
    return Found(program, bytes=_ENTRY_BYTES + program.size)


def _key(language: LanguageName, source: str, *, files: Mapping[str, bytes]) -> bytes:
    """Of all that a build depends on, every part with its length, so that no two are confused."""
    parts = [language.encode(), isolation_digest().encode(), source.encode(errors="surrogatepass")]
    for name, data in sorted(files.items()):
        parts += [name.encode(), data]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:%b" % (len(part), part))
    return digest.digest()
