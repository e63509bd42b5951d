"""Runs in a box: what a function of the tests takes, told without the function."""

from __future__ import annotations

from types import FunctionType, SimpleNamespace
from typing import Any

__all__ = ["described_signature", "signature_of"]

# Any: JSON, and a signature or what looks like the code of one.
_Value = Any

_VARIADIC = 4
_KEYWORDS = 8


def described_signature(function: FunctionType, *, is_bound: bool) -> _Value:
    """The name, the kind and whether it may be left out, of each parameter; no default value."""
    code = function.__code__
    names = code.co_varnames
    positional = code.co_argcount
    optional = positional - len(function.__defaults__ or ())
    described = [
        [names[place], 0 if place < code.co_posonlyargcount else 1, place >= optional]
        for place in range(positional)
    ]
    end = positional + code.co_kwonlyargcount
    if code.co_flags & _VARIADIC:
        described.append([names[end], 2, False])
    given = function.__kwdefaults__ or {}
    described += [[name, 3, name in given] for name in names[positional:end]]
    if code.co_flags & _KEYWORDS:
        described.append([names[end + bool(code.co_flags & _VARIADIC)], 4, False])
    return described[1:] if is_bound else described


def signature_of(described: _Value, *, as_code: bool) -> _Value:
    """A signature with these parameters, or what programs read of a function's code instead."""
    if as_code:
        plain = [name for name, kind, _ in described if kind < 2]
        return SimpleNamespace(co_argcount=len(plain), co_varnames=tuple(plain))
    from inspect import Parameter, Signature

    kinds = (
        Parameter.POSITIONAL_ONLY,
        Parameter.POSITIONAL_OR_KEYWORD,
        Parameter.VAR_POSITIONAL,
        Parameter.KEYWORD_ONLY,
        Parameter.VAR_KEYWORD,
    )
    return Signature(
        [
            Parameter(name, kinds[kind], default=... if is_optional else Parameter.empty)
            for name, kind, is_optional in described
        ]
    )
