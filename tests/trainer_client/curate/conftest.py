"""The command line with what it writes caught."""

from __future__ import annotations

import pytest

from tests.trainer_client.curate.rows import Curate


@pytest.fixture
def curate(capfd: pytest.CaptureFixture[str]) -> Curate:
    """Run a command and say how it ended."""
    return Curate(capfd)
