from __future__ import annotations

import json

import pytest

from service.strict_json import BadJson, SpoiledItem, loads, loads_batch

REFUSED = [
    (b"{", "not JSON"),
    (b"", "not JSON"),
    (b"\xff", "not UTF-8"),
    (b'{"a":1,"a":2}', "same key twice"),
    (b'{"x":{"a":1,"b":2,"a":1}}', "same key twice"),
    (b"[NaN]", "NaN"),
    (b"[Infinity]", "NaN and Infinity"),
    (b"[-Infinity]", "NaN and Infinity"),
    (b"[1e999]", "too large"),
    (b"[-1e999]", "too large"),
    (b"[9223372036854775808]", "64 bits"),
    (b"[-9223372036854775809]", "64 bits"),
    (b"[" + b"9" * 100_000 + b"]", "64 bits"),
    (b'["\\ud800"]', "surrogate"),
    (b'["\\uDC00 x"]', "surrogate"),
    (b'{"\\ud83d":1}', "surrogate"),
    (b'{"x":["ok",{"y":"\\ud83d\\ud83d"}]}', "surrogate"),
    (b"[" * 5 + b"]" * 5, "deeper than 4"),
    (b'{"a":' * 5 + b"1" + b"}" * 5, "deeper than 4"),
    (b"[" * 100_000, "deeper than 4"),
    (b"[" * 900 + b"]" * 900, "deeper than 4"),
    (b"\xef\xbb\xbf[]", "not JSON"),
    (b"[]x", "not JSON"),
]


@pytest.mark.parametrize(("body", "why"), REFUSED, ids=range(len(REFUSED)))
def test_refused_with_the_reason_and_without_the_input(body: bytes, why: str) -> None:
    with pytest.raises(BadJson, match=why) as refusal:
        loads(body, nesting=4)
    assert len(str(refusal.value)) < 120


CROWDED = [
    b"[" + b"0," * 2**22 + b"0]",
    b"[" + b"[]," * 2**21 + b"0]",
    b'{"items":[' + b'{"a":1},' * 1_400_000 + b'{"a":",,,"},0,0,0]}',
    b"[" + b'"",' * 2**22 + b'""]',
    b"[" + b'"\\\\\\\\","\\"",' * 2**21 + b"0]",
    b'"' * 2**24 + b"," * 2**23,
]
EVEN_SO = [
    b'["' + b"0,[{:" * 2**20 + b'"]',
    b'["\\\\","' + b'\\",[{:' * 2**20 + b'\\\\","\\\\"]',
    b"[" + b'"a, b",' * (2**20) + b"0]",
]


@pytest.mark.parametrize("body", CROWDED, ids=range(len(CROWDED)))
def test_a_body_of_nothing_but_values_is_not_read(body: bytes) -> None:
    with pytest.raises(BadJson, match="over 4194304 values: send it as several requests"):
        loads(body, nesting=4)


@pytest.mark.parametrize("body", EVEN_SO, ids=range(len(EVEN_SO)))
def test_what_stands_in_a_text_is_no_value(body: bytes) -> None:
    assert loads(body, nesting=4) == json.loads(body)


def test_a_full_batch_of_many_values_is_read() -> None:
    item = {"id": "1", "completion": "a", "reference": {"answer": "1", "all": [*range(100)]}}
    body = json.dumps({"items": [item] * 16_384}).encode()
    assert len(loads_batch(body, nesting=6)["items"]) == 16_384


ACCEPTED = [
    (b"[[[[]]]]", [[[[]]]]),
    (b'{"a":{"b":{"c":{}}}}', {"a": {"b": {"c": {}}}}),
    (b'["\\ud83d\\ude00"]', ["\N{GRINNING FACE}"]),
    ('["é-汉"]'.encode(), ["é-汉"]),
    (b"[9223372036854775807, -9223372036854775808]", [2**63 - 1, -(2**63)]),
    (b"[1e308, 0.1, true, null]", [1e308, 0.1, True, None]),
    (b'["\\\\ud800"]', ["\\ud800"]),
]


@pytest.mark.parametrize(("body", "value"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_accepted_as_it_is(body: bytes, value: object) -> None:
    assert loads(body, nesting=4) == value


SPOILED: list[tuple[bytes, str | None, str]] = [
    (b'{"id":"x","n":9223372036854775808}', "x", "64 bits"),
    (b'{"id":"x","n":[' + b"9" * 5000 + b"]}", "x", "64 bits"),
    (b'{"id":"x","n":NaN}', "x", "NaN"),
    (b'{"id":"x","n":{"m":-Infinity}}', "x", "NaN"),
    (b'{"id":"x","n":1e999}', "x", "too large"),
    (b'{"id":"x","n":{"a":1,"a":1}}', "x", "same key twice"),
    (b'{"id":"x","id":"x"}', None, "same key twice"),
    (b'{"id":"x","n":"\\ud800"}', "x", "surrogate"),
    (b'{"id":"\\ud800"}', None, "surrogate"),
    (b'{"id":"x","\\ud800":1}', "x", "surrogate"),
    (b'{"id":"x","n":' + b"[" * 4 + b"]" * 4 + b"}", "x", "deeper than 6"),
    (b'{"id":"x","n":' + b"[" * 900 + b"]" * 900 + b"}", "x", "deeper than 6"),
    (b'{"id":NaN}', None, "NaN"),
    (b'"\\ud800"', None, "surrogate"),
    (b"NaN", None, "NaN"),
]


@pytest.mark.parametrize(("item", "item_id", "why"), SPOILED, ids=range(len(SPOILED)))
def test_a_fault_within_an_item_spoils_that_item_alone(
    item: bytes, item_id: str | None, why: str
) -> None:
    good = b'{"id":"good","n":[[["\\ud83d\\ude00"]]]}'
    read = loads_batch(b'{"graders":[],"items":[%b,%b,%b]}' % (good, item, good), nesting=6)
    first, spoiled, last = read["items"]
    assert first == last == {"id": "good", "n": [[["\N{GRINNING FACE}"]]]}
    assert isinstance(spoiled, SpoiledItem)
    assert spoiled.item_id == item_id
    assert why in spoiled.message


BEYOND_ITEMS = [
    (b'{"items":[{"n":NaN}],"graders":[NaN]}', "NaN"),
    (b'{"items":[],"references":{"a":{"b":1,"b":2}}}', "same key twice"),
    (b'{"items":[{"n":NaN}],"items":[]}', "same key twice"),
    (b'{"items":{"n":NaN}}', "NaN"),
    (b'{"items":[],"x":[[[[[[]]]]]]}', "deeper than 6"),
    (b'{"items":[],"x\\ud800":1}', "surrogate"),
    (b'[{"n":NaN}]', "NaN"),
    (b"NaN", "NaN"),
    (b'"\\ud800"', "surrogate"),
    (b'{"items":[{"n":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}", "deeper than 6"),
]


@pytest.mark.parametrize(("body", "why"), BEYOND_ITEMS, ids=range(len(BEYOND_ITEMS)))
def test_a_fault_beyond_the_items_spoils_the_batch(body: bytes, why: str) -> None:
    with pytest.raises(BadJson, match=why):
        loads_batch(body, nesting=6)


def test_a_batch_without_a_fault_is_read_as_any_json() -> None:
    body = b'{"items":[{"a":[[[1]]]},7,null,"x"],"graders":[]}'
    assert loads_batch(body, nesting=6) == loads(body, nesting=6)
