"""Whether an answer's tree says what the gold's tree says: typed by the gold."""

from __future__ import annotations

import re
from functools import partial
from typing import Final, TypeGuard

from graders.math_answers.formulas.comparing.entries import entries_like, rows_of
from graders.math_answers.formulas.comparing.gathering import items_of, same_items, same_members
from graders.math_answers.formulas.comparing.labels import (
    Stated,
    in_order,
    named_values,
    stated,
    unlabelled,
)
from graders.math_answers.formulas.comparing.regions import as_region, same_region
from graders.math_answers.formulas.comparing.relations import (
    may_stand_for,
    same_congruence,
    same_two_sided,
    turned,
)
from graders.math_answers.formulas.comparing.scalars import (
    Rules,
    Ruling,
    all_of,
    same_ratio,
    same_scalar,
)
from graders.math_answers.formulas.tree import (
    Bracketed,
    Call,
    Cases,
    Dots,
    Listing,
    Matrix,
    NamedSet,
    Node,
    PlusMinus,
    Ratio,
    Relation,
    SetOperation,
    Symbol,
    Undone,
    Words,
    is_scalar,
)
from graders.math_answers.formulas.walking import has, nodes
from graders.math_answers.words import same_words

__all__ = ["same"]

_WORK: Final = frozenset(("gcd", "lcm", "max", "min", "mod"))
"""Functions that a scalar answer may hold only where the gold does: work left to the reader."""

_CHOICES: Final = re.compile(r"[A-J]{2,6}")
_NO_SOLUTION: Final = frozenset(
    ("no solution", "no solutions", "no real solution", "no real solutions", "empty set")
)
_REGIONAL: Final = (Relation, SetOperation, NamedSet)


def same(gold: Node, answer: Node, rules: Rules) -> Ruling:
    """Compare; sure only where it cannot be wrong."""
    if gold == answer:
        return "equal"
    bare, said = _without_condition(gold), _without_condition(answer)
    if (bare is gold) != (said is answer):
        return same(bare, said, rules)
    return _same_kind(gold, answer, rules)


def _same_kind(gold: Node, answer: Node, rules: Rules) -> Ruling:
    match gold:
        case Words():
            return "equal" if _says(gold, answer) else "different"
        case Listing():
            return _same_listing(gold, answer, rules)
        case Bracketed(opening="{"):
            return _same_set(gold, answer, rules)
        case Bracketed():
            return _same_tuple(gold, answer, rules)
        case Matrix():
            return _same_matrix(gold, answer, rules)
        case Relation():
            return _same_relation(gold, answer, rules)
        case SetOperation() | NamedSet() | Cases() | Dots():
            return _same_region(gold, answer) or _same_shape(gold, answer, rules)
        case Ratio():
            return _same_parts(gold, answer)
        case _:
            return _same_value(gold, answer, rules)


def _without_condition(node: Node) -> Node:
    r"""`3k + 1, k \in \mathbb{Z}` without what its letter stands for."""
    match node:
        case Listing(items=(value, Relation(sides=(Symbol(), NamedSet()), operators=("in",)))):
            return value
    return node


def _says(gold: Words, answer: Node) -> bool:
    """Whether an answer says the gold's words, perhaps behind a name, or in another form."""
    said = stated(answer)
    if said is not None and len(said.values) == 1:
        answer = said.values[0]
    if isinstance(answer, Words):
        return same_words(gold.text, answer.text)
    if isinstance(answer, Listing) and _CHOICES.fullmatch(gold.text):
        # The choices A, C and D are written ACD as well.
        names = {one.name if isinstance(one, Symbol) else "" for one in answer.items}
        return names == set(gold.text)
    return answer == NamedSet("empty") and gold.text.lower() in _NO_SOLUTION


def _same_value(gold: Node, answer: Node, rules: Rules) -> Ruling:
    """A scalar gold wants one value, perhaps with its name, its steps and a decimal near it."""
    if isinstance(answer, Listing) and answer.joint == "or":
        # Two ways of writing one value are no choice between values.
        return all_of([_same_value(gold, item, rules) for item in answer.items])
    said = stated(answer, loosely=not _has_unknowns(gold))
    if said is None or not is_scalar(gold):
        return "different"
    if said.label is None and len(said.values) > 1 and any(map(_has_unknowns, said.values)):
        return "different"
    rulings: list[Ruling] = []
    for value in said.values:
        if not is_scalar(value) or _leaves_work(gold, value):
            return "different"
        rulings.append(same_scalar(gold, value, rules))
        if rulings[-1] == "different":
            return "different"
    return all_of(rulings) if _is_rounded_well(said, rules) else "different"


def _is_rounded_well(said: Stated, rules: Rules) -> bool:
    """Whether the decimals that an answer calls near are its value rounded."""
    return all(same(near, said.values[0], rules) == "equal" for near in said.near)


def _has_unknowns(node: Node) -> bool:
    return has(node, Symbol)


def _leaves_work(gold: Node, answer: Node) -> bool:
    r"""Whether the answer holds a sum, limit, greatest divisor or `\pm` that the gold does not."""
    return not _work(answer) <= _work(gold)


def _work(node: Node) -> set[str]:
    found = set()
    for one in nodes(node):
        if isinstance(one, PlusMinus):
            found.add("choice")
        elif isinstance(one, Undone) or (isinstance(one, Call) and one.name in _WORK):
            found.add(one.name)
    return found


