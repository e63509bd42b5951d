"""Runs in a box: one side of the conversation between the tests and the program.

Both sides are alike: each asks the other to do something with the other's objects, and while it
waits for the answer it does what it is asked itself.
What differs is what each one does for the other, and shows it: its manners.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from graders.programs.boxed.containers import Containers
from graders.programs.boxed.incoming import CrossingReader
from graders.programs.boxed.outgoing import CrossingWriter
from graders.programs.boxed.plaindata import NotPlain, json_bytes
from graders.programs.boxed.streams import Streams, write_all

__all__ = ["Ended", "Manners", "Peer"]

# Any: values of whatever programs and tests are made of, and JSON.
_Value = Any
_Json = Any

_MOST_BYTES = 2**26
_MOST_PARTS = 2_000_000
_HEAD_BYTES = 4
_AT_ONCE = 2**20
_LOADS = json.loads
_BROKEN = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Ended(BaseException):
    """The other side is gone, or what it wrote is no part of a conversation."""


class Manners(Protocol):
    """What one side does for the other."""

    tells_causes: bool
    """Whether the other side learns what an exception came from."""

    def perform(self, op: str, args: Sequence[_Value], kwargs: Mapping[str, _Value]) -> _Value:
        """Do what the other side asks for."""

    def describe(self, kind: type) -> Sequence[str]:
        """The special methods of this class that the other side may call."""

    def may_show(self, value: _Value) -> bool:
        """Whether the other side may hold the object at all."""

    def arrived(self, error: BaseException) -> BaseException:
        """What to raise here for an exception that came out of the other side."""

    def before(self, op: str, args: Sequence[_Value]) -> None:
        """Look at what is about to be asked for."""

    def lost(self, why: str) -> None:
        """Take note that the other side is gone."""

    def operate(self, live: _Value, name: str, args: tuple[_Value, ...]) -> _Value:
        """Have a special method called."""

    def holds(self, live: _Value, item: _Value) -> bool:
        """Have the other side say whether the item is in its container."""

    def attribute(self, live: _Value, name: str) -> _Value:
        """Have an attribute looked up."""

    def said(self) -> _Json:
        """What was printed, and warned of, here since the last frame."""

    def heard(self, text: str, warned: list[list[str]]) -> None:
        """Take note of what was printed, and warned of, over there."""

    def shared_name(self, value: _Value) -> str | None:
        """The name of what both sides have; None of all else."""

    def shared(self, name: str) -> _Value:
        """What the other side means by such a name."""


class Peer:
    """One side of the conversation."""

    def __init__(self, streams: Streams, manners: Manners, *, first_number: int) -> None:
        self.manners = manners
        self.containers = Containers(first=first_number)
        self.numbers: dict[int, int] = {}
        self.objects: list[_Value] = []
        """What the other side may name by its number; kept alive, as it is named by identity."""
        self.things: dict[int, _Value] = {}
        """What stands for the other side's objects."""
        self.described: set[int] = set()
        """The classes of ours that the other side knows."""
        self.undelivered: list[_Json] = []
        """Descriptions that go out with the next frame."""
        self._streams = streams
        self._lock = threading.RLock()
        self._is_lost = False

    def number(self, value: _Value) -> int:
        """The number by which the other side names this object of ours."""
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return number

    def get(self, live: _Value, name: str) -> _Value:
        """An attribute of an object over there."""
        return self.manners.attribute(live, name)

    def operate(self, live: _Value, name: str, args: tuple[_Value, ...]) -> _Value:
        """What a special method of an object over there returns."""
        return self.manners.operate(live, name, args)

    def holds(self, live: _Value, item: _Value) -> bool:
        """Whether the item is in a container over there."""
        return self.manners.holds(live, item)

    def ask(
        self, op: str, args: Sequence[_Value], kwargs: Mapping[str, _Value] | None = None
    ) -> _Value:
        """What the other side answers; what it raised is raised here."""
        self.manners.before(op, args)
        with self._lock:
            writer = CrossingWriter(self, is_question=True)
            try:
                named = [[name, writer.tree(value)] for name, value in (kwargs or {}).items()]
                question = ["ask", op, writer.items(args, 0), named]
            except NotPlain as error:
                writer.take_back()
                raise self.manners.arrived(error) from None
            if self._is_lost:
                raise self._lost("the conversation broke off before")
            # What ends the waiting from outside leaves an answer that belongs to no question.
            self._is_lost = True
            self._send(question, writer)
            answer = self._await_answer()
            self._is_lost = False
            return self._result(answer)

    def serve(self) -> None:
        """Do what is asked until the other side is gone."""
        while True:
            with self._lock:
                frame = self.receive()
            self._answer(frame)

    def say(self, tree: _Json) -> None:
        """Send what answers no question, and is plain."""
        self._write([tree])

    def receive(self) -> list[_Json]:
        """The next frame; what is none is the end."""
        length = int.from_bytes(self._read(_HEAD_BYTES), "big")
        if length > _MOST_BYTES:
            raise self._lost(f"a frame of {length} bytes")
        data = self._read(length)
        if data.count(b",") + data.count(b"[") + data.count(b"{") > _MOST_PARTS:
            raise self._lost("a frame of too many parts")
        try:
            frame = _LOADS(data.decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError):
            raise self._lost("a frame that is no JSON") from None
        if type(frame) is not list or not frame:
            raise self._lost("a frame that is no list")
        return frame

    def _await_answer(self) -> list[_Json]:
        while True:
            frame = self.receive()
            if frame[0] != "ask":
                return frame
            self._is_lost = False
            self._answer(frame)
            self._is_lost = True

    def _result(self, answer: list[_Json]) -> _Value:
        reader = CrossingReader(self)
        try:
            kind, tree, changes, released, classes, said = answer
            reader.learn(classes)
            found = reader.value(tree) if kind == "value" else reader.error(tree)
            reader.apply(changes, released)
            reader.remember()
            heard = _as_heard(said)
        except _BROKEN as broken:
            raise self._lost(f"an answer that is none: {type(broken).__name__}") from None
        self.manners.heard(*heard)
        if kind == "value":
            return found
        raise self.manners.arrived(found)

    def _answer(self, frame: list[_Json]) -> None:
        reader = CrossingReader(self)
        try:
            _, op, args, kwargs, changes, released, classes, said = frame
            reader.learn(classes)
            values = reader.values(args)
            named = {str(name): reader.value(tree) for name, tree in kwargs}
            reader.apply(changes, released)
            reader.remember()
            heard = _as_heard(said)
        except _BROKEN as broken:
            raise self._lost(f"a question that is none: {type(broken).__name__}") from None
        try:
            self.manners.heard(*heard)
            self._say_done(["value", self.manners.perform(op, values, named)], values, named)
        except Ended:
            raise
        except BaseException as error:  # noqa: BLE001 - what is raised crosses as what it is
            # Here, so that its frames are gone, and what they held, when that is looked at.
            error.__traceback__ = None
            self._say_done(["error", error], values, named)

    def _say_done(self, done: list[_Value], args: list[_Value], kwargs: dict[str, _Value]) -> None:
        # Nobody but the program is to hold them when that is looked at.
        args.clear()
        kwargs.clear()
        kind, value = done
        with self._lock:
            writer = CrossingWriter(self, is_question=False)
            try:
                tree = writer.tree(value) if kind == "value" else writer.error(value)
            except NotPlain as error:
                writer.take_back()
                kind, tree = "error", writer.error(error)
            self._send([kind, tree], writer)

    def _send(self, payload: list[_Json], writer: CrossingWriter) -> None:
        changes = writer.changes()
        released = self.containers.let_go(after_a_call=payload[0] != "ask")
        classes, self.undelivered = self.undelivered, []
        self._write([*payload, changes, released, classes, self.manners.said()])

    def _write(self, frame: list[_Json]) -> None:
        data = json_bytes(frame)
        try:
            write_all(self._streams.writes, len(data).to_bytes(_HEAD_BYTES, "big") + data)
        except OSError:
            raise self._lost("it ended") from None

    def _read(self, length: int) -> bytes:
        parts: list[bytes] = []
        while length:
            part = os.read(self._streams.reads, min(length, _AT_ONCE))
            if not part:
                raise self._lost("it ended")
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _lost(self, why: str) -> Ended:
        self._is_lost = True
        self.manners.lost(why)
        return Ended(why)


def _as_heard(said: _Json) -> tuple[str, list[list[str]]]:
    text, warned = said
    return str(text), [[str(name), str(message)] for name, message in warned]
