"""The warm parent that killable children are forked from.

It runs as a script with an empty environment.
It holds a control socket to its owner and nothing else: arguments and results pass between the
owner and a child over a socket of their own, which the zygote hands on unread.
When the owner goes, however it goes, the control socket closes and every child is killed.

Control protocol: the owner writes FORK with a descriptor, or REAP with a pid; each is answered by
one signed 64-bit integer (a pid, a wait status).
Child protocol: length-prefixed JSON frames, one request and one response at a time.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

__all__ = [
    "COMMAND",
    "FORK",
    "LENGTH",
    "MAX_ERROR_BYTES",
    "READY",
    "REAP",
    "REPLY",
    "main",
    "resolve",
    "serve_calls",
]

COMMAND: Final = struct.Struct("!cq")
REPLY: Final = struct.Struct("!q")
LENGTH: Final = struct.Struct("!I")
FORK: Final = b"F"
REAP: Final = b"R"
READY: Final = 0
_MAX_ERROR_CHARS: Final = 500
MAX_ERROR_BYTES: Final = 12 * _MAX_ERROR_CHARS + 100
"""The longest error frame: a character takes up to twelve bytes of JSON."""
_PR_SET_PDEATHSIG: Final = 1


def main(arguments: list[str]) -> None:
    """Preload, report ready, and serve the owner until it goes."""
    control_fd, root, *preload = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path.insert(0, root)
    with socket.socket(fileno=int(control_fd)) as control:
        for entry in preload:
            _load(entry)
        gc.collect()
        gc.freeze()
        control.sendall(REPLY.pack(READY))
        _serve_owner(control)


def resolve(entry: str) -> Callable[..., Any]:
    """The function that "module:name" names."""
    module, _, name = entry.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def _load(entry: str) -> None:
    if ":" in entry:
        resolve(entry)()
    else:
        importlib.import_module(entry)


def _serve_owner(control: socket.socket) -> None:
    children: set[int] = set()
    libc = _libc()
    try:
        while True:
            data, descriptors, _, _ = socket.recv_fds(control, COMMAND.size, 1)
            if len(data) < COMMAND.size:
                return
            operation, pid = COMMAND.unpack(data)
            if operation == FORK:
                pid = _fork_child(control, descriptors[0], libc)
                children.add(pid)
                control.sendall(REPLY.pack(pid))
            else:
                children.discard(pid)
                control.sendall(REPLY.pack(_kill_and_wait(pid)))
    except ConnectionError:
        return
    finally:
        for pid in children:
            _kill_and_wait(pid)


def _kill_and_wait(pid: int) -> int:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _fork_child(control: socket.socket, descriptor: int, libc: ctypes.CDLL | None) -> int:
    zygote = os.getpid()
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    status = 1
    try:
        control.close()
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == zygote:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            with socket.socket(fileno=descriptor) as channel:
                serve_calls(channel)
            status = 0
    finally:
        os._exit(status)


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def serve_calls(channel: socket.socket) -> None:
    """Answer requests until the owner closes its end."""
    baseline = _address_space_bytes()
    while True:
        header = channel.recv(LENGTH.size, socket.MSG_WAITALL)
        if len(header) < LENGTH.size:
            return
        (length,) = LENGTH.unpack(header)
        request = json.loads(channel.recv(length, socket.MSG_WAITALL))
        response = _answer(request, baseline)
        channel.sendall(LENGTH.pack(len(response)) + response)


def _address_space_bytes() -> int | None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    return int(statm.read_text().split()[0]) * resource.getpagesize()


def _answer(request: dict[str, Any], baseline: int | None) -> bytes:
    function, arguments = request["function"], request["arguments"]
    if baseline is not None:
        limit = baseline + request["memory_bytes"]
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    # The kernel's own timer with the default action: no loop in C can put off being killed by it.
    signal.setitimer(signal.ITIMER_PROF, request["cpu_s"])
    try:
        response = json.dumps({"value": resolve(function)(*arguments)}).encode()
        if len(response) > request["output_bytes"]:
            text = f"returned {len(response)} bytes, the limit is {request['output_bytes']}"
            response = _error("raised", text)
    except MemoryError:
        response = _error("memory", "")
    except Exception as error:  # noqa: BLE001 - the boundary itself: the owner raises it again
        text = f"{type(error).__name__}: {error}"[:_MAX_ERROR_CHARS]
        response = _error("raised", text)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return response


def _error(kind: str, text: str) -> bytes:
    return json.dumps({"error": kind, "text": text}).encode()


if __name__ == "__main__":
    main(sys.argv[1:])
