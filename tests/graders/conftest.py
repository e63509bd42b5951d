"""What the graders' tests open in this process is closed when the last of them is done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import close_calls, close_runs


@pytest.fixture(scope="package", autouse=True)
def boxes_are_closed() -> Iterator[None]:
    yield
    close_runs()
    close_calls()
