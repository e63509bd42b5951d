r"""Answers that look much like a gold and mean something else.

Truth is told here without the grader: two golds mean the same to a reader when their letters are
the same but for layout, when both are the same list in another order, or when both have the same
value at some point, worked out by a small evaluator of this module.
"""

from __future__ import annotations

import ast
import cmath
import itertools
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

from tests.graders.ascii_math import as_ascii
from tests.graders.number_variants import plain_number
from tests.graders.variants import items_of

__all__ = ["Pair", "edits", "neighbours", "same_to_a_reader"]

_MAX_INDEXED_CHARS: Final = 24
_PER_GOLD: Final = 12
_VARIABLE: Final = re.compile(r"(?<![\\A-Za-z])([a-df-hj-zA-DF-HJ-Z])(?![A-Za-z])")
_LAYOUT: Final = re.compile(
    r"\\[,;!: ]|\s|\\left(?![a-z])|\\right(?![a-z])|\\displaystyle|\{,\}|\.$|\\\$|\^\{?\\circ\}?"
)
_UNIT: Final = re.compile(r"\\(?:text|mbox|mathrm)\{ ?[a-z]+[a-z. ]*\}(?:\^\{?[23]\}?)?$")
_LABEL: Final = re.compile(r"^(?:[a-zA-Z]|[a-z]\(x\))=")
_MIXED: Final = re.compile(r"(-?)([0-9]+) ?(\\[dt]?frac\{([0-9]+)\}\{([0-9]+)\})")
_WORDS: Final = re.compile(r"\\(?:text|mbox|textbf)\{([^{}]*)\}")
_TAGS: Final = re.compile(r"^\(([A-Z])\)$")
Value: TypeAlias = "complex | tuple[Value, ...]"


class Pair(NamedTuple):
    """A gold and a text that is near it, and how it was made."""

    gold: str
    other: str
    kind: str


def edits(gold: str) -> Iterator[Pair]:
    """The gold with one thing changed that a reader would not overlook."""
    chance = random.Random(gold)  # noqa: S311 - no secret
    for kind, change in _EDITS.items():
        other = change(gold, chance)
        if other is not None and other != gold and not same_to_a_reader(gold, other):
            yield Pair(gold, other, kind)


def neighbours(golds: list[str]) -> Iterator[Pair]:
    """For each gold some others at an edit distance of one or two, of another value."""
    index: dict[str, set[str]] = defaultdict(set)
    short = [gold for gold in golds if len(gold) <= _MAX_INDEXED_CHARS]
    for gold in short:
        for stem in _stems(gold):
            index[stem].add(gold)
    for gold in short:
        near = sorted({other for stem in _stems(gold) for other in index[stem]} - {gold})
        random.Random(gold).shuffle(near)  # noqa: S311 - no secret
        found = 0
        for other in near:
            if found == _PER_GOLD:
                break
            if not same_to_a_reader(gold, other):
                found += 1
                yield Pair(gold, other, "neighbour")


def _stems(gold: str) -> set[str]:
    """The gold less one or two of its characters, so that near golds share one."""
    ones = {gold[:place] + gold[place + 1 :] for place in range(len(gold))}
    if len(gold) > _MAX_INDEXED_CHARS // 2:
        return ones
    twos = {one[:place] + one[place + 1 :] for one in ones for place in range(len(one))}
    return ones | twos


def same_to_a_reader(one: str, other: str) -> bool:
    """Whether two answers say the same thing, layout, units and order of lists aside."""
    if _letters(one) == _letters(other):
        return True
    ours, theirs = (sorted(map(_letters, items_of(text))) for text in (one, other))
    if len(ours) > 1 and set(ours) == set(theirs):
        return True
    values = [_value(text) for text in (one, other)]
    return None not in values and _close(values[0], values[1])


