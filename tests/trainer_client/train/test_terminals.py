"""A terminal or pipe that goes away while a run writes to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from trainer_client.train.console import Console
from trainer_client.train.errors import Stopped
from trainer_client.train.stopping import Stopping


def test_a_closed_pipe_mutes_the_console_and_ends_nothing() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        console = Console(stream)
        console.line("heard")
        assert os.read(reading, 100) == b"heard\n"
        os.close(reading)
        console.line("lost")
        console.progress("lost, too")
    assert stream.closed  # whose last flush is no error


@pytest.fixture
def hang_up() -> Iterator[None]:
    """Leaves the signal's handler as it was."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hang_up")
def test_a_lost_terminal_ends_a_run_as_ctrl_c_does_unless_nohup_began_it() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with Stopping(), pytest.raises(Stopped, match="stopped by SIGHUP") as stopped:
        os.kill(os.getpid(), signal.SIGHUP)
    assert stopped.value.status == 129
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Stopping():
        os.kill(os.getpid(), signal.SIGHUP)
