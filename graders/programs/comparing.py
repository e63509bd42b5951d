"""Is this output the expected one?  Bytes against text, in linear time, outside of every box."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Final, TypeAlias, assert_never

from graders.programs.tasks import Compare, Tolerance

__all__ = ["output_difference"]

_NUMBER: Final = re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_INTEGER: Final = re.compile(rb"[+-]?[0-9]+")
_MOST_DIGITS: Final = 4_000
_DOUBLE_DIGITS: Final = 17
"""As many as a double is ever printed with: more of them were not printed from one."""
_NOISE: Final = Decimal("1e-14")
_EXACT: Final = Context(prec=2 * _MOST_DIGITS + 20)
_SHOWN_BYTES: Final = 60

_Same: TypeAlias = Callable[[bytes, bytes], bool]


def output_difference(got: bytes, expected: str, compare: Compare) -> str:
    """What differs first, in a bounded text; empty where nothing does."""
    wanted = expected.encode()
    if got == wanted:
        return ""
    if isinstance(compare, Tolerance):
        return _first(got.split(), wanted.split(), "token", same=_within(compare))
    match compare:
        case "tokens":
            return _first(got.split(), wanted.split(), "token", same=_is_noise)
        case "lines":
            return _first(_lines(got), _lines(wanted), "line", same=_never)
        case "exact":
            return _first(got.split(b"\n"), wanted.split(b"\n"), "line", same=_never)
        case _:
            assert_never(compare)


def _lines(text: bytes) -> list[bytes]:
    lines = [line.rstrip() for line in text.split(b"\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _first(got: Sequence[bytes], wanted: Sequence[bytes], unit: str, *, same: _Same) -> str:
    if got == wanted:
        return ""
    for place, (ours, theirs) in enumerate(zip(got, wanted, strict=False), start=1):
        if ours != theirs and not same(ours, theirs):
            return f"{unit} {place}: expected {_shown(theirs)}, got {_shown(ours)}"
    if len(got) == len(wanted):
        return ""
    rest, verb = (got, "expected no more, got") if len(got) > len(wanted) else (wanted, "expected")
    place = min(len(got), len(wanted))
    end = "" if len(got) > len(wanted) else ", got no more"
    first = next(itertools.islice(rest, place, None))
    return f"{unit} {place + 1}: {verb} {_shown(first)}{end}"


def _shown(piece: bytes) -> str:
    text = piece[:_SHOWN_BYTES].decode(errors="replace")
    return repr(text + "…" if len(piece) > _SHOWN_BYTES else text)


def _never(_got: bytes, _wanted: bytes) -> bool:
    return False


def _is_noise(got: bytes, wanted: bytes) -> bool:
    """Whether a decimal that is asked for was hit but for the rounding of doubles.

    What is written as an integer is exact: 10**18 + 1 is not 10**18, nor is it written 1e18.
    """
    if _INTEGER.fullmatch(wanted):
        return False
    ours, theirs = _number(got), _number(wanted)
    if ours is None or theirs is None:
        return False
    if ours == theirs:
        return True
    if max(map(_significant_digits, (ours, theirs))) > _DOUBLE_DIGITS:
        return False
    return _distance(ours, theirs) <= _EXACT.multiply(_NOISE, theirs.copy_abs())


def _within(tolerance: Tolerance) -> _Same:
    abs_tol, rel_tol = Decimal(tolerance.abs_tol), Decimal(tolerance.rel_tol)

    def same(got: bytes, wanted: bytes) -> bool:
        ours, theirs = _number(got), _number(wanted)
        if ours is None or theirs is None:
            return False
        relative = _EXACT.multiply(rel_tol, theirs.copy_abs())
        return _distance(ours, theirs) <= max(abs_tol, relative)

    return same


def _number(token: bytes) -> Decimal | None:
    if len(token) > _MOST_DIGITS or not _NUMBER.fullmatch(token):
        return None
    return Decimal(token.decode())


def _distance(one: Decimal, other: Decimal) -> Decimal:
    return _EXACT.subtract(one, other).copy_abs()


def _significant_digits(number: Decimal) -> int:
    digits = "".join(map(str, number.as_tuple().digits))
    return len(digits.strip("0"))
