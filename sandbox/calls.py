"""`call`: run our own function on untrusted arguments in a warm child that can be killed."""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sandbox import zygote
from sandbox.call_contract import (
    CallCrashed,
    CallLimits,
    CallOutOfMemory,
    CallRaised,
    CallTimedOut,
    CallUnavailable,
    Json,
)

__all__ = ["call", "close_calls", "warm_calls"]

_CALLS_PER_CHILD: Final = 500
_START_S: Final = 120.0
_ROOT: Final = str(Path(__file__).resolve().parent.parent)


def call(
    function: Callable[..., Json], *args: Json, limits: CallLimits, preload: tuple[str, ...] = ()
) -> Json:
    """Return `function(*args)` as computed by a killable child within the limits.

    The function is a module-level one; arguments and value are plain JSON.
    `preload` names what the children's parent has loaded before it forks them: "module", or
    "module:function" to be called once.
    Only `CallUnavailable` is this host's fault and worth another try.
    """
    name = f"{function.__module__}:{function.__qualname__}"
    return _children(preload).call(name, list(args), limits=limits)


def warm_calls(preload: tuple[str, ...]) -> None:
    """Start a child now, so that the first call finds it waiting."""
    _children(preload).warm()


def close_calls() -> None:
    """End every child and their parents; a later call starts afresh."""
    opened = _opened()
    while opened:
        opened.popitem()[1].close()


@functools.cache
def _opened() -> dict[tuple[int, tuple[str, ...]], _Children]:
    atexit.register(close_calls)
    return {}


def _children(preload: tuple[str, ...]) -> _Children:
    # Keyed by this process, so that a fork of ours never talks to its parent's children.
    opened, key = _opened(), (os.getpid(), preload)
    return opened.get(key) or opened.setdefault(key, _Children(preload))


class _Died(Exception):
    """The child went away in the middle of a request, with this wait status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


class _Starved(Exception):
    """The wall clock ran out before the CPU limit did."""


class _Zygote:
    """The warm parent: forks a child on demand, and kills and reaps one on demand."""

    def __init__(self, preload: tuple[str, ...]) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_START_S)
        with theirs:
            command = [sys.executable, "-I", zygote.__file__, str(theirs.fileno()), _ROOT, *preload]
            # Its own session: a terminal's Ctrl-C is for the owner, which decides who stops when.
            self._process = subprocess.Popen(
                command,
                env={},
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            self._receive()
        except OSError:
            self.close()
            raise

    def fork(self) -> _Child:
        ours, theirs = socket.socketpair()
        command = zygote.COMMAND.pack(zygote.FORK, 0)
        try:
            with theirs, self._lock:
                socket.send_fds(self._control, [command], [theirs.fileno()])
                return _Child(ours, self._receive())
        except OSError:
            ours.close()
            raise

    def reap(self, child: _Child) -> int:
        """Kill the child if it lives, and return its wait status once it is dead."""
        child.channel.close()
        with self._lock:
            self._control.sendall(zygote.COMMAND.pack(zygote.REAP, child.pid))
            return self._receive()

    def close(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()

    def _receive(self) -> int:
        data = self._control.recv(zygote.REPLY.size, socket.MSG_WAITALL)
        if len(data) < zygote.REPLY.size:
            raise ConnectionResetError("the zygote ended")
        number: int = zygote.REPLY.unpack(data)[0]
        return number


class _Child:
    """One forked child and the socket that only it and its owner hold."""

    def __init__(self, channel: socket.socket, pid: int) -> None:
        self.channel = channel
        self.pid = pid
        self.calls = 0

    def ask(self, request: bytes, limits: CallLimits) -> dict[str, Any] | None:
        """The child's response, or None when it closed its end."""
        self.calls += 1
        self.channel.settimeout(limits.wall_s)
        try:
            self.channel.sendall(zygote.LENGTH.pack(len(request)) + request)
            header = self._read(zygote.LENGTH.size)
            if header is None:
                return None
            (length,) = zygote.LENGTH.unpack(header)
            if length > limits.output_bytes + zygote.MAX_ERROR_BYTES:
                raise CallRaised(f"a frame of {length} bytes is none of ours")
            body = self._read(length)
        except TimeoutError:
            raise _Starved from None
        except ConnectionError:
            return None
        # Any: the frame of our own child, whose two keys are read in one place below.
        response: dict[str, Any] | None = None if body is None else json.loads(body)
        return response

    def _read(self, length: int) -> bytes | None:
        data = bytearray()
        while len(data) < length:
            received = self.channel.recv(length - len(data))
            if not received:
                return None
            data += received
        return bytes(data)


