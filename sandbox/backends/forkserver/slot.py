"""The owner's side of one slot: starts its warm parent and speaks with it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from typing import Final

from sandbox.backends.forkserver import start
from sandbox.backends.forkserver.protocol import (
    LARGEST_MESSAGE,
    Command,
    Report,
    SlotSetup,
    answer_of,
)
from sandbox.box import ENVIRONMENT

__all__ = ["Slot"]

_START_S: Final = 60.0
_WRITTEN_BY_GROUP: Final = 0o024


class Slot:
    """One warm parent in its own namespaces, used by one caller at a time."""

    def __init__(self, setup: SlotSetup, *, python: str) -> None:
        self.preload = tuple(setup.preload)
        self.runs = 0
        self.broken = False
        """A run could not begin: whatever is wrong, this slot is not to be used again."""
        self._setup = setup
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(_START_S)
        with theirs:
            # Its own session: a terminal's Ctrl-C is for the owner, which decides who stops when.
            self._process = subprocess.Popen(
                [python, "-I", start.__file__, str(theirs.fileno())],
                env=None if "environment" in setup.without else ENVIRONMENT,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None,  # what it says there is a fault of ours
                start_new_session=True,
            )
        try:
            self.control.send(setup.packed())
            answer = answer_of(self.control.recv(LARGEST_MESSAGE) or b'["report",1,0,"it ended"]')
        except OSError as error:
            self.close()
            raise OSError(f"{python} did not start as a warm interpreter: {error}") from error
        if isinstance(answer, Report) and answer.failure:
            self.close()
            raise OSError(answer.failure)

    def kill(self) -> None:
        """End the warm parent, and with it all that is below it; a run under way breaks."""
        self._process.kill()

    def close(self) -> None:
        """End the warm parent and forget it; no run may be under way."""
        self.control.close()
        self._process.kill()
        self._process.wait()

    def start(self, command: Command, descriptors: Sequence[int]) -> None:
        """Have a run begin; an OSError where the warm parent is gone."""
        self.runs += 1
        socket.send_fds(self.control, [command.packed()], descriptors)

    def give(self, pipe: int) -> None:
        """Let the program open this pipe, which is its own, once more by the name /dev/stdout."""
        if not self._setup.in_user_namespace:
            os.fchown(pipe, self._setup.uid, self._setup.gid)

    def give_to_write(self, pipe: int) -> None:
        """As `give`, where another slot's program reads: no one gets the end of the other so."""
        if not self._setup.in_user_namespace:
            # By its group, as an owner could change the mode.
            os.fchown(pipe, 0, self._setup.gid)
            os.fchmod(pipe, _WRITTEN_BY_GROUP)
