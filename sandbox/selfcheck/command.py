"""The command line of the suite: `python -m sandbox.selfcheck`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final, TypeAlias

from sandbox.contract import Backend
from sandbox.selfcheck.check import Check, Result
from sandbox.selfcheck.suite import CHECKS, chosen, run_checks

__all__ = ["main"]

_SLOTS: Final = 4
_CONTAINERS: Final = 2
_IMAGE: Final = "touchstone-sandbox"
_SOME_RED: Final = 1
_USAGE: Final = 2
_INTERRUPTED: Final = 130
_BACKENDS: Final = ("forkserver", "docker")
_ONLY_DOCKER: Final = ("runtime", "policy", "image")

Opener: TypeAlias = Callable[[argparse.Namespace], Backend]


def main(arguments: Sequence[str] | None = None, *, open_backend: Opener | None = None) -> int:
    """Prove the checks on one backend and return the exit status: 1 when any of them is red."""
    options = _options(arguments)
    try:
        checks = chosen(options.only)
        if options.list:
            return _list(checks)
        with closing((open_backend or _open)(options)) as backend:
            return _report(backend, checks)
    except (ValueError, OSError, ImportError) as error:
        _say(f"{options.backend}: {error}", to_error=True)
        return _USAGE
    except KeyboardInterrupt:
        _say("interrupted", to_error=True)
        return _INTERRUPTED


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.selfcheck",
        description="Proves on this host what every sandbox backend promises.",
        epilog="Exit status: 0 when all checks pass, 1 when one fails, 2 when none could run.",
    )
    parser.add_argument("--backend", type=_one_of(*_BACKENDS), default=_BACKENDS[0])
    parser.add_argument("--runtime", type=_one_of("runc", "runsc"), help="of docker (its default)")
    parser.add_argument("--policy", type=_one_of("fresh", "pooled"), help="of docker (fresh)")
    parser.add_argument("--image", metavar="NAME", help=f"of docker ({_IMAGE})")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these checks, and no other")
    parser.add_argument("--list", action="store_true", help="list the checks, and run none")
    options = parser.parse_args(arguments)
    for name in _ONLY_DOCKER:
        if getattr(options, name) is not None and options.backend != "docker":
            parser.error(f"--{name} is for docker: add --backend docker, or leave it out")
    return options


def _one_of(*choices: str) -> Callable[[str], str]:
    def choice(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"{text!r} is none of them: write {_or(choices)}")
        return text

    return choice


def _or(choices: Sequence[str]) -> str:
    return " or ".join(choices)


def _open(options: argparse.Namespace) -> Backend:
    # Imported here, as each needs what the other can do without.
    if options.backend == "docker":
        from sandbox.backends.docker import DockerBackend, DockerOptions

        chosen_options = DockerOptions(
            image=options.image or _IMAGE,
            runtime=options.runtime,
            policy=options.policy or "fresh",
        )
        return DockerBackend(chosen_options, slots=_CONTAINERS)
    from sandbox.backends.forkserver import Forkserver

    return Forkserver(slots=_SLOTS)


def _list(checks: Sequence[Check]) -> int:
    for check in checks:
        _say(f"{check.name:<{_width()}}  {check.layer:<13}  {check.promise}")
    return 0


def _report(backend: Backend, checks: Sequence[Check]) -> int:
    isolation = backend.isolation()
    for layer in isolation.missing:
        _say(f"without {layer.name}: {layer.how}; {layer.remedy}")
    passed = 0
    for result in run_checks(backend, names=[check.name for check in checks]):
        _say(_line(result))
        passed += result.passed
    level = isolation.level or "below standard"
    _say(f"{passed} of {len(checks)} checks passed on {isolation.backend} ({level})")
    return 0 if passed == len(checks) else _SOME_RED


def _line(result: Result) -> str:
    check = result.check
    state = "ok" if result.passed else "FAILED"
    line = f"{state:<6}  {check.name:<{_width()}}  {check.layer:<13}  {result.seconds:6.2f} s"
    return line if result.passed else f"{line}: {_printable(result.found)}"


def _width() -> int:
    return max(len(check.name) for check in CHECKS)


def _printable(found: str) -> str:
    """What a program wrote steers no terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in found)


def _say(line: str, *, to_error: bool = False) -> None:
    stream = sys.stderr if to_error else sys.stdout
    stream.write(f"{line}\n")
    stream.flush()