class _Children:
    """The idle children of one zygote; as many live as there are callers at once."""

    def __init__(self, preload: tuple[str, ...]) -> None:
        self._preload = preload
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._zygote: _Zygote | None = None
        self._closed = False

    def close(self) -> None:
        with self._lock:
            self._closed = True
        if self._zygote is not None:
            self._forget(self._zygote)

    def warm(self) -> None:
        self._put_back(self._take())

    def call(self, name: str, arguments: list[Json], *, limits: CallLimits) -> Json:
        request = json.dumps(
            {
                "function": name,
                "arguments": arguments,
                "cpu_s": limits.cpu_s,
                "memory_bytes": limits.memory_bytes,
                "output_bytes": limits.output_bytes,
            }
        ).encode()
        try:
            try:
                return self._call_once(request, limits)
            except (_Died, ConnectionError):
                # Once more in a fresh child, so that no accident of ours is held against the item.
                return self._call_once(request, limits, fresh=True)
        except _Died as death:
            if death.signal in (0, signal.SIGKILL):
                raise CallUnavailable("the child was killed from outside, twice") from None
            raise CallCrashed(f"the child died of signal {death.signal}, twice") from None
        except _Starved:
            raise CallUnavailable(
                f"no answer in {limits.wall_s:g} s of wall time, with CPU time to spare:"
                " this host is overloaded"
            ) from None
        except OSError as error:
            raise CallUnavailable(f"no child could be started: {error}") from error

    def _call_once(self, request: bytes, limits: CallLimits, *, fresh: bool = False) -> Json:
        child = self._take(fresh=fresh)
        try:
            response = child.ask(request, limits)
        except BaseException:
            self._reap(child)
            raise
        if response is None:
            raise self._post_mortem(child, limits)
        if "value" in response:
            self._put_back(child)
            value: Json = response["value"]
            return value
        self._reap(child)
        if response["error"] == "memory":
            raise CallOutOfMemory(f"over {limits.memory_bytes} bytes")
        raise CallRaised(response["text"])

    def _post_mortem(self, child: _Child, limits: CallLimits) -> Exception:
        status = self._reap(child)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
            return CallTimedOut(f"over {limits.cpu_s:g} s of CPU time")
        return _Died(status)

    def _take(self, *, fresh: bool = False) -> _Child:
        with self._lock:
            if self._idle and not fresh:
                return self._idle.pop()
            if self._closed:
                raise ConnectionAbortedError("the calls were closed")
            if self._zygote is None:
                self._zygote = _Zygote(self._preload)
            parent = self._zygote
        try:
            return parent.fork()
        except OSError:
            self._forget(parent)
            raise

    def _put_back(self, child: _Child) -> None:
        if child.calls >= _CALLS_PER_CHILD:
            self._reap(child)
            return
        with self._lock:
            self._idle.append(child)

    def _reap(self, child: _Child) -> int:
        parent = self._zygote
        if parent is None:
            child.channel.close()
            return 0
        try:
            return parent.reap(child)
        except OSError:
            self._forget(parent)
            return 0

    def _forget(self, parent: _Zygote) -> None:
        """Drop a zygote that no longer answers, and its children with it."""
        with self._lock:
            if self._zygote is not parent:
                return
            self._zygote = None
            idle, self._idle = self._idle, []
        for child in idle:
            child.channel.close()
        parent.close()
