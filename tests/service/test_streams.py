from __future__ import annotations

from collections import Counter

import orjson
import pytest

from graders.contract import GraderCall, Item
from service.streams import Chunk, Reply, load_parcels


def _as_read(fields: dict[bytes, bytes | int]) -> dict[bytes, bytes]:
    return {key: b"%d" % v if isinstance(v, int) else v for key, v in fields.items()}


PAYLOAD = orjson.dumps(
    [
        {"graders": [{"name": "math"}], "items": [{"completion": "a"}, {"completion": "b"}]},
        {"graders": [{"name": "exact"}], "items": [{"id": "é", "completion": "c"}]},
    ]
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
    parcels = [load_parcels(single.payload) for single in singles]
    assert [p[0].items for p in parcels] == [
        [Item(completion="a")], [Item(completion="b")], [Item(id="é", completion="c")],
    ]  # fmt: skip
    assert [p[0].graders for p in parcels] == [
        [GraderCall(name="math")], [GraderCall(name="math")], [GraderCall(name="exact")],
    ]  # fmt: skip
    again = singles[2]._replace(deaths=2)
    assert again.split(deaths=1)[0].deaths == 3


def test_a_payload_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="parcel"):
        load_parcels(b'[{"parcel": 1}]')
