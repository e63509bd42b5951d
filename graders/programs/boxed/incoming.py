"""Runs in a box: values on their way from the other box."""

from __future__ import annotations

import builtins
from collections import Counter, OrderedDict, defaultdict
from typing import Any

from graders.programs.boxed.containers import replace_contents
from graders.programs.boxed.mirrors import (
    STATE,
    Live,
    State,
    mirror_class,
    named,
    new_error,
    new_live,
)
from graders.programs.boxed.plaindata import NotPlain, Reader, is_namedtuple
from graders.programs.boxed.standard import same_error

__all__ = ["CrossingReader"]

# Any: values of whatever programs and tests are made of, JSON, and the Peer, which uses this.
_Value = Any
_Json = Any
_Peer = Any


class CrossingReader(Reader):
    """Reads what came in one frame."""

    def __init__(self, peer: _Peer) -> None:
        self._peer = peer
        self._number: int | None = None
        self._fresh: list[int] = []

    def learn(self, classes: _Json) -> None:
        """Make the classes that the other side describes; none is ever made again."""
        things = self._peer.things
        for number, name, bases, methods, fields in classes:
            if number in things or type(number) is not int:
                continue
            above = [things[base] if type(base) is int else same_error(*base) for base in bases]
            state = State(self._peer, number)
            things[number] = mirror_class(state, str(name), above, methods=methods, fields=fields)

    def filled(self, container: _Value, trees: _Json) -> _Value:
        """The container with the values in it, known before those that are in it."""
        self._receive(container)
        return super().filled(container, trees)

    def filled_dict(self, container: _Value, pairs: _Value) -> _Value:
        """The dict with the values in it, known before those that are in it."""
        self._receive(container)
        return super().filled_dict(container, pairs)

    def _receive(self, container: _Value) -> None:
        number, self._number = self._number, None
        if number is not None:
            self._peer.containers.receive(number, container)
            self._fresh.append(number)

    def _new(self, body: _Json) -> _Value:
        self._number, tree = body
        value = self.value(tree)
        if self._number is not None:
            raise ValueError("a number for what cannot change")
        return value

    def live(self, tag: str, body: _Json) -> _Value:
        """What stands for an object of the other side, or the object of ours that it names."""
        return _LIVE[tag](self, body)

    def apply(self, changes: _Json, released: _Json) -> None:
        """Do to our containers what was done to them over there."""
        containers = self._peer.containers
        for number, tree in changes:
            replace_contents(containers.known(number), tree, self.value)
            self._fresh.append(number)
        for number in released:
            containers.forget(number)
            self._fresh = [kept for kept in self._fresh if kept != number]

    def remember(self) -> None:
        """The frame is read: what the containers hold now is what both sides know."""
        for number in self._fresh:
            self._peer.containers.remember(number)
        self._fresh.clear()

    def error(self, tree: _Json) -> BaseException:
        """The exception that stands for one of the other side, or that one of ours."""
        if "not_plain" in tree:
            return NotPlain(str(tree["not_plain"])[:200])
        if "yours" in tree:
            own = self._own(tree["yours"])
            if not isinstance(own, BaseException):
                raise TypeError("no exception of ours")
            return own
        state = State(self._peer, int(tree["number"]))
        args, text = tuple(self.value(tree["args"])), str(tree["text"])
        reference = tree["type"]
        if type(reference) is int:
            kind = self._peer.things[reference]
            made = new_error(kind, state, args=args, text=text)
        else:
            made = _error_of(same_error(*reference), args)
            made.__dict__.update(dict(self.value(tree["attributes"])))
            made.__dict__[STATE] = state
        if "cause" in tree:
            made.__cause__ = self.error(tree["cause"])
        return made

    def _own(self, number: _Json) -> _Value:
        if type(number) is not int or number < 0:
            raise TypeError("no number")
        return self._peer.objects[number]

    def _your_named(self, body: _Json) -> _Value:
        number, items = body
        kind = self._own(number)
        if not isinstance(kind, type) or not is_namedtuple(kind):
            raise TypeError("no named tuple of ours")
        return tuple.__new__(kind, self.values(items))

    def _thing(self, body: _Json) -> _Value:
        number, of_class = body
        things = self._peer.things
        if number not in things:
            kind = things[of_class]
            if not issubclass(kind, Live):
                raise TypeError("no class of objects")
            things[number] = new_live(kind, State(self._peer, number))
        return things[number]

    def _default(self, body: _Json) -> _Value:
        name, pairs = body
        factory = None if name is None else vars(builtins)[name]
        if factory is not None and not isinstance(factory, type):
            raise TypeError("no class")
        return self.filled_dict(defaultdict(factory), pairs)

    def _class(self, body: _Json) -> _Value:
        kind = self._peer.things[body]
        if not isinstance(kind, type):
            raise TypeError("no class")
        return kind


# Any: each takes what its tag holds.
_LIVE: dict[str, Any] = {
    "$new": CrossingReader._new,
    "$ref": lambda reader, body: reader._peer.containers.known(body),
    "$slice": lambda reader, body: slice(*reader.values(body)),
    "$yours": CrossingReader._own,
    "$your_named": CrossingReader._your_named,
    "$live": CrossingReader._thing,
    "$class": CrossingReader._class,
    "$named": lambda reader, body: named(reader._class(body[0]), reader.values(body[1])),
    "$error": CrossingReader.error,
    "$shared": lambda reader, body: reader._peer.manners.shared(body),
    "$unimplemented": lambda _, __: NotImplemented,
    "$counter": lambda reader, body: reader.filled_dict(Counter(), body),
    "$ordered": lambda reader, body: reader.filled_dict(OrderedDict(), body),
    "$default": CrossingReader._default,
}


def _error_of(kind: type[BaseException], args: tuple[_Value, ...]) -> BaseException:
    try:
        made = kind(*args)
    except TypeError:
        made = kind.__new__(kind)
    if type(made) is not kind:
        made = kind.__new__(kind)
    made.args = args
    return made
