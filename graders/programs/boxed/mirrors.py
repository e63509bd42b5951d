"""Runs in a box: what stands here for objects that live in the other box.

A class over there has a class here, of its name and with its bases, which defines those special
methods that the class over there defines; each is forwarded, and so is every attribute.
An exception class over there is a real exception class here.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

from graders.programs.boxed.methods import BASED, FORWARDED

__all__ = [
    "STATE",
    "Live",
    "LiveClass",
    "State",
    "mirror_class",
    "named",
    "new_error",
    "new_live",
    "state_of",
]

# Any: objects of others, whatever they are.
_Value = Any

STATE: Final = "__touchstone__"
_OF_OBJECT = frozenset(dir(object)) | {"__copy__", "__deepcopy__", "__reversed__"}
_ASKED_FOR = frozenset({"__doc__", "__module__", "__dict__"})
# What libraries look for on instances, to hand them what they are compared with, or to copy them.
_NOT_HERE = ("__array", "__reduce", "__getstate__", "__length_hint__", "__numpy")
_OF_CLASSES = frozenset({"__doc__", "__annotations__", "__members__", "__match_args__"})
_TRULY: dict[str, type] = {
    "builtin_function_or_method": types.BuiltinFunctionType,
    "function": types.FunctionType,
    "generator": types.GeneratorType,
}
_MOST_NAME = 200


class State:
    """Whose object it is over there, and what is known of it here."""

    __slots__ = ("is_based", "is_tainted", "number", "peer")

    def __init__(self, peer: _Value, number: int) -> None:
        self.peer = peer
        self.number = number
        self.is_tainted = False
        self.is_based = False
        """Of a class: its objects are builtin values, but for what they can do besides."""


_CLASSES: dict[type, State] = {}


def state_of(value: _Value) -> Any:
    """The state of what stands for an object of the other box; None of everything else."""
    kind = type(value)
    if kind is LiveClass:
        return _CLASSES.get(value)
    if type(kind) is not LiveClass:
        return None
    if issubclass(kind, Live):
        return _STATE_OF(value)
    if issubclass(kind, BaseException):
        return BaseException.__getattribute__(value, "__dict__").get(STATE)
    return None


def _peer(value: _Value) -> _Value:
    return state_of(value).peer


class LiveClass(type):
    """A class of the other box."""

    def __new__(cls, name: str, bases: tuple[type, ...], _: dict[str, _Value]) -> LiveClass:
        raise TypeError(f"{name}: a class of the program cannot be subclassed by the tests")

    def __call__(cls, /, *args: _Value, **kwargs: _Value) -> _Value:
        return _peer(cls).ask("call", (cls, *args), kwargs)

    def __getattribute__(cls, name: str) -> _Value:
        if name[:2] == "__" and name not in _OF_CLASSES:
            return type.__getattribute__(cls, name)
        return _peer(cls).get(cls, name)

    def __setattr__(cls, name: str, value: _Value) -> None:
        _peer(cls).ask("set", (cls, name, value))

    def __delattr__(cls, name: str) -> None:
        _peer(cls).ask("delete", (cls, name))

    def __dir__(cls) -> Any:
        return _peer(cls).ask("dir", (cls,))

    def __iter__(cls) -> Any:
        return _peer(cls).ask("iter", (cls,))

    def __len__(cls) -> Any:
        return _peer(cls).ask("len", (cls,))

    def __bool__(cls) -> bool:
        return True

    def __getitem__(cls, key: _Value) -> _Value:
        return _peer(cls).ask("getitem", (cls, key))

    def __contains__(cls, item: _Value) -> Any:
        return _peer(cls).holds(cls, item)


def _forwarder(name: str) -> Callable[..., _Value]:
    def forward(live: _Value, /, *args: _Value) -> _Value:
        return _peer(live).operate(live, name, args)

    forward.__name__ = name
    return forward


def _call(live: _Value, /, *args: _Value, **kwargs: _Value) -> _Value:
    return _peer(live).ask("call", (live, *args), kwargs)


_FORWARDERS = {name: _forwarder(name) for name in sorted(FORWARDED)}
_FORWARDERS["__call__"] = _call


def _is_true(live: _Value) -> bool:
    state = state_of(live)
    return state is None or not state.is_tainted or _FORWARDERS["__bool__"](live)


def _get(live: _Value, name: str) -> _Value:
    if name == "__class__":
        return object.__getattribute__(live, name)
    if name[:2] == "__" and name not in _ASKED_FOR:
        if name.startswith(_NOT_HERE):
            raise AttributeError(name)
        if name in _OF_OBJECT or name in _FORWARDERS:
            return object.__getattribute__(live, name)
    return _peer(live).get(live, name)


class Live:
    """An object of the other box; made by `new_live` alone."""

    __slots__ = (STATE, "__weakref__")

    def __getattribute__(self, name: str) -> _Value:
        return _get(self, name)

    def __setattr__(self, name: str, value: _Value) -> None:
        _peer(self).ask("set", (self, name, value))

    def __delattr__(self, name: str) -> None:
        _peer(self).ask("delete", (self, name))

    def __dir__(self) -> Any:
        return _peer(self).ask("dir", (self,))

    def __str__(self) -> Any:
        return _peer(self).ask("str", (self,))

    def __repr__(self) -> Any:
        return _peer(self).ask("repr", (self,))

    def __format__(self, form: str) -> Any:
        return _peer(self).ask("format", (self, form))

    def __copy__(self) -> _Value:
        return _peer(self).ask("copy", (self,))

    def __deepcopy__(self, _: _Value) -> _Value:
        return _peer(self).ask("deepcopy", (self,))


_STATE_OF = Live.__dict__[STATE].__get__
_SET_STATE = Live.__dict__[STATE].__set__


class _LiveError:
    """What the exceptions of the other box have before their builtin bases."""

    def __getattr__(self, name: str) -> _Value:
        if name[:2] == "__":
            raise AttributeError(name)
        return _peer(self).get(self, name)

    def __str__(self) -> str:
        text: str = self.__dict__[f"{STATE}text"]
        return text


class _Named(tuple[_Value, ...]):
    """A named tuple of the other box: its items are here, its methods are not."""

    __slots__ = ()

    def __getattr__(self, name: str) -> _Value:
        if name[:2] == "__":
            raise AttributeError(name)
        return _CLASSES[type(self)].peer.ask("get", (self, name))

    def __repr__(self) -> str:
        names = type.__getattribute__(type(self), "_fields")
        shown = (f"{name}={item!r}" for name, item in zip(names, self, strict=True))
        return f"{type(self).__name__}({', '.join(shown)})"


def mirror_class(
    state: State,
    name: str,
    bases: Sequence[type],
    *,
    methods: Sequence[str],
    fields: Sequence[str] | None,
) -> type:
    """A class for one of the other box; bases that Python refuses are left out."""
    names: dict[str, _Value] = {"__module__": "solution", "__slots__": ()}
    above: tuple[type, ...] = (Live,)
    errors = tuple(base for base in bases if issubclass(base, BaseException))
    if fields is not None:
        above = (_Named,)
        names["_fields"] = tuple(fields)
        for place, field in enumerate(fields):
            if not field.isidentifier() or field[0] == "_":
                raise ValueError(f"{field!r} is no name for an item")
            names[field] = property(itemgetter(place))
    elif errors:
        is_new = not any(issubclass(base, _LiveError) for base in errors)
        above = (_LiveError, *errors) if is_new else errors
        names.pop("__slots__")
    else:
        above = tuple(base for base in bases if issubclass(base, Live)) or (Live,)
        has_truth = "__bool__" in methods or "__len__" in methods
        names["__bool__"] = _FORWARDERS["__bool__"] if has_truth else _is_true
        names.update((name, _FORWARDERS[name]) for name in methods if name in _FORWARDERS)
        if name in _TRULY and not bases:
            names["__class__"] = _claiming(_TRULY[name])
    made = _made(name[:_MOST_NAME], above, names)
    state.is_based = BASED in methods
    _CLASSES[made] = state
    return made


def _claiming(kind: type) -> property:
    return property(lambda _: kind)


def _made(name: str, bases: tuple[type, ...], names: dict[str, _Value]) -> type:
    name = name.replace("\0", "")
    for above in (bases, bases[:2], bases[-1:]):
        distinct = tuple(dict.fromkeys(above))
        try:
            made: type = type.__new__(LiveClass, name, distinct, dict(names))
            return made
        except TypeError:
            continue
    raise TypeError(f"{name} is no class")


def new_live(kind: type, state: State) -> _Value:
    """An object of a mirrored class that is neither an exception nor a named tuple."""
    made: _Value = object.__new__(kind)
    _SET_STATE(made, state)
    return made


def new_error(kind: type, state: State, *, args: tuple[_Value, ...], text: str) -> BaseException:
    """An exception of a mirrored class."""
    if not issubclass(kind, BaseException):
        raise TypeError(f"{kind} is no exception")
    # By the base that it has of Python's: each makes its own.
    made: BaseException = kind.__new__(kind)
    made.args = args
    made.__dict__[STATE] = state
    made.__dict__[f"{STATE}text"] = text
    return made


def named(kind: type, items: Sequence[_Value]) -> _Value:
    """A named tuple of a mirrored class; of as many items as it has names."""
    if len(items) != len(type.__getattribute__(kind, "_fields")):
        raise ValueError("a named tuple of another length")
    return tuple.__new__(kind, items)
