"""`doctor`: what this host gives, what is missing and how to get it."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal, NamedTuple, TypeAlias

from redis.exceptions import RedisError

from graders.programs.languages import LANGUAGES
from graders.programs.offers import offered, version_of
from graders.programs.results import SandboxUnavailable
from graders.programs.tasks import LanguageName
from graders.registry import GRADERS
from sandbox import Floor, Isolation, close_runs, open_runs
from service.embedded_redis import EmbeddedRedis, RedisStartFailed, find_server
from service.isolation import lacking
from service.redis_link import connect
from service.remedies import remedies_here
from service.settings import Settings

__all__ = ["Finding", "examine", "language_findings", "layer_findings", "redis_finding", "table"]

State: TypeAlias = Literal["ok", "weak", "missing"]
"""`weak` is missing for what not every service needs: a higher floor, one more language."""
_OLDEST_REDIS: Final = (6, 2)
_COLUMNS: Final = 100
_LANGUAGES_AT_ONCE: Final = 4


class Finding(NamedTuple):
    """One thing looked at: how it is, and what to do where it is not well."""

    what: str
    state: State
    note: str
    remedies: Sequence[str] = ()


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that grading needs; takes several seconds."""
    try:
        # First, so that graders and languages are tried in the sandbox of the settings.
        sandbox = _sandbox(settings)
        languages = language_findings() if len(sandbox) > 1 else []
        first = [_python(), _redis(settings), *_graders(), _cores(settings)]
        return [*first, *languages, *sandbox]
    finally:
        close_runs()


def table(findings: Sequence[Finding]) -> str:
    """The findings as aligned text, every remedy on lines of its own."""
    width = max(len(finding.what) for finding in findings)
    return "\n".join(_row(finding, width) for finding in findings)


def _row(finding: Finding, width: int) -> str:
    head = f"{finding.state:<8} {finding.what:<{width}}  "
    first, *others = [finding.note, *(f"-> {remedy}" for remedy in finding.remedies)]
    margin = " " * len(head)
    return "\n".join(
        [_wrapped(first, head, margin), *(_wrapped(o, margin, margin) for o in others)]
    )


def _wrapped(text: str, head: str, margin: str) -> str:
    # A path or a command is copied, so no word is cut.
    return textwrap.fill(
        text,
        _COLUMNS,
        initial_indent=head,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _python() -> Finding:
    return Finding("Python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _redis(settings: Settings) -> Finding:
    if settings.redis_url is not None:
        return redis_finding(settings.redis_url, "the one of TOUCHSTONE_REDIS_URL")
    try:
        with EmbeddedRedis() as server:
            return redis_finding(server.url, f"private, {find_server()}")
    except RedisStartFailed as error:
        return Finding("Redis", "missing", str(error), ["install redis-server or valkey-server"])


def redis_finding(url: str, which: str) -> Finding:
    """How it is with the Redis at the URL, and which one that is."""
    try:
        seen = asyncio.run(_seen_at(url))
    except RedisError as error:
        remedy = "start it or unset TOUCHSTONE_REDIS_URL"
        return Finding("Redis", "missing", f"{which}: {type(error).__name__}", [remedy])
    if tuple(int(part) for part in seen.version.split(".")[:2]) < _OLDEST_REDIS:
        return Finding("Redis", "missing", f"{which}: version {seen.version}, 6.2 is needed")
    if seen.evicts_by is not None:
        note = f"{which}: once full it forgets work and verdicts, by maxmemory-policy"
        return Finding("Redis", "weak", f"{note} {seen.evicts_by}", ["set it to noeviction"])
    return Finding("Redis", "ok", f"{which}, version {seen.version}")


class _RedisSeen(NamedTuple):
    version: str
    evicts_by: str | None


async def _seen_at(url: str) -> _RedisSeen:
    async with connect(url) as client:
        version = str((await client.info("server"))["redis_version"])
        memory = await client.info("memory")
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    evicts = policy != "noeviction" and int(memory.get("maxmemory", 0)) > 0
    return _RedisSeen(version, policy if evicts else None)


def _graders() -> list[Finding]:
    return [_warm(name, grader.warm_up) for name, grader in sorted(GRADERS.items())]


def _warm(name: str, warm_up: Callable[[], None]) -> Finding:
    started = time.perf_counter()
    try:
        warm_up()
    except OSError as error:
        return Finding(f"grader {name}", "missing", f"does not start: {error}")
    return Finding(f"grader {name}", "ok", f"warm in {time.perf_counter() - started:.1f} s")


def _cores(settings: Settings) -> Finding:
    note = f"{os.cpu_count()} cores, {settings.workers} worker processes (TOUCHSTONE_WORKERS)"
    return Finding("CPU", "ok", note)


def language_findings() -> list[Finding]:
    """A row per language that programs can be in: served here, or what would make it so."""
    with ThreadPoolExecutor(_LANGUAGES_AT_ONCE) as pool:
        return list(pool.map(_language, LANGUAGES))


def _language(name: LanguageName) -> Finding:
    what = f"language {name}"
    try:
        offer = offered(name)
        if not offer.serves:
            return Finding(what, "weak", f"not served: {offer.note}", [offer.remedy])
        note = f"{version_of(name)}; self-test {offer.cpu_s * 1000:.0f} ms of CPU"
        return Finding(what, "ok", note)
    except SandboxUnavailable as error:
        return Finding(what, "missing", f"the sandbox fails: {error}")


def _sandbox(settings: Settings) -> list[Finding]:
    try:
        found = open_runs(settings.sandbox_options())
    except (OSError, ImportError) as error:
        note = f"the {settings.sandbox} sandbox does not start: {error}"
        return [Finding("isolation", "missing", note, remedies_here(settings.sandbox))]
    return layer_findings(found, settings.isolation_floor)


def layer_findings(found: Isolation, floor: Floor) -> list[Finding]:
    """A row per layer, then the level that is reached."""
    needed = lacking(found, floor)
    rows = [
        Finding(
            f"layer {layer.name}",
            "ok" if layer.holds else "missing" if layer in needed else "weak",
            layer.how,
            [layer.remedy] if layer.remedy else [],
        )
        for layer in found.layers
    ]
    level = found.level or "less than standard"
    note = f"the {found.backend} sandbox gives {level}, the floor is {floor}"
    if found.meets(floor):
        return [*rows, Finding("isolation", "ok", note)]
    lower = [f"set TOUCHSTONE_ISOLATION_FLOOR={found.level}"] if found.level is not None else []
    return [*rows, Finding("isolation", "missing", f"{note}: lane code is not served", lower)]
