"""Powers with exponents that are no rational numbers, and logarithms, which undo them."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.algebra.form_text import form_text, polynomial_text, size
from graders.math_answers.formulas.algebra.polynomials import (
    IMAGINARY,
    ONE,
    Effort,
    Generator,
    Monomial,
    Polynomial,
    Rational,
    Undefined,
    Unfit,
    added,
    content,
    generators,
    lowest,
    scaled,
    single,
)
from graders.math_answers.formulas.algebra.quotients import (
    Form,
    of_rational,
    power,
    rational,
    times,
)
from graders.math_answers.formulas.algebra.radicals import (
    factors,
    is_complex,
    is_positive,
    is_unsigned,
    rooted,
    unity,
)

__all__ = ["PI", "E", "logarithm", "raised_to"]

PI: Final = Generator("pi", "number", fixed=True)
E: Final = Generator("e", "number", fixed=True)


def raised_to(base: Form, exponent: Form, effort: Effort) -> Form:
    """The base to the exponent."""
    value = rational(exponent)
    if value == 0 and not base.top:
        raise Undefined("nought to the power of nought")
    if isinstance(value, int):
        return power(base, value, effort)
    if value is not None:
        return rooted(base, value, effort)
    if not base.top:
        raise Unfit("nought to a power that is no number")
    if exponent.bottom != ONE:
        return _named(base, exponent)
    result = of_rational(1)
    for monomial, coefficient in exponent.top.items():
        result = times(result, _to_term(base, monomial, coefficient, effort), effort)
    return result


def logarithm(form: Form, effort: Effort) -> Form:
    """The natural logarithm, of a product the sum of the logarithms."""
    value = rational(form)
    if value == 0:
        raise Undefined("the logarithm of nought")
    if form.bottom != ONE or len(form.top) != 1:
        return _log_of_sum(form, effort)
    ((monomial, coefficient),) = form.top.items()
    if coefficient < 0 or (monomial and any(g == IMAGINARY for g, _ in monomial)):
        if any(not generator.fixed for generator, _ in monomial):
            return Form(single(_call("ln", form)))
        return _log_of_turned(monomial, coefficient)
    doubtful = [item for item in monomial if is_unsigned(item[0]) or is_complex(item[0])]
    if len(doubtful) > 1 or any(exponent != 1 for _, exponent in doubtful):
        # Signs and turns that are not known here decide how many times 2 pi i come in.
        return Form(single(_call("ln", form)))
    total = _log_of_rational(coefficient)
    for generator, exponent in monomial:
        total = added(total, scaled(_log_of_generator(generator), exponent))
    return Form(total)


def _log_of_sum(form: Form, effort: Effort) -> Form:
    if all(name.fixed for name in generators(form.top) | generators(form.bottom)):
        return Form(single(_call("ln", form)))
    size = content(form.top)
    rest = scaled(form.top, lowest(1 / Fraction(size)))
    total = added(_log_of_rational(size), single(_call("ln", Form(rest))))
    if form.bottom != ONE:
        total = added(total, scaled(logarithm(Form(form.bottom), effort).top, -1))
    return Form(total)


def _log_of_turned(monomial: Monomial, coefficient: Rational) -> Form:
    """The principal logarithm of a real or purely imaginary constant."""
    turned = any(generator == IMAGINARY for generator, _ in monomial)
    if any(g.kind not in ("prime", "number", "imaginary") for g, _ in monomial):
        return Form(single(_call("ln", Form({monomial: coefficient}))))
    total = _log_of_rational(size(coefficient))
    for generator, exponent in monomial:
        if generator != IMAGINARY:
            total = added(total, scaled(_log_of_generator(generator), exponent))
    turn = Fraction(1, 2) if turned else Fraction(1)
    if turned and coefficient < 0:
        turn = -turn
    return Form(added(total, {((IMAGINARY, 1), (PI, 1)): lowest(turn)}))


def _log_of_rational(value: Rational) -> Polynomial:
    total: Polynomial = {}
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        for prime, count in factors(number).items():
            name = Generator(f"ln({prime})", "call", fixed=True, base={(): prime})
            total = added(total, scaled(single(name), sign * count))
    return total


def _log_of_generator(generator: Generator) -> Polynomial:
    """ln of a generator; where it is a power, its exponent comes out."""
    if generator == E:
        return ONE
    if generator.kind == "power" and generator.startswith("e^(") and is_positive(generator):
        return generator.base
    inner = Form(generator.base) if generator.kind in ("root", "abs") else Form(single(generator))
    return single(_call("ln", inner))


def _call(name: str, inner: Form) -> Generator:
    fixed = all(g.fixed for g in generators(inner.top) | generators(inner.bottom))
    base = inner.top if inner.bottom == ONE else None
    return Generator(f"{name}({form_text(inner)})", "call", fixed=fixed, base=base)


def _to_term(base: Form, monomial: Monomial, coefficient: Rational, effort: Effort) -> Form:
    """base ^ (coefficient * monomial)."""
    if not monomial:
        return raised_to(base, of_rational(coefficient), effort)
    if base.bottom != ONE:
        return _named(base, Form({monomial: coefficient}))
    if len(base.top) > 1:
        name = f"({polynomial_text(base.top)})"
        return _of_name(name, generators(base.top), monomial, coefficient)
    ((below, factor),) = base.top.items()
    if factor < 0 or any(generator == IMAGINARY for generator, _ in below):
        return _named(base, Form({monomial: coefficient}))
    result = of_rational(1)
    for number, sign in ((factor.numerator, 1), (factor.denominator, -1)):
        for prime, count in factors(number).items():
            name = Generator(str(prime), "prime", fixed=True)
            part = _of_generator(name, monomial, sign * count * coefficient, effort)
            result = times(result, part, effort)
    for generator, exponent in below:
        part = _of_generator(generator, monomial, lowest(exponent * coefficient), effort)
        result = times(result, part, effort)
    return result


def _of_generator(
    generator: Generator, monomial: Monomial, coefficient: Rational, effort: Effort
) -> Form:
    """generator ^ (coefficient * monomial)."""
    if generator == E:
        known = _of_e(monomial, coefficient, effort)
        if known is not None:
            return known
    return _of_name(generator, {generator}, monomial, coefficient)


def _of_e(monomial: Monomial, coefficient: Rational, effort: Effort) -> Form | None:
    """e to the term where that is known: turns of i pi, and logarithms."""
    if monomial == ((IMAGINARY, 1), (PI, 1)):
        return unity(Fraction(coefficient), effort)
    logs = [item for item in monomial if item[0].startswith("ln(") and item[1] == 1]
    if len(logs) != 1:
        return None
    inner = logs[0][0]
    if not inner.base:
        return None
    base = Form(inner.base)
    if len(monomial) == 1:
        return raised_to(base, of_rational(coefficient), effort)
    others = tuple(item for item in monomial if item[0] != inner)
    return raised_to(base, Form({others: coefficient}), effort)


def _of_name(name: str, inside: set[Generator], monomial: Monomial, coefficient: Rational) -> Form:
    fixed = all(g.fixed for g in inside) and all(g.fixed for g, _ in monomial)
    unit: Polynomial = {monomial: 1}
    made = Generator(f"{name}^({polynomial_text(unit)})", "power", fixed=fixed, base=unit)
    return Form(single(made, coefficient))


def _named(base: Form, exponent: Form) -> Form:
    """A power that is left as it stands."""
    inside = generators(base.top) | generators(base.bottom)
    inside |= generators(exponent.top) | generators(exponent.bottom)
    fixed = all(g.fixed for g in inside)
    text = f"({form_text(base)})^({form_text(exponent)})"
    return Form(single(Generator(text, "power", fixed=fixed)))
