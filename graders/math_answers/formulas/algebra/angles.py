"""Sines, cosines and their inverses: exact at the usual parts of pi, else in sin and cos alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.algebra.exponentials import PI, E, raised_to
from graders.math_answers.formulas.algebra.form_text import form_text, leading
from graders.math_answers.formulas.algebra.polynomials import (
    Effort,
    Generator,
    generators,
    lowest,
    scaled,
    single,
)
from graders.math_answers.formulas.algebra.quotients import (
    Form,
    inverse,
    negated,
    of_rational,
    plus,
    times,
)
from graders.math_answers.formulas.algebra.radicals import cosine_of_turn

__all__ = ["angle", "hyperbolic", "inverse_angle"]

_HALF: Final = Fraction(1, 2)
_ARCSINES: Final = {"1/2": Fraction(1, 6), "sqrt(2)/2": Fraction(1, 4), "sqrt(3)/2": Fraction(1, 3)}
_ARCTANGENTS: Final = {
    "1": Fraction(1, 4),
    "sqrt(3)": Fraction(1, 3),
    "sqrt(3)/3": Fraction(1, 6),
    "-sqrt(3) + 2": Fraction(1, 12),
    "sqrt(3) + 2": Fraction(5, 12),
}


def angle(name: str, form: Form, effort: Effort) -> Form:
    """sin, cos, tan, cot, sec or csc of a form."""
    if name in ("sin", "cos"):
        return _turned(name, form)
    sine, cosine = _turned("sin", form), _turned("cos", form)
    over, under = {
        "tan": (sine, cosine),
        "cot": (cosine, sine),
        "sec": (of_rational(1), cosine),
        "csc": (of_rational(1), sine),
    }[name]
    return times(over, inverse(under, effort), effort)


def hyperbolic(name: str, form: Form, effort: Effort) -> Form:
    """sinh, cosh, tanh, coth, sech or csch, by powers of e."""
    base = Form(single(E))
    up, down = raised_to(base, form, effort), raised_to(base, negated(form), effort)
    sine, cosine = plus(up, negated(down), effort), plus(up, down, effort)
    two = of_rational(2)
    over, under = {
        "sinh": (sine, two),
        "cosh": (cosine, two),
        "tanh": (sine, cosine),
        "coth": (cosine, sine),
        "sech": (two, cosine),
        "csch": (two, sine),
    }[name]
    return times(over, inverse(under, effort), effort)


def inverse_angle(name: str, form: Form, effort: Effort) -> Form:
    """arcsin, arccos, arctan, arccot, arcsec or arccsc of a form; the others by the first two."""
    if name in ("arcsec", "arccsc"):
        return inverse_angle(
            f"arc{'cos' if name == 'arcsec' else 'sin'}", inverse(form, effort), effort
        )
    if name in ("arccos", "arccot"):
        part = inverse_angle("arcsin" if name == "arccos" else "arctan", form, effort)
        return plus(_part_of_pi(_HALF), negated(part), effort)
    if not form.top:
        return form
    flipped = leading(form.top) < 0
    if flipped:
        form = negated(form)
    text = form_text(form)
    known = (_ARCSINES | {"1": _HALF} if name == "arcsin" else _ARCTANGENTS).get(text)
    found = _part_of_pi(known) if known is not None else _opaque(name, form, text)
    return negated(found) if flipped else found


def _part_of_pi(turn: Fraction) -> Form:
    return Form(scaled(single(PI), lowest(turn)))


def _turned(name: str, form: Form) -> Form:
    """sin or cos, of an argument whose first term is positive."""
    turn = _turn(form)
    if turn is not None:
        exact = cosine_of_turn(turn - _HALF if name == "sin" else turn)
        if exact is not None:
            return Form(exact)
        return _reduced(name, turn % 2)
    flipped = leading(form.top) < 0
    if flipped:
        form = negated(form)
    found = _opaque(name, form, form_text(form))
    return negated(found) if flipped and name == "sin" else found


def _reduced(name: str, turn: Fraction) -> Form:
    """sin or cos of a part of pi as a cosine between 0 and pi/2."""
    turn = (turn - _HALF if name == "sin" else turn) % 2
    turn = min(turn, 2 - turn)
    sign = 1
    if turn > _HALF:
        turn, sign = 1 - turn, -1
    form = _part_of_pi(turn)
    return Form(scaled(_opaque("cos", form, form_text(form)).top, sign))


def _turn(form: Form) -> Fraction | None:
    """The argument as a part of pi, where it is one."""
    if not form.top:
        return Fraction(0)
    if form.bottom != {(): 1} or len(form.top) != 1:
        return None
    ((monomial, value),) = form.top.items()
    return Fraction(value) if monomial == ((PI, 1),) else None


def _opaque(name: str, form: Form, text: str) -> Form:
    fixed = all(g.fixed for g in generators(form.top) | generators(form.bottom))
    return Form(single(Generator(f"{name}({text})", "call", fixed=fixed)))
