"""One pool of connections for each event loop, opened when it is first asked for."""

from __future__ import annotations

import asyncio
import functools
import gc
from typing import Final

from trainer_client.client import AsyncClient

__all__ = ["Pools"]

_FORGOTTEN_AT_ONCE: Final = 8


class Pools:
    """The clients of one service; a pickled copy opens its own."""

    def __init__(
        self, url: str, *, api_key: str | None, timeout_s: float, max_attempts: int, trust_env: bool
    ) -> None:
        self._new_client = functools.partial(
            AsyncClient,
            url,
            api_key=api_key,
            timeout_s=timeout_s,
            max_attempts=max_attempts,
            trust_env=trust_env,
        )
        self._new_client()  # raises for what is wrong with it here, not in the first step
        self._clients: dict[asyncio.AbstractEventLoop, AsyncClient] = {}

    def client(self) -> AsyncClient:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._forget_closed_loops()
            self._clients[loop] = self._new_client()
        return self._clients[loop]

    async def aclose(self) -> None:
        """Close the connections of the running loop; the next call opens new ones."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _forget_closed_loops(self) -> None:
        """Let go of connections whose loop was closed before them, where each call has a loop."""
        closed = [loop for loop in self._clients if loop.is_closed()]
        if len(closed) < _FORGOTTEN_AT_ONCE:
            return
        for loop in closed:
            del self._clients[loop]
        # Nobody can close them any more but the collector: they hang together in cycles.
        gc.collect()

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_clients": {}}
