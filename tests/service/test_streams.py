from __future__ import annotations

from collections import Counter

import orjson
import pytest

from graders.contract import GraderCall, Item
from service.streams import Chunk, Reply, load_cargo


def _as_read(fields: dict[bytes, bytes | int]) -> dict[bytes, bytes]:
    return {key: b"%d" % v if isinstance(v, int) else v for key, v in fields.items()}


TESTS = {"tests": {"mode": "stdio"}}
PAYLOAD = orjson.dumps(
    {
        "references": {"r1": TESTS, "r2": {"answer": "2"}},
        "parcels": [
            {
                "graders": [{"name": "math"}],
                "items": [{"completion": "a"}, {"completion": "b", "reference": "r1"}],
            },
            {
                "graders": [{"name": "exact"}],
                "items": [{"id": "é", "completion": "c", "reference": "r1"}],
            },
        ],
    }
)
CHUNK = Chunk(b"7", b"reply", 123, 3, PAYLOAD)


def test_a_chunk_survives_the_journey() -> None:
    assert Chunk.from_fields(_as_read(CHUNK.fields())) == CHUNK


def test_a_reply_survives_the_journey() -> None:
    reply = Reply(
        b"7", 1, [b'{"a":1}', b"{}"], [1.0, None], "pf", Counter({("math", "graded", "x"): 2})
    )
    assert Reply.from_fields(_as_read(reply.fields())) == reply


def test_a_split_chunk_keeps_places_graders_and_deaths() -> None:
    singles = CHUNK.split(deaths=1)
    assert [(s.items, s.offset, s.deaths) for s in singles] == [(1, 0, 1), (1, 1, 1), (1, 2, 1)]
    parcels = [load_cargo(single.payload).parcels for single in singles]
    assert [p[0].items for p in parcels] == [
        [Item(completion="a")],
        [Item(completion="b", reference="r1")],
        [Item(id="é", completion="c", reference="r1")],
    ]
    assert [p[0].graders for p in parcels] == [
        [GraderCall(name="math")], [GraderCall(name="math")], [GraderCall(name="exact")],
    ]  # fmt: skip
    again = singles[2]._replace(deaths=2)
    assert again.split(deaths=1)[0].deaths == 3


def test_a_split_chunk_carries_the_references_that_its_item_names() -> None:
    carried = [load_cargo(single.payload).references for single in CHUNK.split(deaths=1)]
    assert carried == [{}, {"r1": TESTS}, {"r1": TESTS}]


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b'[{"parcel": 1}]', "object"),
        (b'{"references":{},"parcels":[{"parcel":1}]}', "parcel"),
        (
            b'{"references":{},"parcels":[{"graders":[],"items":'
            b'[{"completion":"a","reference":"r"}]}]}',
            "not there",
        ),
    ],
)
def test_a_payload_of_another_version_is_refused(payload: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        load_cargo(payload)
