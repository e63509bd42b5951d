"""Requests as bytes: built once per call, the same on every attempt."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from trainer_client.items import GraderCalls, Items

__all__ = [
    "GRADERS",
    "READY",
    "Body",
    "Request",
    "Task",
    "can_send",
    "grade_request",
    "well_formed",
]

Task: TypeAlias = Literal["grade", "validate"]
"""What is asked about the items of a batch; the name of the route."""


@dataclass(frozen=True, slots=True)
class Body:
    """JSON whose long texts are set aside, and escaped as it is sent.

    The json module takes 4 ns a character, and a body made in one piece is copied three times over
    in memory that is fresh each time: this costs a quarter of it.
    """

    frame: tuple[bytes, ...]
    texts: tuple[str, ...]

    def __iter__(self) -> Iterator[bytes]:
        """The blocks to send, the same each time."""
        block = [self.frame[0]]
        size = len(block[0])
        for text, after in zip(self.texts, self.frame[1:], strict=True):
            escaped = _escaped(text)
            block += (b'"', escaped, b'"', after)
            size += len(escaped) + len(after)
            if size >= _BLOCK_BYTES:
                yield b"".join(block)
                block, size = [], 0
        yield b"".join(block)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """As above, for asyncio."""
        for block in self:
            yield block


class Request(NamedTuple):
    """One HTTP request, complete but for the server's address."""

    method: str
    path: str
    content: bytes | Body | None
    headers: Mapping[str, str]


# Of JSON: below that, a hash in each item saves little.
_WORTH_SHARING_CHARS: Final = 1_024

_BLOCK_BYTES: Final = 1_048_576
_LONG_TEXT_CHARS: Final = 256
_TEXT_KEYS: Final = frozenset({"completion", "prompt", "content"})
# The backslash first: the others bring more of them.
_ESCAPES: Final = (
    (b"\\", rb"\\"), (b'"', rb"\""), (b"\n", rb"\n"), (b"\r", rb"\r"), (b"\t", rb"\t"),
)  # fmt: skip
_RARE_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\n\r\t")

GRADERS: Final = Request("GET", "/v1/graders", None, {})
READY: Final = Request("GET", "/readyz", None, {})


def grade_request(
    items: Items, graders: GraderCalls, *, deadline_s: float | None, key: str, task: Task = "grade"
) -> Request:
    """The one POST of a batch, or a ValueError or TypeError that names the part at fault.

    A large reference that several items carry is sent once, under the SHA-256 of its JSON.
    """
    listed = _mappings(items, "items")
    body: dict[str, object] = {"graders": _mappings(graders, "graders"), "items": listed}
    if deadline_s is not None:
        if not 0 < deadline_s < math.inf:
            raise ValueError(f"deadline_s={deadline_s!r}: give a finite number of seconds above 0")
        body["deadline_s"] = deadline_s
    try:
        content = _encoded(_with_references(body, listed))
    except TypeError as error:
        raise TypeError(_cannot_send(body, error)) from error
    except ValueError as error:
        raise ValueError(_cannot_send(body, error)) from error
    except RecursionError as error:
        raise ValueError(_cannot_send(body, "nested too deeply")) from error
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return Request("POST", f"/v1/{task}", content, headers)


