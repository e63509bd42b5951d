"""When a canonical form that is not nought is no nought in disguise."""

from __future__ import annotations

from typing import Final

from graders.math_answers.formulas.algebra.polynomials import Generator, Polynomial, generators

__all__ = ["is_decisive"]

_PROVEN_PRIME: Final = 1_000_000
"""Below this, what is left after the divisors up to 1,000 is a prime."""


def is_decisive(gap: Polynomial) -> bool:
    """Whether the generators have no relations, so that the polynomial is nought only if empty.

    Symbols are free; real roots of different primes are independent over the rationals, also with
    i; pi and e are each transcendental, but nobody knows of both together.
    """
    names = generators(gap)
    if sum(name.kind == "number" for name in names) > 1:
        return False
    return all(map(_is_free, names))


def _is_free(name: Generator) -> bool:
    if name.kind == "prime":
        return int(name) < _PROVEN_PRIME
    return name.kind in ("symbol", "number", "imaginary")
