"""Fixtures that need real servers, shared by the rooms' tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded_redis import EmbeddedRedis
from tests.live import LiveService, start_service

pytest_plugins = ["tests.no_skips"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command that ran in this process has set up its logging, to a stream that is closed now."""
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def redis_server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture(scope="session")
def live() -> Iterator[LiveService]:
    """One `serve` for all tests that only ask."""
    with start_service({}) as service:
        service.await_ready()
        yield service
