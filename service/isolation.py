"""What the sandbox of every worker enforces: tried out at its start, shown to every API."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from sandbox import Floor, Isolation, Layer, close_runs, open_runs
from service.remedies import remedies_here
from service.settings import Settings
from service.streams import sandbox_key, sandboxes_key

__all__ = [
    "HostIsolation",
    "IsolationReport",
    "LayerEntry",
    "held_against",
    "isolation_report",
    "lacking",
    "open_sandbox",
    "refusals",
    "shown",
]

_EVERY_S: Final = 1.0
_TTL_MS: Final = 5_000
_FROZEN: Final = ConfigDict(frozen=True, extra="forbid")


class LayerEntry(BaseModel):
    """One layer: whether it holds, how, and what would make it hold."""

    model_config = _FROZEN

    name: str
    holds: bool
    how: str
    remedy: str


class HostIsolation(BaseModel):
    """The sandbox of workers of one host that found the same; `refusal` says why none serves."""

    model_config = _FROZEN

    host: str
    backend: str
    level: Floor | None
    serves: bool
    refusal: str = ""
    workers: int = 1
    layers: tuple[LayerEntry, ...] = ()

    def meets(self, floor: Floor) -> bool:
        """Whether it is as isolated as that, whatever floor its own workers were given."""
        return self.level == "strict" or self.level == floor


class IsolationReport(BaseModel):
    """The body of `GET /v1/isolation`: what stands between programs and the workers' hosts."""

    model_config = _FROZEN

    floor: Floor
    met: bool
    """Some host serves lane `code`, and every one of them meets the floor."""
    level: Floor | None
    """Of the weakest host that serves."""
    hosts: tuple[HostIsolation, ...]


def open_sandbox(settings: Settings) -> HostIsolation:
    """Open this process's sandbox; where it is not to serve, it is closed again and says why."""
    try:
        found = open_runs(settings.sandbox_options())
    except (OSError, ImportError) as error:
        # A backend is imported when it is chosen, and needs what not every host has.
        advice = "; ".join(remedies_here(settings.sandbox))
        refusal = f"the {settings.sandbox} sandbox does not start: {error}; {advice}"
        return HostIsolation(
            host=socket.gethostname(),
            backend=settings.sandbox,
            level=None,
            serves=False,
            refusal=refusal,
        )
    entry = held_against(found, settings.isolation_floor)
    if not entry.serves:
        close_runs()
    return entry


def held_against(found: Isolation, floor: Floor) -> HostIsolation:
    """What was found on this host, and whether lane `code` may be served with it."""
    serves = found.meets(floor)
    return HostIsolation(
        host=socket.gethostname(),
        backend=found.backend,
        level=found.level,
        serves=serves,
        refusal="" if serves else _refusal(found, floor),
        layers=tuple(LayerEntry(**asdict(layer)) for layer in found.layers),
    )


def lacking(found: Isolation, floor: Floor) -> list[Layer]:
    """The missing layers without which this floor is not met."""
    return [layer for layer in found.layers if not replace(found, layers=(layer,)).meets(floor)]


def _refusal(found: Isolation, floor: Floor) -> str:
    layers = lacking(found, floor)
    names = ", ".join(layer.name for layer in layers) or "layers, and none is known"
    advice = [remedy for remedy in dict.fromkeys(layer.remedy for layer in layers) if remedy]
    if found.level is not None:
        advice.append(f"or set TOUCHSTONE_ISOLATION_FLOOR={found.level}")
    level = found.level or "less than standard"
    needs = f"the {found.backend} sandbox gives {level}, and the floor {floor} needs {names}"
    return "; ".join((needs, *advice))


@asynccontextmanager
async def shown(redis: Redis, entry: HostIsolation | None) -> AsyncIterator[None]:
    """Let every API see this worker's sandbox for as long as this lasts; None is none to see."""
    if entry is None:
        yield
        return
    over = asyncio.Event()
    name = f"{entry.host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    showing = asyncio.create_task(_show(redis, name, entry=entry, over=over))
    try:
        yield
    finally:
        # Told, not cancelled: the client may swallow a cancellation in the middle of a call.
        over.set()
        await showing


async def _show(redis: Redis, name: str, *, entry: HostIsolation, over: asyncio.Event) -> None:
    text = entry.model_dump_json()
    while not over.is_set():
        # A Redis that is away is waited for, and said to be away by the lanes.
        with suppress(RedisError):
            async with redis.pipeline() as pipe:
                pipe.sadd(sandboxes_key(), name)
                pipe.set(sandbox_key(name), text, px=_TTL_MS)
                await pipe.execute()
        pause_s = _EVERY_S * random.uniform(0.8, 1.0)  # noqa: S311 - no secret
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await over.wait()
    with suppress(RedisError):
        async with redis.pipeline() as pipe:
            pipe.srem(sandboxes_key(), name)
            pipe.delete(sandbox_key(name))
            await pipe.execute()


async def isolation_report(redis: Redis, *, floor: Floor) -> IsolationReport:
    """Ask the workers by way of Redis; a RedisError where that is away."""
    hosts = await _hosts(redis)
    levels = {host.level for host in hosts if host.serves}
    return IsolationReport(
        floor=floor,
        met=bool(levels) and all(host.meets(floor) for host in hosts),
        level="standard" if "standard" in levels else "strict" if levels else None,
        hosts=hosts,
    )


async def refusals(redis: Redis) -> tuple[str, ...]:
    """Why workers that were asked to serve lane `code` do not; a RedisError where Redis is away."""
    hosts = await _hosts(redis)
    return tuple(f"{host.host}: {host.refusal}" for host in hosts if host.refusal)


async def _hosts(redis: Redis) -> tuple[HostIsolation, ...]:
    members = await redis.smembers(sandboxes_key())
    names = sorted(m.decode() if isinstance(m, bytes) else m for m in members)
    texts = await redis.mget([sandbox_key(name) for name in names]) if names else []
    gone = [name for name, text in zip(names, texts, strict=True) if text is None]
    if gone:
        await redis.srem(sandboxes_key(), *gone)
    return _folded(
        [_entry(name, text) for name, text in zip(names, texts, strict=True) if text is not None]
    )


def _entry(name: str, text: bytes | str) -> HostIsolation:
    try:
        return HostIsolation.model_validate_json(text)
    except ValidationError:
        refusal = "its worker is of another version: have all machines run the same"
        host = name.rsplit("-", 2)[0]
        return HostIsolation(host=host, backend="", level=None, serves=False, refusal=refusal)


def _folded(entries: Sequence[HostIsolation]) -> tuple[HostIsolation, ...]:
    counted = Counter(entries)
    hosts = [entry.model_copy(update={"workers": count}) for entry, count in counted.items()]
    return tuple(sorted(hosts, key=lambda host: host.host))
