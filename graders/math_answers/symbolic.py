r"""What runs in the killable child: Math-Verify and sympy on one gold and one answer.

Imported by the child alone.  Both texts are always wrapped in `\boxed{}`, read as LaTeX only (the
plain-expression reader of Math-Verify evaluates text) and compared without its own alarms, which
do not work in every process.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias

__all__ = ["compare", "is_readable", "warm_up"]

Answer: TypeAlias = Literal["equal", "different", "unparsed_answer", "unparsed_gold"]
# Any: sympy ships no types, and what its parser returns has no common base.
_Parsed: TypeAlias = Any

_FAILURES: Final = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError,
    RecursionError, SyntaxError, TypeError, ValueError,
)  # fmt: skip
_DIGITS: Final = 60
_RELATIVE: Final = "1e-40"
_POINTS: Final = ((3, 7), (19, 11), (-13, 17))
_IMAGINARY: Final = re.compile(r"(?<![a-zA-Z\\])i(?![a-zA-Z])|(?<=[0-9])i(?![a-zA-Z])")


def is_readable(gold: str) -> bool:
    """Whether Math-Verify reads the gold as anything but text."""
    return _parse(gold) is not None


def compare(gold: str, answer: str) -> Answer:
    """Compare an answer with the gold."""
    wanted, given = _parse(gold), _parse(answer)
    if wanted is None:
        return "unparsed_gold"
    if given is None:
        return "unparsed_answer"
    return "equal" if _same(wanted, given) else "different"


def warm_up() -> None:
    """Load the grammar and the simplifier, so that children are born with both."""
    for one, other in (
        ("\\frac{x+1}{2}", "\\frac{x}{2}+\\frac{1}{2}"),
        ("\\sqrt{8}", "2\\sqrt{2}"),
    ):
        compare(one, other)
    compare("\\{1,2\\}", "\\{2,1\\}")
    compare("[0,1)", "[0,1)")


def _parse(text: str) -> _Parsed | None:
    from math_verify import LatexExtractionConfig, parse

    if not text.strip():
        return None
    found = parse(
        f"\\boxed{{{text}}}",
        extraction_config=[LatexExtractionConfig(boxed_match_priority=0)],
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )
    read = [value for value in found if not isinstance(value, str)]
    if not read:
        return None
    return _with_imaginary(read[0], text)


def _with_imaginary(value: _Parsed, text: str) -> _Parsed:
    """Read a lone `i` as the imaginary unit where the reader took it for an unknown."""
    import sympy

    if not isinstance(value, sympy.Expr) or not _IMAGINARY.search(text):
        return value
    return value.subs({name: sympy.I for name in value.free_symbols if str(name) == "i"})


def _same(wanted: _Parsed, given: _Parsed) -> bool:
    import sympy
    from math_verify import verify

    if isinstance(wanted, sympy.Expr) and isinstance(given, sympy.Expr):
        wanted, given = _without_limits(wanted), _without_limits(given)
        closed = not wanted.free_symbols and not given.free_symbols
        if closed:
            return _close(wanted, given) is True
        if wanted.free_symbols == given.free_symbols and _differs_somewhere(wanted, given):
            return False
    return bool(verify(wanted, given, timeout_seconds=None))


def _without_limits(value: _Parsed) -> _Parsed:
    """The value with its limits taken, which no evaluation by digits does."""
    import sympy

    return value.replace(sympy.Limit, lambda *parts: sympy.Limit(*parts).doit())


def _close(one: _Parsed, other: _Parsed) -> bool | None:
    """Whether two closed expressions agree; None where either has no finite value."""
    import sympy

    try:
        left, right = one.evalf(_DIGITS), other.evalf(_DIGITS)
        if not (left.is_number and right.is_number and left.is_finite and right.is_finite):
            return None
        bound = sympy.Float(_RELATIVE, _DIGITS) * max(abs(left), abs(right))
        return bool(abs(left - right) <= bound)
    except _FAILURES:
        return None


def _differs_somewhere(wanted: _Parsed, given: _Parsed) -> bool:
    import sympy

    names = sorted(wanted.free_symbols, key=str)
    for top, below in _POINTS:
        point = {name: sympy.Rational(top + 2 * number, below) for number, name in enumerate(names)}
        try:
            if _close(wanted.subs(point), given.subs(point)) is False:
                return True
        except _FAILURES:
            continue
    return False
