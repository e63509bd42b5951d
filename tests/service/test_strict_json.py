from __future__ import annotations

import pytest

from service.strict_json import BadJson, loads

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
