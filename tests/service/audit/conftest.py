"""What is closed is written by then, however slow the disk is."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _time_to_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.audit.trail._CLOSING_S", 60.0)
