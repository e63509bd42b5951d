"""One message between the backend and a program of ours in the container.

This file stands alone, as its text is also sent into the container.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

__all__ = ["Frame", "Head", "pack", "read_from", "read_head", "unpack"]

_PART_BYTES: Final = 2**20
_LENGTH: Final = struct.Struct(">I")


class Frame(NamedTuple):
    """A head, which is a JSON object, and the bytes that it speaks of."""

    head: dict[str, Any]  # JSON; whoever reads it knows what is in it
    blobs: list[bytes]


class Head(NamedTuple):
    """A head, and the length of each of the blobs that follow it."""

    head: dict[str, Any]  # JSON; whoever reads it knows what is in it
    lengths: list[int]


def pack(head: Mapping[str, object], blobs: Sequence[bytes] = ()) -> list[bytes]:
    """The message in parts, so that no blob is copied."""
    text = json.dumps({**head, "blobs": [len(blob) for blob in blobs]}).encode()
    return [_LENGTH.pack(len(text)) + text, *blobs]


def unpack(read: Callable[[int], bytes], *, most_bytes: int) -> Frame:
    """Read one message by calls for an exact number of bytes; a ValueError where it is too long."""
    head, lengths = read_head(read, most_bytes=most_bytes)
    if sum(lengths) > most_bytes:
        raise ValueError(f"a message of more than {most_bytes} bytes")
    return Frame(head, [read(length) for length in lengths])


def read_head(read: Callable[[int], bytes], *, most_bytes: int) -> Head:
    """Read a message up to its blobs."""
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > most_bytes:
        raise ValueError(f"a message of more than {most_bytes} bytes")
    head = json.loads(read(length))
    lengths: list[int] = head.pop("blobs")
    if min(lengths, default=0) < 0:
        raise ValueError("a message with less than nothing in it")
    return Head(head, lengths)


def read_from(descriptor: int) -> Callable[[int], bytes]:
    """Calls that read an exact number of bytes; an EOFError where there are fewer."""

    def read(count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            part = os.read(descriptor, min(count, _PART_BYTES))
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    return read
