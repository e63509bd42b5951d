"""The protocol of the zygote and its children, spoken by hand in this process."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sandbox import zygote

REQUEST = {
    "function": "tests.sandbox.functions:add",
    "arguments": [2, 3],
    "cpu_s": 5.0,
    "memory_bytes": 2**40,
    "output_bytes": 1000,
}


@contextmanager
def _serving() -> Iterator[socket.socket]:
    """The owner's end of a channel that a thread serves as a child would."""
    # The timer is the process's: its signal must not end the tests, should it ever come.
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    ours, theirs = socket.socketpair()
    server = threading.Thread(target=zygote.serve_calls, args=(theirs,))
    server.start()
    with theirs:
        with ours:
            yield ours
        server.join()


def _ask(channel: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps(request).encode()
    channel.sendall(zygote.LENGTH.pack(len(body)) + body)
    (length,) = zygote.LENGTH.unpack(channel.recv(zygote.LENGTH.size, socket.MSG_WAITALL))
    answer: dict[str, Any] = json.loads(channel.recv(length, socket.MSG_WAITALL))
    return answer


def test_requests_are_answered_until_the_owner_goes() -> None:
    with _serving() as channel:
        assert _ask(channel, REQUEST) == {"value": 5}
        assert _ask(channel, REQUEST | {"arguments": [20, 3]}) == {"value": 23}
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


ERRORS: list[tuple[dict[str, Any], str, str]] = [
    ({"function": "tests.sandbox.functions:boom", "arguments": ["why"]}, "raised",
     "LookupError: why"),
    ({"function": "tests.sandbox.functions:boom", "arguments": ["w" * 9000]}, "raised",
     "LookupError: www"),
    ({"function": "tests.sandbox.functions:absent"}, "raised", "AttributeError"),
    ({"output_bytes": 3}, "raised", "the limit is 3"),
    ({"function": "tests.sandbox.functions:out_of_memory", "arguments": []}, "memory", ""),
]  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "words"), ERRORS, ids=range(len(ERRORS)))
def test_what_goes_wrong_is_an_answer_of_bounded_length(
    change: dict[str, Any], kind: str, words: str
) -> None:
    with _serving() as channel:
        answer = _ask(channel, REQUEST | change)
        assert _ask(channel, REQUEST) == {"value": 5}
    assert answer["error"] == kind
    assert words in answer.get("text", "")
    assert len(json.dumps(answer)) < 600


def test_an_entry_names_a_function() -> None:
    assert zygote.resolve("json:dumps") is json.dumps
