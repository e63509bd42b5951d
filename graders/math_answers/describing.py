"""What a gold was taken for: its type and one canonical text, for whoever checks a dataset."""

from __future__ import annotations

from typing import Final

from graders.math_answers.formulas.algebra.equivalence import symbols
from graders.math_answers.formulas.printing import number_text, plain_text
from graders.math_answers.formulas.tree import (
    Bracketed,
    Cases,
    Listing,
    Matrix,
    Measured,
    NamedSet,
    Node,
    Operator,
    Ratio,
    Relation,
    SetOperation,
    Words,
    is_expression,
)
from graders.math_answers.judging import Gold
from graders.math_answers.quantities import Quantity
from graders.math_answers.units import COUNTED

__all__ = ["canonical_of", "type_of"]

_NAMES: Final[dict[type, str]] = {
    Listing: "list", Matrix: "matrix", SetOperation: "set", NamedSet: "set", Ratio: "ratio",
    Cases: "cases", Words: "text",
}  # fmt: skip
_CURRENCIES: Final = frozenset(("dollar", "cent", "euro", "pound sterling"))


def type_of(gold: Gold) -> str:
    """The type that decides how answers are compared with the gold."""
    if gold.quantity is not None:
        return _number_type(gold.normal, gold.quantity)
    return gold.kind if gold.kind != "formula" else _tree_type(gold.tree)


def canonical_of(gold: Gold) -> str:
    """One text for every way of writing the gold's value."""
    if gold.quantity is not None:
        number = gold.quantity
        unit = "" if number.unit == COUNTED else number.unit
        base = f" (base {number.base})" if number.base != 10 else ""
        return f"{number_text(number.value)} {unit}".strip() + base
    return gold.normal if gold.tree is None else plain_text(gold.tree)


def _number_type(form: str, number: Quantity) -> str:
    if number.base != 10:
        return "base"
    if number.unit not in ("", COUNTED):
        return {"%": "percent", "degree": "angle"}.get(
            number.unit, "money" if number.unit in _CURRENCIES else "unit"
        )
    if ":" in form:
        return "ratio"
    if number.places > 0:
        return "decimal"
    return "integer" if number.value.denominator == 1 else "fraction"


def _tree_type(tree: Node | None) -> str:
    match tree:
        case Bracketed():
            return _bracketed_type(tree)
        case Measured():
            return "percent" if tree.unit == "%" else "unit"
        case Relation(operators=operators):
            return _relation_type(frozenset(operators))
    if is_expression(tree):
        return "expression" if symbols(tree) else "constant"
    return _NAMES.get(type(tree), "other")


def _relation_type(operators: frozenset[Operator]) -> str:
    if operators <= {"=", "approx"}:
        return "equation"
    return "inequality" if operators & {"<", "<=", ">", ">=", "!="} else "relation"


def _bracketed_type(tree: Bracketed) -> str:
    if tree.opening == "{":
        return "set"
    is_interval = tree.opening == "[" or tree.closing == "]" or "infinity" in plain_text(tree)
    return "interval" if len(tree.items) == 2 and is_interval else "tuple"
