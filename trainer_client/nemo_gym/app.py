"""A resources server of NeMo Gym that hands each rollout on to Touchstone, and its answer back.

It needs what Gym itself needs and nothing of ours: copy this file to
`resources_servers/touchstone/app.py`, with a `requirements.txt` that asks for nemo-gym.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import ClassVar

import aiohttp
from fastapi import HTTPException, Request, Response
from nemo_gym.base_resources_server import (  # type: ignore[import-not-found]
    BaseResourcesServerConfig,
    ReverifyMode,
    SimpleResourcesServer,
)
from nemo_gym.server_utils import request as gym_request  # type: ignore[import-not-found]

__all__ = ["TouchstoneResourcesServer", "TouchstoneResourcesServerConfig"]


# The framework has no types here, for either class.
class TouchstoneResourcesServerConfig(BaseResourcesServerConfig):  # type: ignore[misc]
    """What stands in Gym's YAML beside `entrypoint`."""

    REVERIFY_MODE: ClassVar[object] = ReverifyMode.STATELESS
    url: str = "http://127.0.0.1:8000"
    grader: str = "math"
    """With options as the wire has them, such as `math?styles=boxed`."""
    api_key: str | None = None
    timeout_s: float = 300.0


class TouchstoneResourcesServer(SimpleResourcesServer):  # type: ignore[misc]
    """Sessions are Gym's own, since Touchstone keeps nothing between two calls."""

    config: TouchstoneResourcesServerConfig

    async def verify(self, request: Request) -> Response:
        """The row with its reward; whatever else Touchstone answers, such as 503, is told so."""
        grader, _, query = self.config.grader.partition("?")
        address = f"{self.config.url.rstrip('/')}/compat/nemo_gym/{grader}/verify"
        headers = {"Content-Type": "application/json"}
        if self.config.api_key is not None:
            headers["Authorization"] = f"Bearer {self.config.api_key}"
        try:
            # Gym tries a connection that is lost for ever; this ends that, too.
            async with asyncio.timeout(self.config.timeout_s):
                answer = await gym_request(
                    "POST",
                    f"{address}?{query}" if query else address,
                    data=await request.body(),
                    headers=headers,
                )
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            told = f"Touchstone gave no answer ({type(error).__name__}): this is not a reward of 0"
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, told) from error
        return Response(content, answer.status, media_type="application/json")


if __name__ == "__main__":
    TouchstoneResourcesServer.run_webserver()
