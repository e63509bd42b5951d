"""Runs in a box: the notation of values without parts."""

from __future__ import annotations

import sys
from binascii import a2b_base64, b2a_base64
from typing import Any

__all__ = ["ATOM_READERS", "atom_writer"]

# Any: whatever a program made, whatever JSON holds, and the writer and reader that use this.
_Value = Any
_Json = Any
_Writer = Any
_Reader = Any


def _write_bytes(_: _Writer, value: _Value) -> _Json:
    return b2a_base64(value, newline=False).decode()


def _write_complex(writer: _Writer, value: _Value) -> _Json:
    return [writer.tree(value.real), writer.tree(value.imag)]


def _write_range(writer: _Writer, value: _Value) -> _Json:
    return [writer.tree(number) for number in (value.start, value.stop, value.step)]


def _write_ellipsis(_: _Writer, __: _Value) -> _Json:
    return None


def _write_decimal(_: _Writer, value: _Value) -> _Json:
    return str(value)


def _write_fraction(writer: _Writer, value: _Value) -> _Json:
    return [writer.tree(int(value.numerator)), writer.tree(int(value.denominator))]


def _write_moment(_: _Writer, value: _Value) -> _Json:
    return value.isoformat()


def _write_timedelta(_: _Writer, value: _Value) -> _Json:
    return [value.days, value.seconds, value.microseconds]


_WRITERS: dict[type, Any] = {
    complex: _write_complex,
    bytes: _write_bytes,
    bytearray: _write_bytes,
    range: _write_range,
    type(...): _write_ellipsis,
}
# By name, as importing these modules takes longer than many a program.
_LATE: dict[tuple[str, str], Any] = {
    ("decimal", "Decimal"): _write_decimal,
    ("fractions", "Fraction"): _write_fraction,
    ("datetime", "datetime"): _write_moment,
    ("datetime", "date"): _write_moment,
    ("datetime", "time"): _write_moment,
    ("datetime", "timedelta"): _write_timedelta,
}


def atom_writer(kind: type) -> Any:
    """What writes values of this class; None where it is no class of values without parts."""
    if kind in _WRITERS:
        return _WRITERS[kind]
    module, name = kind.__module__, kind.__name__
    write = _LATE.get((module, name))
    return write if write and getattr(sys.modules.get(module), name, None) is kind else None


def _read_bytearray(reader: _Reader, body: _Json) -> _Value:
    container = reader.filled(bytearray(), [])
    container += a2b_base64(body)
    return container


def _read_complex(reader: _Reader, body: _Json) -> _Value:
    real, imaginary = reader.values(body)
    return complex(real, imaginary)


def _read_decimal(_: _Reader, body: _Json) -> _Value:
    from decimal import Decimal

    return Decimal(body)


def _read_fraction(reader: _Reader, body: _Json) -> _Value:
    from fractions import Fraction

    return Fraction(*reader.values(body))


def _read_moment(name: str) -> Any:
    def read(_: _Reader, body: _Json) -> _Value:
        import datetime

        return getattr(datetime, name).fromisoformat(body)

    return read


def _read_timedelta(_: _Reader, body: _Json) -> _Value:
    from datetime import timedelta

    days, seconds, microseconds = body
    return timedelta(days, seconds, microseconds)


ATOM_READERS: dict[str, Any] = {
    "$bytes": lambda _, body: a2b_base64(body),
    "$bytearray": _read_bytearray,
    "$int": lambda _, body: int(body, 16),
    "$float": lambda _, body: float(body),
    "$complex": _read_complex,
    "$range": lambda reader, body: range(*reader.values(body)),
    "$ellipsis": lambda _, __: ...,
    "$decimal": _read_decimal,
    "$fraction": _read_fraction,
    "$datetime": _read_moment("datetime"),
    "$date": _read_moment("date"),
    "$time": _read_moment("time"),
    "$timedelta": _read_timedelta,
}