def well_formed(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD, and surrogate pairs joined."""
    return _utf8(text).decode()


def _encoded(body: Mapping[str, object]) -> bytes | Body:
    items = body["items"]
    texts: list[str] = []
    mark = uuid.uuid4().hex  # which no text can know
    lifted = [_lifted(item, texts, mark) for item in items] if isinstance(items, list) else items
    frame = _utf8(_ENCODER.encode({**body, "items": lifted}))
    parts = Body(tuple(frame.split(f'"{mark}"'.encode())), tuple(texts))
    return parts if sum(map(len, texts)) >= _BLOCK_BYTES else b"".join(parts)


def _lifted(value: object, texts: list[str], mark: str) -> object:
    """The item with the mark for each long text of its own; these join the texts, in order."""
    if isinstance(value, str) and len(value) >= _LONG_TEXT_CHARS:
        texts.append(value)
        return mark
    if isinstance(value, Mapping):
        return {
            key: _lifted(part, texts, mark) if key in _TEXT_KEYS else part
            for key, part in value.items()
        }
    return [_lifted(part, texts, mark) for part in value] if isinstance(value, list) else value


def _escaped(text: str) -> bytes:
    data = _utf8(text)
    if any(map(data.__contains__, _RARE_CONTROLS)):  # the quickest of many ways to ask
        return _utf8(_ENCODER.encode(text))[1:-1]
    for character, escape in _ESCAPES:
        data = data.replace(character, escape)
    return data


def _utf8(text: str) -> bytes:
    # Decoders of byte-level tokens do emit lone surrogates; one of them must not end a run.
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub(_replaced, text.encode("utf-8", "surrogatepass"))


def _replaced(surrogates: re.Match[bytes]) -> bytes:
    halves = surrogates[0].decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
    return halves.decode("utf-16-le", "replace").encode()


# A pair or a half, as "surrogatepass" writes them; in bytes, since 16 MB of str take five times
# as long to search and decode.
_SURROGATES: Final = re.compile(
    rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]|\xed[\xa0-\xbf][\x80-\xbf]"
)


def _with_references(
    body: Mapping[str, object], items: Sequence[Mapping[str, object]]
) -> Mapping[str, object]:
    references = [item.get("reference") for item in items]
    # By identity first: in most batches the items of a group carry one and the same object.
    names = {id(r): _name_of(r) for r in {id(r): r for r in references}.values()}
    uses = Counter(names[id(r)] for r in references)
    shared: dict[str, object] = {}
    sent: list[Mapping[str, object]] = []
    for item, reference in zip(items, references, strict=True):
        name = names[id(reference)]
        if name is None or uses[name] == 1:
            sent.append(item)
        else:
            shared.setdefault(name, reference)
            sent.append({**item, "reference": name})
    return {**body, "items": sent, "references": shared} if shared else body


def _name_of(reference: object) -> str | None:
    """The hash of a reference worth sharing; the order of its keys counts, for it may matter."""
    if not isinstance(reference, Mapping):
        return None
    try:
        text = _ENCODER.encode(reference)
    except (TypeError, ValueError, RecursionError):
        return None  # the encoding of the whole says where it is
    return hashlib.sha256(_utf8(text)).hexdigest() if len(text) >= _WORTH_SHARING_CHARS else None


def _mappings(parts: GraderCalls | Items, name: str) -> list[Mapping[str, object]]:
    # Typed as object: callers without a type checker do pass one mapping, or a list of strings.
    given: object = parts
    if isinstance(given, Mapping | str) or not hasattr(given, "__len__"):
        raise TypeError(f"{name} is of type {type(given).__name__}: pass a list of mappings")
    listed: list[Mapping[str, object]] = []
    for index, part in enumerate(parts):
        one: object = part
        if not isinstance(one, Mapping):
            raise TypeError(f"{name}[{index}] is of type {type(one).__name__}: pass a mapping")
        listed.append(part)
    return listed


def _cannot_send(body: Mapping[str, object], why: object) -> str:
    # Where and why, and no content: it may be a completion.
    parts = (
        (f"{name}[{index}]", part)
        for name, listed in body.items()
        for index, part in enumerate(listed if isinstance(listed, list) else [])
    )
    where = next((where for where, part in parts if not can_send(part)), "the batch")
    return (
        f"{where} cannot be sent as JSON ({why}): "
        "use str, bool, int, finite float, None, and lists and mappings of them"
    )


def can_send(part: object) -> bool:
    """Whether JSON can hold a part of a batch, such as an item."""
    try:
        _ENCODER.encode([[part]])  # as deep as it lies in the body
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if callable(to_list := getattr(value, "tolist", None)):  # numbers and arrays of numpy
        return to_list()
    raise TypeError(f"an object of type {type(value).__name__}")


_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
)
