"""Runs in a box: what is the same in both boxes and crosses as its name."""

from __future__ import annotations

import builtins
import sys
from types import BuiltinFunctionType, MethodDescriptorType
from typing import Any

__all__ = ["is_same_error", "same_error", "shared_class", "shared_name", "shared_value"]

# Any: functions and classes.
_Value = Any

# Exceptions of these modules are no part of any test framework.
_ERRORS_OF = frozenset(
    {
        "_csv",
        "_queue",
        "_struct",
        "asyncio.exceptions",
        "binascii",
        "concurrent.futures._base",
        "configparser",
        "copy",
        "dataclasses",
        "decimal",
        "ipaddress",
        "json.decoder",
        "queue",
        "re",
        "re._constants",
        "sre_constants",
        "statistics",
        "xml.etree.ElementTree",
        "zoneinfo._common",
    }
)
_SHARED = frozenset(
    {"builtins", "_operator", "collections", "datetime", "decimal", "fractions", "math", "operator"}
)


def is_same_error(kind: type) -> bool:
    """Whether the class is an exception that the other side has as well."""
    if not issubclass(kind, BaseException):
        return False
    module = kind.__module__
    if module != "builtins" and module not in _ERRORS_OF:
        return False
    return getattr(sys.modules.get(module), kind.__name__, None) is kind


def same_error(module: str, name: str) -> type[BaseException]:
    """The exception that the other side means."""
    if module != "builtins" and module not in _ERRORS_OF:
        raise ValueError(f"{module} is nothing that both sides have")
    __import__(module)
    kind = getattr(sys.modules[module], name)
    if not issubclass(kind, BaseException):
        raise TypeError(f"{name} is no exception")
    found: type[BaseException] = kind
    return found


def shared_class(value: _Value) -> str | None:
    """The name of a builtin class or of an exception that both sides have; None of all else."""
    if type(value) is not type:
        return None
    name: str = value.__name__
    if vars(builtins).get(name) is value:
        return f"builtins.{name}"
    return f"{value.__module__}.{name}" if is_same_error(value) else None


def shared_name(value: _Value) -> str | None:
    """The name of a class, function or method of the standard library that needs no forwarding."""
    kind: _Value = type(value)
    if kind is MethodDescriptorType:
        owner = shared_class(value.__objclass__)
        return f"{owner}.{value.__name__}" if owner else None
    if kind is not BuiltinFunctionType and not issubclass(kind, type):
        return None
    module, name = value.__module__, value.__name__
    if module in _SHARED and getattr(sys.modules.get(module), name, None) is value:
        return f"{module}.{name}"
    return shared_class(value)


def shared_value(name: str) -> _Value:
    """What the other side means by one of these names."""
    module, *path = name.split(".")
    if module not in _SHARED:
        return same_error(*name.rsplit(".", 1))
    __import__(module)
    found = sys.modules[module]
    for part in path:
        found = getattr(found, part)
    return found
