"""Reading a reference answer: once per distinct gold, not once per completion."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from graders.extract import stated_gold
from graders.math_answers.formulas.algebra.equivalence import compare
from graders.math_answers.formulas.reading.parser import read
from graders.math_answers.formulas.tree import (
    Listing,
    Measured,
    Negative,
    Node,
    Number,
    TooBig,
    Unread,
    Words,
    is_expression,
)
from graders.math_answers.formulas.walking import expanded
from graders.math_answers.judging import Gold
from graders.math_answers.notation import normal
from graders.math_answers.quantities import Quantity, read_quantity
from graders.math_answers.words import choice_of, clock_of, reads_as_text

__all__ = ["read_gold"]

_MAX_CACHED: Final = 4_096
_IDEOGRAPH: Final = re.compile(r"[\u4e00-\u9fff]")
_READABLE: Final = re.compile(rf"[0-9A-Za-z]|{_IDEOGRAPH.pattern}|\\[a-zA-Z]|\\\{{")


@lru_cache(maxsize=_MAX_CACHED)
def read_gold(text: str) -> Gold | None:
    """Read a gold's kind; None where there is nothing to compare an answer with."""
    text = stated_gold(text)
    form = normal(text)
    if not _READABLE.search(form) and form not in ("\\{\\}",):
        return None
    if (clock := clock_of(form)) is not None:
        return Gold(text, clock, "clock")
    if _is_choice(form):
        return Gold(text, choice_of(form) or form, "choice")
    if reads_as_text(text, form):
        return Gold(text, form, "text", tree=Words(form))
    quantity = _quantity(form)
    if quantity is not None:
        return Gold(text, form, "number", quantity, _tree_of(quantity))
    tree = _tree(form)
    if tree is None and _IDEOGRAPH.search(form):
        return Gold(text, form, "text", tree=Words(form))
    return None if _has_no_value(tree) else Gold(text, form, "formula", tree=tree)


def _is_choice(form: str) -> bool:
    return choice_of(form) is not None and (len(form) == 1 or form[:1] == "(" or form[1:2] in ".:)")


def _quantity(form: str) -> Quantity | None:
    try:
        return read_quantity(form)
    except TooBig:
        return None


def _tree_of(quantity: Quantity) -> Node | None:
    """A number as a tree; None for one in another base, which is compared digit by digit."""
    if quantity.base != 10:
        return None
    number = Number(abs(quantity.value), quantity.places)
    value = number if quantity.value >= 0 else Negative(number)
    return Measured(value, quantity.unit) if quantity.unit else value


def _has_no_value(tree: Node | None) -> bool:
    """Whether it is an expression such as 1/0, or one too big to compute."""
    try:
        return is_expression(tree) and compare(tree, tree) == "different"
    except TooBig:
        return True


def _tree(form: str) -> Node | None:
    try:
        tree = read(form)
    except (Unread, TooBig):
        return None
    values = expanded(tree)
    return tree if len(values) == 1 else Listing(values)
