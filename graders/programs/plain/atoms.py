"""Reads the values without parts: each is checked, and equal ones get the same key."""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, TypeGuard

from pydantic import JsonValue

from graders.programs.plain.trees import Atom, AtomKind, NotPlain

__all__ = ["ATOMS", "read_float", "read_int"]

_RATIO: Final = re.compile(r"(-?[0-9]{1,4000})/([0-9]{1,4000})")
_HEX: Final = re.compile(r"-?[0-9a-f]+")
_DECIMAL: Final = re.compile(
    r"(?P<sign>-?)(?:(?P<whole>[0-9]+)(?:\.(?P<part>[0-9]+))?(?:E(?P<exponent>[+-]?[0-9]{1,18}))?"
    r"|(?P<infinity>Infinity)|s?NaN[0-9]*)"
)
_FLOATS: Final = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_MICROSECOND: Final = timedelta(microseconds=1)
_MOST_SHOWN: Final = 40
_MOST_REASON: Final = 80
_MOST_FRACTION_BITS: Final = 4_096


def read_int(body: JsonValue) -> int:
    """An integer of any size from hexadecimal text, in linear time."""
    if isinstance(body, str) and _HEX.fullmatch(body):
        return int(body, 16)
    raise NotPlain("$int holds no hexadecimal text such as 'ff' or '-1f'")


def read_float(body: JsonValue) -> float:
    """One of the floats that JSON has no words for."""
    if isinstance(body, str) and body in _FLOATS:
        return _FLOATS[body]
    raise NotPlain("$float holds neither 'nan', 'inf' nor '-inf'")


def _bytes(body: JsonValue) -> str:
    if isinstance(body, str):
        return binascii.a2b_base64(body, strict_mode=True).hex()
    raise NotPlain("not base64 text")


def _complex(body: JsonValue) -> tuple[float, float] | None:
    if not isinstance(body, list) or len(body) != 2:
        raise NotPlain("not [real, imaginary]")
    real, imaginary = (_component(part) for part in body)
    return None if math.isnan(real) or math.isnan(imaginary) else (real, imaginary)


def _component(part: JsonValue) -> float:
    if isinstance(part, dict) and set(part) == {"$float"}:
        return read_float(part["$float"])
    if isinstance(part, float) or _is_int(part):
        return float(part)
    raise NotPlain("a part that is no number")


def _decimal(body: JsonValue) -> str | None:
    found = _DECIMAL.fullmatch(body) if isinstance(body, str) else None
    if found is None:
        raise NotPlain("not the text of a decimal")
    if found["infinity"]:
        return f"{found['sign']}Infinity"
    if not found["whole"]:
        return None
    Decimal(found[0])  # whatever else is no decimal
    part = found["part"] or ""
    digits = (found["whole"] + part).lstrip("0")
    kept = digits.rstrip("0")
    if not kept:
        return "0"
    exponent = int(found["exponent"] or 0) - len(part) + len(digits) - len(kept)
    return f"{found['sign']}{kept}E{exponent}"


def _fraction(body: JsonValue) -> str:
    if isinstance(body, str) and (found := _RATIO.fullmatch(body)):
        above, below = int(found[1]), int(found[2])
    elif isinstance(body, list) and len(body) == 2:
        above, below = (_integer(part) for part in body)
    else:
        raise NotPlain("not 'numerator/denominator' nor [numerator, denominator]")
    if below <= 0:
        raise NotPlain("a denominator that is not positive")
    # Finding a divisor takes the square of this.
    if max(above.bit_length(), below.bit_length()) > _MOST_FRACTION_BITS:
        raise NotPlain(f"more than {_MOST_FRACTION_BITS} bits")
    common = math.gcd(above, below)
    return f"{above // common:x}/{below // common:x}"


def _integer(part: JsonValue) -> int:
    if isinstance(part, dict) and set(part) == {"$int"}:
        return read_int(part["$int"])
    if _is_int(part):
        return part
    raise NotPlain("a part that is no integer")


def _is_int(part: JsonValue) -> TypeGuard[int]:
    return isinstance(part, int) and not isinstance(part, bool)


def _datetime(body: JsonValue) -> str:
    read = datetime.fromisoformat(_text(body))
    offset = read.utcoffset()
    moment = (read.replace(tzinfo=None) - datetime.min) // _MICROSECOND
    return f"{moment}" if offset is None else f"{moment - offset // _MICROSECOND}Z"


def _date(body: JsonValue) -> str:
    return date.fromisoformat(_text(body)).isoformat()


def _time(body: JsonValue) -> str:
    read = time.fromisoformat(_text(body))
    offset = read.utcoffset()
    moment = ((read.hour * 60 + read.minute) * 60 + read.second) * 10**6 + read.microsecond
    return f"{moment}" if offset is None else f"{moment - offset // _MICROSECOND}Z"


def _text(body: JsonValue) -> str:
    if isinstance(body, str) and len(body) <= _MOST_SHOWN:
        return body
    raise NotPlain("not the text of a date or time")


def _timedelta(body: JsonValue) -> str:
    if not isinstance(body, list) or len(body) != 3:
        raise NotPlain("not [days, seconds, microseconds]")
    days, seconds, microseconds = (_integer(part) for part in body)
    return str(timedelta(days, seconds, microseconds) // _MICROSECOND)


def _range(body: JsonValue) -> str:
    if not isinstance(body, list) or len(body) != 3:
        raise NotPlain("not [start, stop, step]")
    start, stop, step = (_integer(part) for part in body)
    if not step:
        raise NotPlain("a step of zero")
    # As ranges compare: by what they hold.
    length = max(0, -(-(stop - start) // step))
    shown = (length, start if length else 0, step if length > 1 else 0)
    return ",".join(f"{part:x}" for part in shown)


def _ellipsis(body: JsonValue) -> str:
    if body is None:
        return "..."
    raise NotPlain("$ellipsis holds null")


_Key = Callable[[JsonValue], "str | tuple[float, float] | None"]
_KEYS: Final[Mapping[AtomKind, _Key]] = {
    "bytes": _bytes,
    "bytearray": _bytes,
    "complex": _complex,
    "decimal": _decimal,
    "fraction": _fraction,
    "datetime": _datetime,
    "date": _date,
    "time": _time,
    "timedelta": _timedelta,
    "range": _range,
    "ellipsis": _ellipsis,
}


def _reader(kind: AtomKind, key_of: _Key) -> Callable[[JsonValue], Atom]:
    def read(body: JsonValue) -> Atom:
        try:
            return Atom(kind, body, key_of(body))
        except (ValueError, ArithmeticError) as error:
            raise NotPlain(f"${kind}: {str(error)[:_MOST_REASON]}") from None

    return read


ATOMS: Final = {f"${kind}": _reader(kind, key_of) for kind, key_of in _KEYS.items()}
"""By tag, what reads its body."""
