"""Comparing lists: in their order, or as sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from graders.math_answers.formulas.algebra.equivalence import canonical_text
from graders.math_answers.formulas.comparing.labels import stated, unlabelled
from graders.math_answers.formulas.comparing.scalars import Ruling, all_of
from graders.math_answers.formulas.tree import (
    Bracketed,
    Listing,
    NamedSet,
    Node,
    Relation,
    is_expression,
)
from graders.math_answers.formulas.walking import expanded

__all__ = ["Comparer", "items_of", "same_items", "same_members"]

Comparer: TypeAlias = Callable[[Node, Node], Ruling]
_MAX_UNMATCHED: Final = 12
"""So many items may differ in their canonical form and still be compared pair by pair."""


def items_of(node: Node) -> tuple[Node, ...]:
    """The items of a list or set, also behind a name; any other node is its own only item."""
    match node:
        case Listing(items=items) | Bracketed(items=items):
            return unlabelled(items)
        case NamedSet(name="empty"):
            return ()
        case Relation(sides=(_, whole), operators=("in",)):
            return items_of(whole)
        case Relation():
            said = stated(node)
            if said is not None and said.label is not None and len(said.values) == 1:
                return items_of(said.values[0])
    return (node,)


def same_items(gold: Sequence[Node], answer: Sequence[Node], compare: Comparer) -> Ruling:
    """Compare item by item."""
    if len(gold) != len(answer):
        return "different"
    rulings: list[Ruling] = []
    for one, other in zip(gold, answer, strict=True):
        rulings.append(compare(one, other))
        if rulings[-1] == "different":
            return "different"
    return all_of(rulings)


def same_members(gold: Sequence[Node], answer: Sequence[Node], compare: Comparer) -> Ruling:
    r"""Compare as sets: order and repetitions do not count, `\pm` stands for two items."""
    wanted, given = _by_form(gold), _by_form(answer)
    ours = [item for form, item in wanted.items() if form not in given]
    theirs = [item for form, item in given.items() if form not in wanted]
    if max(len(ours), len(theirs)) > _MAX_UNMATCHED:
        return "different"
    # An item may equal one that is matched already: 0.33 beside 1/3 in a gold.
    more = len(wanted) <= _MAX_UNMATCHED and len(given) <= _MAX_UNMATCHED
    candidates = list(given.values()) if more else theirs
    rulings = [_best(compare(one, other) for other in candidates) for one in ours]
    if "different" in rulings:
        return "different"
    candidates = list(wanted.values()) if more else ours
    rulings += [_best(compare(other, one) for other in candidates) for one in theirs]
    return all_of(rulings)


def _best(rulings: Iterable[Ruling]) -> Ruling:
    """Whether any of them is equal."""
    result: Ruling = "different"
    for ruling in rulings:
        if ruling == "equal":
            return "equal"
        result = "unsure" if ruling == "unsure" else result
    return result


def _by_form(items: Sequence[Node]) -> dict[object, Node]:
    return {
        canonical_text(one) if is_expression(one) else one: one
        for item in items
        for one in expanded(item)
    }