def _same_listing(gold: Listing, answer: Node, rules: Rules) -> Ruling:
    named = named_values(gold)
    if named is not None:
        return _same_named(named, answer, rules)
    if isinstance(answer, Bracketed) and answer.opening != "{":
        return "different"
    if has(gold, Relation) and (ruling := _same_region(gold, answer)) is not None:
        return ruling
    ours, theirs = unlabelled(gold.items), items_of(answer)
    if rules.ordered:
        return same_items(ours, theirs, partial(same, rules=rules))
    return same_members(ours, theirs, partial(same, rules=rules))


def _same_named(named: dict[Node, Node], answer: Node, rules: Rules) -> Ruling:
    """`x = 1, y = 2` in any order, or the values alone in the order of the names."""
    given = named_values(answer)
    if given is not None:
        if given.keys() != named.keys():
            return "different"
        return all_of([same(value, given[label], rules) for label, value in named.items()])
    return same_items(in_order(named), items_of(answer), partial(same, rules=rules))


def _same_set(gold: Bracketed, answer: Node, rules: Rules) -> Ruling:
    if isinstance(answer, Bracketed) and answer.opening != "{":
        return "different"
    if has(gold, Relation):
        return _same_region(gold, answer) or _same_shape(gold, answer, rules)
    return same_members(gold.items, items_of(answer), partial(same, rules=rules))


def _same_tuple(gold: Bracketed, answer: Node, rules: Rules) -> Ruling:
    """A tuple, a vector or an interval: the items in their order between the same brackets."""
    if has(answer, _REGIONAL) and (ruling := _same_region(gold, answer)) is not None:
        return ruling
    if isinstance(answer, Relation):
        said = stated(answer)
        if said is None or len(said.values) != 1 or not _is_rounded_well(said, rules):
            return "different"
        answer = said.values[0]
    given = entries_like(gold, answer)
    if given is None:
        return "different"
    return same_items(gold.items, given, partial(same, rules=rules))


def _same_matrix(gold: Matrix, answer: Node, rules: Rules) -> Ruling:
    said = stated(answer)
    if said is None or len(said.values) != 1 or not _is_rounded_well(said, rules):
        return "different"
    given = rows_of(said.values[0])
    if given is None or [len(row) for row in given] != [len(row) for row in gold.rows]:
        return "different"
    pairs = zip(gold.rows, given, strict=True)
    return all_of([same_items(ours, theirs, partial(same, rules=rules)) for ours, theirs in pairs])


def _same_region(gold: Node, answer: Node) -> Ruling | None:
    """Compare as parts of the number line; None where either is none."""
    wanted, given = as_region(gold), as_region(answer)
    if wanted is None or given is None:
        return None
    return "equal" if same_region(wanted, given) else "different"


def _same_relation(gold: Relation, answer: Node, rules: Rules) -> Ruling:
    said = stated(gold)
    if said is not None and said.label is not None and len(said.values) == 1:
        return _same_definition(said.label, said.values[0], answer, rules=rules)
    if gold.operators == ("in",):
        inner = answer.sides[1] if _is_member(answer) else answer
        if _is_member(answer) and answer.sides[0] != gold.sides[0]:
            return "different"
        return same(gold.sides[1], inner, rules)
    region = _same_region(gold, answer)
    if region is not None:
        return region
    if not isinstance(answer, Relation):
        return "different"
    ruling = same_two_sided(gold, answer) or same_congruence(gold, answer)
    return ruling or _same_shape(gold, answer, rules)


def _is_member(node: Node) -> TypeGuard[Relation]:
    return isinstance(node, Relation) and node.operators == ("in",)


def _same_definition(label: Node, value: Node, answer: Node, *, rules: Rules) -> Ruling:
    """`y = 2x + 1`: the value alone will do, or an equation that says the same."""
    if not isinstance(answer, Relation):
        return same(value, answer, rules)
    said = stated(answer)
    if said is not None and said.label is not None and may_stand_for(label, said.label):
        if is_scalar(value):
            return _same_value(value, answer, rules)
        return same(value, said.values[0], rules) if len(said.values) == 1 else "different"
    if isinstance(label, Call) and said is not None and isinstance(said.label, Call):
        return "different"
    return same_two_sided(Relation((label, value), ("=",)), answer) or "different"


def _same_parts(gold: Ratio, answer: Node) -> Ruling:
    said = stated(answer)
    value = said.values[0] if said is not None and len(said.values) == 1 else answer
    return same_ratio(gold, value) if isinstance(value, Ratio) else "different"


def _same_shape(gold: Node, answer: Node, rules: Rules) -> Ruling:
    """Compare part by part what is written in the same way."""
    compare = partial(same, rules=rules)
    match gold, answer:
        case SetOperation(), SetOperation():
            if gold.name != answer.name:
                return "different"
            if gold.name == "difference":
                return same_items(gold.parts, answer.parts, compare)
            return same_members(gold.parts, answer.parts, compare)
        case Relation(), Relation():
            if gold.operators != answer.operators:
                answer = turned(answer)
            if gold.operators != answer.operators:
                return "different"
            return same_items(gold.sides, answer.sides, compare)
        case NamedSet(name="empty"), Words():
            return "equal" if answer.text.lower() in _NO_SOLUTION else "different"
        case Cases(), Cases():
            ours, theirs = ([_branch(*one) for one in node.branches] for node in (gold, answer))
            return same_members(ours, theirs, compare)
        case Bracketed(), Bracketed() if gold.opening == answer.opening:
            return same_items(gold.items, answer.items, compare)
    return "different"


def _branch(value: Node, condition: Node | None) -> Node:
    return Bracketed("(", ")", (value,) if condition is None else (value, condition))
