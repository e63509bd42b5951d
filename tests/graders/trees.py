"""Trees of formulas as one line of text, for tables."""

from __future__ import annotations

from dataclasses import fields

from graders.math_answers.formulas import tree

__all__ = ["show"]

_SIGNS = {
    tree.Negative: "-", tree.Sum: "+", tree.Product: "*", tree.Quotient: "/", tree.Power: "^",
    tree.PlusMinus: "+-", tree.Root: "root", tree.Call: "call", tree.Measured: "unit",
    tree.Undone: "undone", tree.Listing: "list", tree.Matrix: "matrix", tree.Cases: "cases",
    tree.Ratio: ":", tree.SetOperation: "sets", tree.Relation: "rel", tree.Words: "words",
    tree.NamedSet: "set", tree.Dots: "dots",
}  # fmt: skip


def show(part: object) -> str:
    """A tree in prefix notation, `(+ (^ x 2) (- 1))`, names where no sign will do."""
    if isinstance(part, tree.Number):
        return str(part.value)
    if isinstance(part, tree.Symbol | tree.Constant):
        return part.name
    if isinstance(part, tree.Bracketed):
        return f"{part.opening} {' '.join(map(show, part.items))} {part.closing}"
    if isinstance(part, tuple):
        return f"({' '.join(map(show, part))})"
    sign = next((sign for kind, sign in _SIGNS.items() if isinstance(part, kind)), None)
    if sign is None:
        return "none" if part is None else str(part)
    # The signs belong to dataclasses only, which mypy cannot see through `object`.
    values = [getattr(part, field.name) for field in fields(part)]  # type: ignore[arg-type]
    flat = sign in ("+", "*", ":")
    return f"({' '.join([sign, *map(show, values[0] if flat else values)])})"
