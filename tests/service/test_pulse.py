"""A worker's sign of life, for who restarts it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from service.pulse import pulse
from tests.live import start_service, wait_until


async def test_a_pulse_is_felt_as_long_as_it_lasts(tmp_path: Path) -> None:
    file = tmp_path / "pulse"
    async with pulse(file), asyncio.timeout(10):
        while not file.exists():
            await asyncio.sleep(0.01)
        os.utime(file, (0, 0))
        while file.stat().st_mtime == 0:
            await asyncio.sleep(0.01)


def test_without_a_file_there_is_none(tmp_path: Path) -> None:
    async def last() -> None:
        async with pulse(None):
            pass

    asyncio.run(last())
    assert list(tmp_path.iterdir()) == []


def test_a_worker_has_one(tmp_path: Path) -> None:
    file = tmp_path / "pulse"
    with start_service({"PULSE_FILE": str(file), "WORKERS": "1"}):
        wait_until(file.exists)
