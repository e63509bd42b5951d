"""Runs in the box of the tests: what the program may do with the objects that it was handed.

Functions may be called, iterators moved on, instances of the tests' own classes used by their
public names.
Nothing leads from there to frames, code, modules or namespaces, where the expected values are.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graders.programs.boxed.console import read_line
from graders.programs.boxed.methods import FORWARDED
from graders.programs.boxed.plaindata import class_name, words
from graders.programs.boxed.signatures import described_signature

__all__ = ["TESTS_MODULE", "Showing"]

# Any: objects of the tests.
_Value = Any

TESTS_MODULE = "__main__"
_NEVER = (
    types.ModuleType,
    types.FrameType,
    types.CodeType,
    types.TracebackType,
    types.CellType,
    types.MappingProxyType,
)
_FUNCTIONS = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.MethodWrapperType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
)
_TOLD = frozenset({"__name__", "__qualname__", "__doc__"})
# Of the standard library, what tests hand to a program to be used.
_USABLE = frozenset(
    {
        ("_io", "StringIO"),
        ("_io", "BytesIO"),
        ("random", "Random"),
        ("unittest.mock", "Mock"),
        ("unittest.mock", "MagicMock"),
    }
)
# What a mock knows of its calls, and lets be changed.
_OF_MOCKS = words(
    "attach_mock call_args call_args_list call_count called configure_mock method_calls"
    " mock_add_spec mock_calls reset_mock return_value side_effect"
)
# What an object shows of itself by being what it is: no part of the code that made it.
_INTERNAL = ("gi_", "cr_", "ag_", "f_", "tb_", "co_", "func_")


def _is_of_tests(kind: type) -> bool:
    return kind.__module__ == TESTS_MODULE and not any(
        base.__module__.startswith("unittest") for base in kind.__mro__
    )


def _is_instance(kind: type) -> bool:
    return _is_of_tests(kind) or any(
        (base.__module__, base.__name__) in _USABLE for base in kind.__mro__
    )


def _is_function(value: _Value) -> bool:
    if isinstance(value, _FUNCTIONS):
        return True
    return not isinstance(value, type) and callable(value) and not _is_instance(type(value))


class Showing:
    """What the program is let do."""

    def __init__(self) -> None:
        self.namespaces: list[dict[str, _Value]] = []
        """Never shown, whoever returns them."""
        self._verbs: dict[str, Callable[..., _Value]] = {
            "copy": self._copy,
            "deepcopy": self._copy,
            "delete": self._delete,
            "dir": self._dir,
            "format": self._format,
            "input": read_line,
            "get": self._get,
            "getitem": self._of_class("__getitem__"),
            "iter": self._of_class("__iter__"),
            "len": self._of_class("__len__"),
            "repr": self._repr,
            "set": self._set,
            "signature": self._signature,
            "special": self._special,
            "str": self._str,
        }

    def perform(self, op: str, args: Sequence[_Value], kwargs: Mapping[str, _Value]) -> _Value:
        """Do it, where it may be done."""
        if op == "call":
            return self._call(args[0], args[1:], kwargs)
        if op not in self._verbs:
            raise TypeError("not for the program")
        return self._verbs[op](*args)

    def describe(self, kind: type) -> Sequence[str]:
        """The special methods that the program may call on objects of this class."""
        if _is_instance(kind) or (issubclass(kind, type) and _is_of_tests(kind)):
            return [
                name
                for name in (*FORWARDED, "__call__")
                if getattr(kind, name, None) not in (None, getattr(object, name, None))
            ]
        if issubclass(kind, _FUNCTIONS):
            return ["__call__"]
        return [name for name in ("__call__", "__iter__", "__next__") if hasattr(kind, name)]

    def may_show(self, value: _Value) -> bool:
        """Whether the program may hold the object, even if it can do nothing with it."""
        if isinstance(value, _NEVER):
            return False
        return not any(value is namespace for namespace in self.namespaces)

    def _call(self, target: _Value, args: Sequence[_Value], kwargs: Mapping[str, _Value]) -> _Value:
        is_class = isinstance(target, type) and _is_of_tests(target)
        if is_class or _is_function(target) or (_is_instance(type(target)) and callable(target)):
            return target(*args, **kwargs)
        raise TypeError("not to be called by the program")

    def _get(self, target: _Value, name: str) -> _Value:
        if _is_function(target) and name in _TOLD:
            return _text_or_none(getattr(target, name, None))
        owner = target if isinstance(target, type) else type(target)
        is_hidden = name.startswith(("_", *_INTERNAL)) or (
            name in _OF_MOCKS and owner.__module__ == "unittest.mock"
        )
        if is_hidden or not _is_instance(owner):
            raise AttributeError(f"{class_name(type(target))} shows the program no {name[:80]}")
        return getattr(target, name)

    def _set(self, target: _Value, name: str, value: _Value) -> None:
        self._require_own(target, name)
        setattr(target, name, value)

    def _delete(self, target: _Value, name: str) -> None:
        self._require_own(target, name)
        delattr(target, name)

    def _require_own(self, target: _Value, name: str) -> None:
        kind = type(target)
        if name.startswith("_") or isinstance(target, type) or not _is_of_tests(kind):
            raise AttributeError("not for the program to change")
        if callable(getattr(kind, name, None)):
            raise AttributeError("a method of the tests")

    def _special(self, target: _Value, name: str, *args: _Value) -> _Value:
        kind = type(target)
        if name == "__bool__" and _is_instance(kind):
            return bool(target)
        if name not in self.describe(kind) or name == "__call__":
            raise TypeError(f"not for the program: {name[:80]}")
        return getattr(kind, name)(target, *args)

    def _of_class(self, name: str) -> Callable[..., _Value]:
        def use(target: _Value, *args: _Value) -> _Value:
            if not isinstance(target, type) or not _is_of_tests(target):
                raise TypeError("not for the program")
            return getattr(type(target), name)(target, *args)

        return use

    def _dir(self, target: _Value) -> list[str]:
        owner = target if isinstance(target, type) else type(target)
        if not _is_instance(owner):
            return []
        return [name for name in dir(target) if not name.startswith(("_", *_INTERNAL))]

    def _str(self, target: _Value) -> str:
        return str(target) if _is_instance(type(target)) else self._repr(target)

    def _repr(self, target: _Value) -> str:
        if _is_instance(type(target)):
            return repr(target)
        return f"<{getattr(target, '__name__', class_name(type(target)))} of the tests>"

    def _format(self, target: _Value, form: str) -> str:
        return format(target, form) if _is_instance(type(target)) else self._repr(target)

    def _copy(self, target: _Value) -> _Value:
        if _is_function(target) or isinstance(target, type):
            return target
        if not _is_of_tests(type(target)):
            raise TypeError("not to be copied by the program")
        return copy.copy(target)

    def _signature(self, target: _Value) -> _Value:
        function = target.__func__ if isinstance(target, types.MethodType) else target
        if not isinstance(function, types.FunctionType):
            raise AttributeError("no signature is known")
        return described_signature(function, is_bound=function is not target)


def _text_or_none(value: _Value) -> str | None:
    return value if type(value) is str else None
