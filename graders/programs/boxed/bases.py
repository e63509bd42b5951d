"""Runs in a box: the builtin value that an object of a class derived from a builtin one is."""

from __future__ import annotations

from typing import Any

__all__ = ["base_of", "base_value"]

# Any: an object of the program, and the builtin value that it is.
_Value = Any

_BASES: dict[type, Any] = {
    int: int.__int__,
    float: float.__float__,
    complex: complex.__pos__,
    str: str.__str__,
    bytes: lambda value: bytes(bytes.__iter__(value)),
    bytearray: lambda value: bytearray(bytearray.__iter__(value)),
    list: list.copy,
    tuple: lambda value: tuple(tuple.__iter__(value)),
    dict: dict.copy,
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    # Views of dicts compare as sets do.
    type({}.keys()): set,
    type({}.items()): set,
}


def base_of(kind: type) -> type | None:
    """The builtin class of plain data that the class is derived from; None where there is none."""
    return next((base for base in kind.__mro__ if base in _BASES), None)


def base_value(value: _Value) -> _Value:
    """The value by the methods of that builtin class."""
    base = base_of(type(value))
    if base is None:
        raise TypeError("not derived from a class of plain data")
    return _BASES[base](value)
