"""Plain data: the notation, read and written, and the comparison."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.programs.plain import (
    NotPlain,
    Tree,
    difference,
    from_json,
    impossible,
    read_json,
    read_value,
    to_json,
)
from graders.programs.tasks import Tolerance
from tests.graders.tables import Row, table

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=3).map(lambda data: {"$py": repr(data)}),
)
_HASHABLE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text(max_size=2)),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: {"$tuple": items}),
    max_leaves=4,
)


def _as_python_has_it(tree: Any) -> str:
    """No set has both of 1 and True."""
    return repr(tree).replace("True", "1").replace("False", "0")


def _written(value: Any) -> Any:
    """A float that JSON has no word for, as the notation has it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    return value


_VALUES = st.recursive(
    _SCALARS.map(_written),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(lambda items: {"$tuple": items}),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(
            lambda found: {"$dict": [[key, value] for key, value in found.items()]}
        ),
        st.lists(_HASHABLE, max_size=4, unique_by=_as_python_has_it).map(
            lambda items: {"$set": items}
        ),
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("row", table("programs_plain"), ids=lambda row: row["id"])
def test_a_value_against_the_expected_one(row: Row) -> None:
    tolerances = {name: row[name] for name in ("abs_tol", "rel_tol") if name in row}
    tolerance = Tolerance(**tolerances) if tolerances else None
    got, expected = read_value(json.dumps(row["got"]).encode()), from_json(row["expected"])
    types = row.get("types", "exact")
    assert difference(got, expected, tolerance=tolerance, types=types) == row["difference"]


@pytest.mark.parametrize("row", table("programs_plain_bad"), ids=lambda row: row["id"])
def test_what_is_no_plain_data_is_refused(row: Row) -> None:
    data = "".join(text * times for text, times in row["data"])
    read = read_value if row["of"] == "frame" else _read_reference
    with pytest.raises(NotPlain) as refused:
        read(data.encode())
    assert row["why"] in str(refused.value)
    assert len(str(refused.value)) < 400


def _read_reference(data: bytes) -> Tree:
    return from_json(json.loads(data))


def _same(one: Tree, other: Tree) -> bool:
    return not difference(one, other, tolerance=None, types="exact")


@given(_VALUES)
def test_a_value_equals_itself_unless_nothing_does(value: Any) -> None:
    tree = from_json(value)
    assert _same(tree, tree) == (not impossible(tree))
    assert bool(difference(tree, tree, tolerance=Tolerance(rel_tol=0.1), types="loose")) == bool(
        impossible(tree)
    )


@given(_VALUES, _VALUES)
def test_equality_is_symmetric_and_loose_is_no_stricter(one: Any, other: Any) -> None:
    first, second = from_json(one), from_json(other)
    assert _same(first, second) == _same(second, first)
    loose = [difference(*pair, tolerance=None, types="loose") for pair in ((first, second),) * 2]
    assert loose[0] == loose[1]
    if _same(first, second):
        assert not loose[0]


@given(_VALUES)
def test_the_notation_survives_the_way_there_and_back(value: Any) -> None:
    tree = from_json(value)
    again = read_value(json.dumps(to_json(tree)).encode())
    assert to_json(again) == to_json(tree)
    assert _same(tree, again) == (not impossible(tree))


@given(_VALUES, st.integers(0, 10_000))
def test_another_value_somewhere_is_a_difference(value: Any, seed: int) -> None:
    tree = from_json(value)
    wrapped, other = (
        from_json([to_json(tree), {"$tuple": [number, to_json(tree)]}])
        for number in (seed, seed + 1)
    )
    assert not _same(wrapped, other)


@given(
    st.one_of(
        st.binary(),
        st.text().map(str.encode),
        _VALUES.map(lambda value: json.dumps(value).encode()),
    ),
    st.sampled_from([b"", b"}", b"]"]),
)
def test_no_bytes_do_more_than_be_refused(data: bytes, end: bytes) -> None:
    with suppress(NotPlain):
        difference(read_value(data + end), None, tolerance=None, types="exact")


@given(st.one_of(st.integers(), st.floats()), st.one_of(st.integers(), st.floats()))
def test_numbers_are_near_as_fractions_say(got: float, expected: float) -> None:
    tolerance = Tolerance(abs_tol=0.5, rel_tol=1e-3)
    trees = from_json(_written(got)), from_json(_written(expected))
    is_near = not difference(*trees, tolerance=tolerance, types="exact")
    if any(n != n or n in (math.inf, -math.inf) for n in (got, expected)):
        assert is_near == (got == expected)
        return
    allowed = max(Fraction(0.5), Fraction(1e-3) * abs(Fraction(expected)))
    assert is_near == (abs(Fraction(got) - Fraction(expected)) <= allowed)


@given(st.decimals(allow_nan=False), st.decimals(allow_nan=False))
def test_decimals_are_equal_as_decimals_are(one: Decimal, other: Decimal) -> None:
    trees = [from_json({"$decimal": str(value)}) for value in (one, other)]
    assert _same(trees[0], trees[1]) == (one == other)


IMPOSSIBLE = [
    ([1, {"$float": "nan"}], "NaN equals nothing"),
    ({"a": {"$tuple": [{"$decimal": "sNaN"}]}}, "a decimal with NaN equals nothing"),
    ({"$complex": [{"$float": "nan"}, 0]}, "a complex with NaN equals nothing"),
    ({"$dict": [[{"$float": "nan"}, 1]]}, "NaN equals nothing"),
    ({"$set": [1, 1.0]}, "a set that names one value twice"),
    ({"$set": [{"$tuple": [1]}, {"$tuple": [1]}]}, "a set that names one value twice"),
    ({"$dict": [[1, 1], [True, 2]]}, "a dict that names one value twice"),
    ({"$float": "inf"}, ""),
    ({"$set": [1, "1", {"$tuple": [1]}]}, ""),
]


@pytest.mark.parametrize(("expected", "why"), IMPOSSIBLE)
def test_what_no_value_can_equal_is_named(expected: Any, why: str) -> None:
    assert impossible(from_json(expected)) == why


def test_bounds_are_what_they_say() -> None:
    deepest: Any = 1
    for _ in range(65):
        deepest = [deepest]
    assert to_json(from_json(deepest)) == deepest
    with pytest.raises(NotPlain, match="deeper than 64"):
        from_json([deepest])
    with pytest.raises(NotPlain, match="more than 2000000 parts"):
        read_json(b"[" + b"0," * 2_000_000 + b"0]")
    with pytest.raises(NotPlain, match="67108865 bytes, at most 67108864"):
        read_json(b" " * (2**26 + 1))
    with pytest.raises(NotPlain, match="more than 2000000 parts"):
        from_json([[0] * 1_000_001] * 2)


def test_a_long_path_is_cut() -> None:
    value: Any = 1
    for _ in range(60):
        value = {"a long name": value}
    found = difference(
        from_json(value), from_json({"a long name": 1}), tolerance=None, types="exact"
    )
    assert len(found) < 300
    deep = difference(
        from_json(value),
        from_json(json.loads(json.dumps(value).replace("1", "2"))),
        tolerance=None,
        types="exact",
    )
    assert "…: expected 2, got 1" in deep
    assert len(deep) < 200


@pytest.mark.parametrize("step", [2**61 - 1, 2**64, 1])
def test_values_chosen_for_their_hashes_cost_no_more(step: int) -> None:
    # In a set of Python's own, all of the first kind share one hash: minutes instead of a moment.
    values = [n * step for n in range(100_000)]
    other = values[::2] + values[1::2]
    trees = [from_json({"$set": [{"$int": f"{n:x}"} for n in found]}) for found in (values, other)]
    assert _same(trees[0], trees[1])


def test_integers_of_a_million_digits_are_read_and_compared() -> None:
    text = "f" * 1_000_000
    trees = [read_value(json.dumps({"$int": body}).encode()) for body in (text, text, f"1{text}")]
    assert _same(trees[0], trees[1])
    assert not _same(trees[0], trees[2])
    close = Tolerance(rel_tol=1e-3)
    assert not difference(trees[0], trees[1], tolerance=close, types="exact")
    assert difference(trees[0], trees[2], tolerance=close, types="exact")
    with pytest.raises(NotPlain):
        read_value(b"9" * 1_000_000)


def test_half_a_surrogate_pair_is_a_character_of_its_own() -> None:
    halves = read_value('"\ud83d\ude00"'.encode("utf-8", "surrogatepass"))
    assert not _same(halves, from_json("😀"))
    found = difference(halves, from_json("x"), tolerance=None, types="exact")
    assert found.encode() == b"expected 'x', got '\\ud83d\\ude00'"
