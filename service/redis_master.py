"""Finds the server that is in charge, again whenever it may have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from redis import exceptions
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError

from service.queues import PREFIX
from service.redis_address import Place, RedisAddress

__all__ = ["MasterConnection", "TLSMasterConnection", "finder"]

_ASK_S: Final = 1.0
# The server that is asked is not in charge of our keys, or not any more.
_NOT_IN_CHARGE: Final = (
    exceptions.AskError,
    exceptions.ClusterDownError,
    exceptions.ReadOnlyError,
    exceptions.TryAgainError,
)

Find = Callable[[], Awaitable[Place]]


class MasterConnection(Connection):
    """Looks for the master at each connect, and gives up a server that is none any more.

    So pool, pipelines, scripts and blocking reads are those of one server, and a change of the
    master is a lost connection like any other.
    """

    def __init__(self, *, find: Find, **options: Any) -> None:
        # Any: redis-py's own keywords, of many types.
        super().__init__(**options)
        self._find = find

    async def _connect(self) -> None:
        self.host, self.port = await self._find()
        await super()._connect()  # type: ignore[no-untyped-call] # redis-py's

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """The server's answer; a ConnectionError where another server would have to give it."""
        # Any: as redis-py has them.
        try:
            return await super().read_response(*args, **options)
        except _NOT_IN_CHARGE as error:
            await self.disconnect(nowait=True)
            place = Place(self.host, self.port)
            raise exceptions.ConnectionError(f"{place} is not in charge: {error}") from error


class TLSMasterConnection(MasterConnection, SSLConnection):
    """The same, over TLS."""


def finder(address: RedisAddress) -> Find:
    """What finds the master: by the Sentinels, or by the cluster's nodes, whoever answers first."""
    ask = _ask_sentinel if address.kind == "sentinel" else _ask_node

    async def find() -> Place:
        said = []
        for place in address.places:
            try:
                return await ask(address, place)
            except (RedisError, OSError, TimeoutError) as error:
                said.append(f"{place}: {error or type(error).__name__}")
        raise exceptions.ConnectionError("no master is known; " + "; ".join(said))

    return find


async def _ask_sentinel(address: RedisAddress, place: Place) -> Place:
    question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.master)
    found = await _ask(place, *question, tls=address.tls, options=address.asking)
    if not found:
        raise RedisError(f"watches no master {address.master!r}")
    return Place(found[0].decode(), int(found[1]))


async def _ask_node(address: RedisAddress, place: Place) -> Place:
    slot = key_slot(PREFIX.encode())
    found = await _ask(place, "CLUSTER", "SLOTS", tls=address.tls, options=address.options)
    for first, last, (host, port, *_), *_ in found:
        if first <= slot <= last:
            # A node that does not know its own address means that it was reached by it.
            return Place(host.decode() if host else place.host, int(port))
    raise RedisError(f"no node serves slot {slot}")


# Any: what redis-py takes and answers.
async def _ask(place: Place, *command: str, tls: bool, options: Any) -> Any:
    kind = SSLConnection if tls else Connection
    connection = kind(
        host=place.host,
        port=place.port,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=_ASK_S,
        socket_connect_timeout=_ASK_S,
        **options,
    )
    try:
        async with asyncio.timeout(2 * _ASK_S):
            await connection.connect()  # type: ignore[no-untyped-call] # redis-py's
            await connection.send_command(*command)
            return await connection.read_response()
    finally:
        await connection.disconnect(nowait=True)
