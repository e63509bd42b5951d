"""One way to connect to Redis, with the client's surprising defaults set right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from service.redis_address import read_redis_url
from service.redis_master import MasterConnection, TLSMasterConnection, finder

__all__ = ["BLOCK_MS", "Entry", "append", "connect", "entries_of", "streams_of"]

BLOCK_MS: Final = 500
"""How long a read waits for entries; far under the socket's time-out, or it would be cut off."""

_SOCKET_S: Final = 10.0
_CONNECTIONS: Final = 16


def connect(url: str) -> Redis:
    """A client whose calls fail after seconds, never retry by themselves and wait for a connection.

    The client's own retries would append an entry twice. Behind Sentinels and in a cluster it is
    connected to the one master that has our keys, whichever that is: they share a hash tag.
    """
    address = read_redis_url(url)
    options = dict(address.options)
    if address.kind != "one":
        options["connection_class"] = TLSMasterConnection if address.tls else MasterConnection
        options["find"] = finder(address)
    pool = BlockingConnectionPool(
        max_connections=_CONNECTIONS,
        timeout=_SOCKET_S,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=_SOCKET_S,
        socket_connect_timeout=_SOCKET_S,
        **options,
    )
    return Redis.from_pool(pool)


class Entry(NamedTuple):
    """One entry of a stream; its fields are gone if it was deleted meanwhile."""

    entry_id: bytes
    fields: Mapping[bytes, bytes] | None


def streams_of(found: Any) -> list[tuple[str, list[Entry]]]:
    """What a read of streams found, by the names of the streams."""
    # Any: redis-py types the answer as the union over all protocols; we speak RESP2.
    return [(name.decode(), entries_of(entries)) for name, entries in found or ()]


def entries_of(found: Any) -> list[Entry]:
    """The entries of one stream, of those that a range or a read found."""
    # Any: as above.
    return [Entry(*entry) for entry in found]


def append(
    pipe: Pipeline,
    key: str | bytes,
    fields: Mapping[bytes, bytes | int],
    *,
    keep: int | None = None,
) -> None:
    """Queue the append of an entry, keeping about the newest `keep` of the stream."""
    pipe.xadd(key, dict(fields), maxlen=keep)  # type: ignore[arg-type] # its dict type is invariant