def _letters(text: str) -> str:
    text = _UNIT.sub("", text.strip())
    text = _LABEL.sub("", _LAYOUT.sub("", _WORDS.sub(r"\1", text)))
    text = re.sub(r"\\[dt]frac", r"\\frac", text)
    text = re.sub(r"\\frac(?=[0-9])([0-9])([0-9])", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\frac(?=[0-9])([0-9])\{", r"\\frac{\1}{", text)
    text = re.sub(r"(\\sqrt|\^|_)([0-9A-Za-z])(?![0-9])", r"\1{\2}", text)
    text = re.sub(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", "", text)
    text = re.sub(r"(?<![0-9.])-0(?![0-9.])", "0", text)
    tagged = _TAGS.fullmatch(text)
    return tagged[1] if tagged else text.removeprefix("+").casefold() if text.isalpha() else text


def _value(text: str) -> Value | None:
    if text.endswith("\\%"):
        share = _value(text.removesuffix("\\%"))
        return share / 100 if isinstance(share, complex) else None
    number = plain_number(text.removeprefix("\\$").rstrip("."))
    mixed = _MIXED.fullmatch(text)
    if mixed:
        # An improper fraction beside a number is their product.
        joint = "+" if int(mixed[4]) < int(mixed[5]) else "\\cdot"
        text = f"{mixed[1]}({mixed[2]}{joint}{mixed[3]})"
    # 1/1 is put in front so that the writer has something to change.
    written = number or as_ascii(f"\\frac{{1}}{{1}}{_LABEL.sub('', text)}", power="**")
    if written is None:
        return None
    try:
        return _worked_out(ast.parse(written.removeprefix("1/1*"), mode="eval").body)
    except (SyntaxError, ArithmeticError, ValueError):
        return None


def _worked_out(node: ast.expr) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return complex(number)
        case ast.Name(id=name):
            return _point(name)
        case ast.Tuple(elts=items):
            return tuple(map(_worked_out, items))
        case ast.UnaryOp(op=operator, operand=operand):
            inner = _one(operand)
            return -inner if isinstance(operator, ast.USub) else inner
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)](_one(left), _one(right))
        case ast.Call(func=ast.Name(id="sqrt"), args=[inside]):
            return cmath.sqrt(_one(inside))
    raise ValueError(node)


def _one(node: ast.expr) -> complex:
    value = _worked_out(node)
    if isinstance(value, tuple):
        raise ValueError(node)
    return value


def _power(base: complex, exponent: complex) -> complex:
    if abs(exponent) > 1_000:
        raise ValueError(exponent)
    return complex(base**exponent)


_SIGNS: Final[dict[type[ast.operator], Callable[[complex, complex], complex]]] = {
    ast.Add: lambda one, other: one + other,
    ast.Sub: lambda one, other: one - other,
    ast.Mult: lambda one, other: one * other,
    ast.Div: lambda one, other: one / other,
    ast.Pow: _power,
}


def _point(name: str) -> complex:
    known = {"pi": cmath.pi, "e": cmath.e, "i": 1j}
    if name == "oo":
        raise ValueError(name)
    return known.get(name) or complex(random.Random(name).uniform(0.6, 1.9))  # noqa: S311


def _close(one: Value | None, other: Value | None) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        pairs = itertools.zip_longest(one, other)
        return all(_close(left, right) for left, right in pairs)
    if isinstance(one, complex) and isinstance(other, complex):
        return abs(one - other) <= 1e-11 * max(abs(one), abs(other))
    return False


def _changed_digit(gold: str, chance: random.Random) -> str | None:
    places = [place for place, char in enumerate(gold) if char.isdigit()]
    if not places:
        return None
    place = chance.choice(places)
    digit = str((int(gold[place]) + chance.randint(1, 8)) % 9 + 1)
    return gold[:place] + digit + gold[place + 1 :]


def _changed_sign(gold: str, chance: random.Random) -> str | None:
    places = [place for place, char in enumerate(gold) if char in "+-" and "\\text" not in gold]
    if not places:
        return f"-{gold}" if gold[:1].isdigit() or gold.startswith(("\\frac", "\\sqrt")) else None
    place = chance.choice(places)
    return gold[:place] + ("-" if gold[place] == "+" else "+") + gold[place + 1 :]


def _changed_case(gold: str, chance: random.Random) -> str | None:
    if "\\text" in gold or "\\begin" in gold or "\\mbox" in gold:
        return None
    if len(gold) < 2 or "_" in gold:
        return None
    return _VARIABLE.sub(lambda found: found[1].swapcase(), gold)


def _changed_bracket(gold: str, chance: random.Random) -> str | None:
    """An end more or less, of what may be an interval; a point in square brackets is the point."""
    found = re.fullmatch(r"([(\[])([^()\[\]]*)([)\]])", gold)
    ends = [_value(end) for end in items_of(found[2])] if found else []
    if found is None or len(ends) != 2:
        return None
    low, high = ends
    is_upward = isinstance(low, complex) and isinstance(high, complex) and low.real < high.real
    if not is_upward and "infty" not in gold:
        return None
    return gold[:-1] + ("]" if found[3] == ")" else ")")


def _changed_exponent(gold: str, chance: random.Random) -> str | None:
    return re.sub(r"\^\{?([0-9])\}?(?![0-9])", lambda found: f"^{int(found[1]) + 1}", gold, count=1)


def _swapped_items(gold: str, chance: random.Random) -> str | None:
    found = re.fullmatch(r"(\(|\\left\()(.*?)(\)|\\right\))", gold)
    items = items_of(found[2]) if found else []
    if found is None or len(items) < 2 or _letters(items[0]) == _letters(items[1]):
        return None
    return found[1] + ", ".join([items[1], items[0], *items[2:]]) + found[3]


def _dropped_item(gold: str, chance: random.Random) -> str | None:
    items = items_of(gold)
    return ", ".join(items[:-1]) if len(items) > 1 and items[-1] not in items[:-1] else None


def _replaced(old: str, new: str) -> Callable[[str, random.Random], str | None]:
    return lambda gold, chance: re.sub(old, lambda _: new, gold, count=1)


def _inverted(gold: str, chance: random.Random) -> str | None:
    return re.sub(r"(\\[dt]?frac)\{([^{}]+)\}\{([^{}]+)\}", r"\1{\3}{\2}", gold, count=1)


def _longer(gold: str, chance: random.Random) -> str | None:
    return f"{gold}0" if re.fullmatch(r"-?[1-9][0-9]*", gold) else None


_EDITS: Final[dict[str, Callable[[str, random.Random], str | None]]] = {
    "digit": _changed_digit,
    "another digit": _changed_digit,
    "sign": _changed_sign,
    "case": _changed_case,
    "bracket": _changed_bracket,
    "exponent": _changed_exponent,
    "swapped items": _swapped_items,
    "dropped item": _dropped_item,
    "inverted": _inverted,
    "ten times": _longer,
    "cm for m": _replaced(r"(?<=\\text\{ )(?:cm|m|ft|inches|feet)(?=\})", "km"),
    "no root": _replaced(r"\\sqrt(?=\{[0-9]+\})", ""),
    "no pi": _replaced(r"(?<=[0-9] )\\pi|(?<=[0-9])\\pi", ""),
    "no i": _replaced(r"(?<=[0-9])i(?![a-z])", ""),
    "cap for cup": _replaced(r"\\cup", "\\cap"),
    "strict": _replaced(r"\\(?:le|ge)q?(?![a-z])", "<"),
    "other side": _replaced(r"<", ">"),
    "no exponent": _replaced(r"\^(?:[0-9]|\{[0-9]+\})", ""),
    "e for pi": _replaced(r"\\pi(?![a-z])", "e"),
}  # fmt: skip
