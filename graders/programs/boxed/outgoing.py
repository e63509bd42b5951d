"""Runs in a box: values on their way to the other box.

Plain data cross by value, all else as the number of an object that stays where it is.
Containers that can change get a number as well, by which both sides know them from then on.
"""

from __future__ import annotations

import builtins
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

from graders.programs.boxed.containers import contents
from graders.programs.boxed.loading import said_by
from graders.programs.boxed.mirrors import STATE, LiveClass, State, state_of
from graders.programs.boxed.plaindata import NotPlain, Writer, class_name, is_namedtuple
from graders.programs.boxed.standard import is_same_error

__all__ = ["CrossingWriter"]

# Any: values of whatever programs and tests are made of, JSON, and the Peer, which uses this.
_Value = Any
_Json = Any
_Peer = Any

_MOST_CAUSES = 3
_CONTAINERS_THAT_CHANGE = frozenset(
    {list, dict, set, deque, bytearray, Counter, OrderedDict, defaultdict}
)
_TAGS = {Counter: "$counter", OrderedDict: "$ordered", defaultdict: "$default"}


class CrossingWriter(Writer):
    """Writes what goes into one frame."""

    def __init__(self, peer: _Peer, *, is_question: bool) -> None:
        super().__init__()
        self._peer = peer
        self._is_question = is_question
        self._fresh: list[int] = []

    def tree(self, value: _Value, depth: int = 0) -> _Json:
        """The notation of the value; with its number, where it can change."""
        kind = type(value)
        if type(kind) is LiveClass or kind is LiveClass:
            return self.live(value)
        if kind not in _CONTAINERS_THAT_CHANGE:
            return super().tree(value, depth)
        known = self._peer.containers.number_of(value)
        if known is not None:
            return {"$ref": known}
        if not self._peer.manners.may_show(value):
            raise NotPlain(f"a {class_name(type(value))} that is not for the other side")
        number = self._peer.containers.share(value, for_a_call=self._is_question)
        if number is None:
            return super().tree(value, depth)
        self._fresh.append(number)
        return {"$new": [number, super().tree(value, depth)]}

    def take_back(self, since: int = 0) -> None:
        """Forget the containers that were numbered for what is not sent after all."""
        for number in self._fresh[since:]:
            self._peer.containers.forget(number)
        del self._fresh[since:]

    def changes(self) -> _Json:
        """What is in the containers that are not what the other side knows."""
        return [
            [number, contents(container, lambda part: self.tree(part, 1))]
            for number, container in self._peer.containers.changed()
        ]

    def special(self, value: _Value, kind: type, depth: int) -> _Json:
        """The notation of what is plain data between Python and Python, or what stands for it."""
        if kind in _TAGS:
            pairs = contents(value, lambda part: self.tree(part, depth + 1))
            if kind is not defaultdict:
                return {_TAGS[kind]: pairs}
            return {"$default": [_builtin_name(value.default_factory), pairs]}
        if kind is slice:
            return {"$slice": [self.tree(n) for n in (value.start, value.stop, value.step)]}
        if is_namedtuple(kind):
            return {"$named": [self.class_of(kind), self.items(tuple.__iter__(value), depth)]}
        return self.live(value)

    def live(self, value: _Value) -> _Json:
        """The number that stands for an object."""
        kind = type(value)
        state = state_of(value)
        if state is not None:
            return {"$yours": state.number}
        if type(kind) is LiveClass and issubclass(kind, tuple):
            return {"$your_named": [state_of(kind).number, self.items(value, 0)]}
        if value is NotImplemented:
            return {"$unimplemented": None}
        shared = self._peer.manners.shared_name(value)
        if shared is not None:
            return {"$shared": shared}
        if not self._peer.manners.may_show(value):
            raise NotPlain(f"a {class_name(kind)} is not for the other side")
        if issubclass(kind, type):
            return {"$class": self.class_of(value)}
        if issubclass(kind, BaseException):
            return {"$error": self.error(value)}
        return {"$live": [self._peer.number(value), self.class_of(kind)]}

    def class_of(self, kind: type) -> int:
        """The number of a class, which is described to the other side when it is new to it."""
        number: int = self._peer.number(kind)
        if number not in self._peer.described:
            self._peer.described.add(number)
            bases = [
                self._reference(b)
                for b in kind.__bases__
                if b.__module__ != "builtins" or is_same_error(b)
            ]
            methods = list(self._peer.manners.describe(kind))
            fields = list(kind._fields) if is_namedtuple(kind) else None  # type: ignore[attr-defined]
            self._peer.undelivered.append([number, class_name(kind), bases, methods, fields])
        return number

    def _reference(self, kind: type) -> _Json:
        if is_same_error(kind):
            return [kind.__module__, kind.__name__]
        return self.class_of(kind)

    def error(self, error: BaseException, depth: int = 0) -> _Json:
        """An exception: its class, its plain arguments, what it says, and its cause."""
        if isinstance(error, NotPlain):
            return {"not_plain": str(error)}
        kind = type(error)
        state = error.__dict__.get(STATE)
        if isinstance(state, State):
            return {"yours": state.number}
        said = said_by(error)
        tree = {"type": self._reference(kind), "number": self._peer.number(error), "text": said}
        tree["args"] = self._plain_or(tuple(error.args), (said,))
        if is_same_error(kind):
            tree["attributes"] = self._plain_or(tuple(error.__dict__.items()), ())
        if self._peer.manners.tells_causes and error.__cause__ and depth < _MOST_CAUSES:
            tree["cause"] = self.error(error.__cause__, depth + 1)
        # Or its frames, and all they hold, would live as long as the conversation.
        error.__traceback__ = None
        return tree

    def _plain_or(self, values: _Value, otherwise: _Value) -> _Json:
        before = len(self._fresh)
        try:
            return self.tree(values)
        except NotPlain:
            self.take_back(before)
            return self.tree(otherwise)


def _builtin_name(factory: _Value) -> str | None:
    name: str = getattr(factory, "__name__", "")
    return name if vars(builtins).get(name, name) is factory else None
