"""The whole suite, and how it is carried out on a backend."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from sandbox.contract import Backend
from sandbox.selfcheck import (
    conversations,
    disk,
    endings,
    files,
    honest,
    host,
    identity,
    kernel,
    leftovers,
    memory,
    neighbours,
    network,
    partners,
    privileges,
    processes,
    streams,
    times,
)
from sandbox.selfcheck.check import Check, Result, prove_all

__all__ = ["CHECKS", "chosen", "run_checks"]

CHECKS: Final[tuple[Check, ...]] = (
    *endings.CHECKS,
    *streams.CHECKS,
    *files.CHECKS,
    *honest.CHECKS,
    *times.CHECKS,
    *memory.CHECKS,
    *disk.CHECKS,
    *processes.CHECKS,
    *network.CHECKS,
    *host.CHECKS,
    *identity.CHECKS,
    *privileges.CHECKS,
    *kernel.CHECKS,
    *leftovers.CHECKS,
    *neighbours.CHECKS,
    *conversations.CHECKS,
    *partners.CHECKS,
)


def chosen(names: Collection[str] | None) -> tuple[Check, ...]:
    """The checks of these names, all of them by default; ValueError for a name that is none."""
    if names is None:
        return CHECKS
    for name in names:
        if all(name != check.name for check in CHECKS):
            raise ValueError(f"there is no check {name!r}; --list shows their names")
    return tuple(check for check in CHECKS if check.name in names)


def run_checks(backend: Backend, *, names: Collection[str] | None = None) -> Iterator[Result]:
    """Carry out the checks on the backend, each result as soon as it is known."""
    return prove_all(backend, chosen(names))
