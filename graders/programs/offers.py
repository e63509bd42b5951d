"""Which languages this host serves: those whose self-test passes in the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from graders.programs.compiling import NotCompiled, compiled
from graders.programs.execution import executed_fairly
from graders.programs.keeping import Found, Kept
from graders.programs.languages import LANGUAGES, SELF_TEST_STDIN, SELF_TEST_STDOUT, Language
from graders.programs.results import SandboxUnavailable, ToolchainAbsent
from graders.programs.tasks import LanguageName
from sandbox import Ending, Job, Limits, isolation

__all__ = ["Offer", "isolation_digest", "known_version", "offered", "version_of"]

_LIMITS: Final = Limits(cpu_s=10.0, wall_s=60.0)
_SHOWN: Final = 300
_FIND: Final = 'for name in "$@"; do command -v "$name" >/dev/null || echo "$name"; done'
_PYTHON_VERSION: Final = "import platform\nprint('Python', platform.python_version())\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """Whether a language is served here; if it is not, `note` says why and `remedy` what to do."""

    language: LanguageName
    serves: bool
    note: str = ""
    remedy: str = ""
    cpu_s: float = 0.0
    """Of the self-test's run."""


def offered(language: LanguageName) -> Offer:
    """Try the language out in the sandbox, once for each isolation; SandboxUnavailable if none."""
    return _offers().get((language, isolation_digest()), lambda: _tried(LANGUAGES[language]))


def isolation_digest() -> str:
    """Of what programs run in here; SandboxUnavailable where they run in nothing."""
    try:
        return isolation().digest
    except (OSError, ImportError) as error:
        raise SandboxUnavailable(str(error)) from None


def version_of(language: LanguageName) -> str:
    """What the toolchain says of itself, on one line; asked in the sandbox each time."""
    argv = LANGUAGES[language].version
    job = Job(argv=argv, limits=_LIMITS) if argv else Job(source=_PYTHON_VERSION, limits=_LIMITS)
    ending = executed_fairly(job).ending
    return _first_line(ending.stdout or ending.stderr)


def known_version(language: LanguageName) -> str:
    """What `version_of` has said, asked once for each isolation; SandboxUnavailable if none."""

    def find() -> Found[str]:
        version = version_of(language)
        return Found(version, lasts=bool(version))

    return _versions().get((language, isolation_digest()), find)


@cache
def _versions() -> Kept[str]:
    return Kept(most=256, most_bytes=1)


@cache
def _offers() -> Kept[Offer]:
    return Kept(most=256, most_bytes=1)


def _tried(language: Language) -> Found[Offer]:
    missing = _missing(language)
    if missing:
        return _refused(language, f"no {', no '.join(missing)}")
    try:
        program = compiled(language, language.self_test, files={})
    except ToolchainAbsent as error:
        return _refused(language, _first_line(str(error).encode()))
    except NotCompiled as error:
        note = f"its self-test does not compile: {_first_line(str(error).encode())}"
        return _refused(language, note, lasts=error.lasts)
    ending = executed_fairly(program.job(stdin=SELF_TEST_STDIN, limits=_LIMITS)).ending
    if (ending.kind, ending.status, ending.stdout) != ("exited", 0, SELF_TEST_STDOUT):
        note = f"its self-test fails: {_end(ending)}"
        return _refused(language, note, lasts=ending.kind != "wall_time")
    return Found(Offer(language=language.name, serves=True, cpu_s=ending.cpu_s))


def _missing(language: Language) -> list[str]:
    if not language.programs:
        return []
    job = Job(argv=("sh", "-c", _FIND, "sh", *language.programs), limits=_LIMITS)
    ending = executed_fairly(job).ending
    if ending.kind != "exited":
        raise SandboxUnavailable(f"the search for {language.programs[0]} ended by {ending.kind}")
    if ending.status != 0:
        return ["sh"]
    return ending.stdout.decode(errors="replace").split()


def _refused(language: Language, note: str, *, lasts: bool = True) -> Found[Offer]:
    offer = Offer(language=language.name, serves=False, note=note, remedy=_remedy(language))
    return Found(offer, lasts=lasts)


def _remedy(language: Language) -> str:
    packages = " ".join(language.packages)
    if isolation().backend.startswith("docker"):
        return f'make image PACKAGES="{packages}"'
    return (
        f"apt-get install {packages}; a toolchain that is elsewhere needs its programs linked into"
        " /usr/local/bin and its folder named in TOUCHSTONE_SANDBOX_READABLE"
    )


def _end(ending: Ending) -> str:
    said = _first_line(ending.stderr or ending.stdout)
    how = f"status {ending.status}" if ending.kind == "exited" else ending.kind
    return f"{how}, {said}" if said else how


def _first_line(text: bytes) -> str:
    return text.strip().partition(b"\n")[0][:_SHOWN].decode(errors="replace")
