"""Tests as APPS, TACO, PRIME and LiveCodeBench write them: `inputs`, `outputs` and maybe `fn_name`.

Without a name they are stdin and stdout; with one, arguments and values: as JSON texts, an argument
a line, or as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import JsonValue

__all__ = ["has_inputs_and_outputs", "tests_of"]

_KEYS: Final = frozenset({"inputs", "outputs", "fn_name"})
_NO_VALUE: Final = "is no JSON: with fn_name, each line is the JSON of an argument or of the value"
# What those who wrote such tests had run before the program: its answers count on these names.
_SETUP: Final = """\
import bisect, collections, copy, datetime, functools, heapq, io, itertools, json, math, operator
import random, re, statistics, string, sys
from bisect import *
from collections import *
from copy import *
from datetime import *
from functools import *
from heapq import *
from itertools import *
from math import *
from operator import *
from random import *
from re import *
from statistics import *
from string import *
from typing import *
from builtins import *
sys.setrecursionlimit(50_000)
"""


# Any: what a client sent, looked at before it has a type, here and below.
def has_inputs_and_outputs(value: Any) -> bool:
    """Whether the tests are written so."""
    return isinstance(value, Mapping) and "inputs" in value and "mode" not in value


def tests_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """The tests in our own words; what stands beside the three keys is taken over as it is.

    A ValueError says what cannot be read.
    """
    inputs, outputs = value.get("inputs"), value.get("outputs")
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise ValueError("inputs and outputs: lists are expected")
    if len(inputs) != len(outputs):
        raise ValueError(f"{len(inputs)} inputs and {len(outputs)} outputs")
    beside = {key: part for key, part in value.items() if key not in _KEYS}
    entry = value.get("fn_name")
    pairs = enumerate(zip(inputs, outputs, strict=True))
    if not entry:
        cases = [{"stdin": _text(f"inputs.{n}", i), "stdout": _text(f"outputs.{n}", o)}
                 for n, (i, o) in pairs]  # fmt: skip
        return {"mode": "stdio", "hidden": cases, **beside}
    calls = [
        {"args": _args(f"inputs.{n}", i), "expected": _int_keys(_value(f"outputs.{n}", o))}
        for n, (i, o) in pairs
    ]
    return {
        "mode": "function",
        "entry": entry,
        "hidden": calls,
        "types": "loose",
        "setup": _SETUP,
        "unwrap": all(_is_wrapped(call["expected"]) for call in calls),
        **beside,
    }


def _text(field: str, value: Any) -> str:
    """The text, or the lines of a list."""
    lines = value if isinstance(value, list) else [value]
    if not all(isinstance(line, str) for line in lines):
        raise ValueError(f"{field}: a text or a list of lines is expected; values need a fn_name")
    return "\n".join(lines)


def _args(field: str, value: Any) -> list[JsonValue]:
    if isinstance(value, str):
        args = [_loaded(field, line) for line in value.split("\n") if line.strip()]
    elif isinstance(value, list):
        args = list(value)
    else:
        raise ValueError(f"{field}: a list of arguments, or their JSON by line, is expected")
    return [_int_keys(args[0])] if len(args) == 1 else args


def _value(field: str, value: Any) -> JsonValue:
    return _loaded(field, value) if isinstance(value, str) else value


def _loaded(field: str, text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{field}: {text[:40]!r} {_NO_VALUE}") from None
    return value


def _int_keys(value: JsonValue) -> JsonValue:
    """JSON has made texts of a dict's numbers; a sole argument or value has them back."""
    if isinstance(value, dict) and value and all(_is_int(key) for key in value):
        return {"$dict": [[int(key), part] for key, part in value.items()]}
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return [_int_keys(value[0])]
    return value


def _is_int(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and len(text) < 20


def _is_wrapped(value: JsonValue) -> bool:
    return isinstance(value, list) and len(value) == 1
