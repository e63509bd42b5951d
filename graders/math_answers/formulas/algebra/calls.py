"""Functions of canonical arguments: exact where the value is known, else generators."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.algebra.angles import angle, hyperbolic, inverse_angle
from graders.math_answers.formulas.algebra.exponentials import E, logarithm, raised_to
from graders.math_answers.formulas.algebra.form_text import form_text, leading, size
from graders.math_answers.formulas.algebra.polynomials import (
    IMAGINARY,
    ONE,
    Effort,
    Generator,
    Polynomial,
    content,
    generators,
    lowest,
    multiplied,
    scaled,
    single,
)
from graders.math_answers.formulas.algebra.quotients import (
    Form,
    inverse,
    of_rational,
    rational,
    times,
)
from graders.math_answers.formulas.algebra.radicals import absolute_of, is_complex, is_positive
from graders.math_answers.formulas.algebra.whole_numbers import COUNTING, counted, of_rationals

__all__ = ["called"]

_ANGLES: Final = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_HYPERBOLIC: Final = frozenset({"sinh", "cosh", "tanh", "coth", "sech", "csch"})
_INVERSE: Final = frozenset({"arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc"})
_PARTS: Final = frozenset({"conjugate", "re", "im"})
_UNORDERED: Final = frozenset({"max", "min", "gcd", "lcm"})
_REAL_KINDS: Final = frozenset({"symbol", "number", "prime", "imaginary"})


def called(name: str, arguments: tuple[Form, ...], effort: Effort) -> Form:
    """The value of a function; of an unknown one, a generator of its own."""
    values = [value for value in map(rational, arguments) if value is not None]
    if len(values) == len(arguments):
        exact = of_rationals(name, values)
        if exact is not None:
            return of_rational(exact)
    if name in COUNTING:
        return counted(name, arguments, effort)
    if name == "log" and len(arguments) in (1, 2):
        base = arguments[1] if len(arguments) == 2 else of_rational(10)
        below = inverse(logarithm(base, effort), effort)
        return times(logarithm(arguments[0], effort), below, effort)
    if len(arguments) == 1:
        return _of_one(name, arguments[0], effort)
    return _opaque(name, arguments)


def _of_one(name: str, form: Form, effort: Effort) -> Form:
    if name in _ANGLES:
        return angle(name, form, effort)
    if name in _INVERSE:
        return inverse_angle(name, form, effort)
    if name in _HYPERBOLIC:
        return hyperbolic(name, form, effort)
    if name in _PARTS:
        return _part(name, form, effort)
    match name:
        case "ln":
            return logarithm(form, effort)
        case "exp":
            return raised_to(Form(single(E)), form, effort)
        case "abs":
            return _absolute(form, effort)
        case _:
            return _opaque(name, (form,))


def _opaque(name: str, arguments: tuple[Form, ...]) -> Form:
    """The application as a generator, equal only where function and arguments are."""
    inside = [g for part in arguments for g in generators(part.top) | generators(part.bottom)]
    texts = [form_text(part) for part in arguments]
    if name in _UNORDERED:
        texts.sort()
    fixed = all(g.fixed for g in inside)
    return Form(single(Generator(f"{name}({', '.join(texts)})", "call", fixed=fixed)))


def _absolute(form: Form, effort: Effort) -> Form:
    names = generators(form.top) | generators(form.bottom)
    if any(map(is_complex, names)):
        if any(name.kind not in ("prime", "number", "imaginary") for name in names):
            return _opaque("abs", (form,))
        square = times(form, _part("conjugate", form, effort), effort)
        return raised_to(square, of_rational(Fraction(1, 2)), effort)
    top = _absolute_of(form.top, effort)
    if form.bottom == ONE:
        return top
    return times(top, inverse(_absolute_of(form.bottom, effort), effort), effort)


def _absolute_of(polynomial: Polynomial, effort: Effort) -> Form:
    """|polynomial|: of a product the product of the absolute values."""
    if len(polynomial) == 1:
        ((monomial, value),) = polynomial.items()
        result: Polynomial = {(): size(value)}
        for name, exponent in monomial:
            plain = is_positive(name) or exponent.numerator % 2 == 0
            part = single(name if plain else absolute_of(name), exponent)
            result = multiplied(result, part, effort)
        return Form(result)
    factor = content(polynomial)
    factor = -factor if leading(polynomial) < 0 else factor
    inner = scaled(polynomial, lowest(1 / Fraction(factor)))
    fixed = all(name.fixed for name in generators(inner))
    name = Generator(f"abs({form_text(Form(inner))})", "abs", fixed=fixed, base=inner)
    return Form(scaled(single(name), size(factor)))


def _part(name: str, form: Form, effort: Effort) -> Form:
    """Conjugate, real or imaginary part, where symbols are the only unknowns: they are real."""
    names = generators(form.top) | generators(form.bottom)
    if not all(one.kind in _REAL_KINDS for one in names):
        return _opaque(name, (form,))
    if name == "conjugate":
        return Form(_conjugated(form.top), _conjugated(form.bottom))
    if IMAGINARY in generators(form.bottom):
        turned = _conjugated(form.bottom)
        top, bottom = (multiplied(side, turned, effort) for side in form)
        form = times(Form(top), inverse(Form(bottom), effort), effort)
    if name == "re":
        kept = {m: v for m, v in form.top.items() if not _has_i(m)}
        return Form(kept, form.bottom)
    turned = {m: v for m, v in form.top.items() if _has_i(m)}
    return Form(multiplied(turned, {((IMAGINARY, 1),): -1}, effort), form.bottom)


def _conjugated(polynomial: Polynomial) -> Polynomial:
    return {m: -v if _has_i(m) else v for m, v in polynomial.items()}


def _has_i(monomial: tuple[tuple[Generator, int | Fraction], ...]) -> bool:
    return any(generator == IMAGINARY for generator, _ in monomial)
