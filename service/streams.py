"""What travels over Redis: the names of its keys, chunks of work out, replies back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal, NamedTuple, Self, TypeAlias, get_args

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

from graders.contract import GraderCall, Item, Lane
from service.jobs.routes import NOWHERE, Routes
from service.measured import Measured
from service.queues import PREFIX

__all__ = [
    "GROUP",
    "LANES",
    "Cargo",
    "Chunk",
    "Mark",
    "Origin",
    "Parcel",
    "Reply",
    "Tally",
    "Task",
    "load_cargo",
    "presence_key",
    "replaced_key",
    "reply_key",
    "sandbox_key",
    "sandboxes_key",
    "workers_key",
]

GROUP: Final = "workers"
LANES: Final[tuple[Lane, ...]] = get_args(Lane)

Mark: TypeAlias = str
"""How one item ended, in a letter: p(assed in full), g(raded), u(ngradable), f(ailed)."""

Task: TypeAlias = Literal["grade", "validate"]
"""What a worker does with an item: grade its completion, or its reference against itself."""


def reply_key(api_id: str) -> str:
    """The stream on which one API process hears of its chunks."""
    return f"{PREFIX}:reply:{api_id}"


def workers_key(lane: Lane) -> str:
    """The set of the names of a lane's workers."""
    return f"{PREFIX}:workers:{lane}"


def presence_key(worker: str) -> str:
    """A key that lives as long as the worker shows signs of life."""
    return f"{PREFIX}:worker:{worker}"


def replaced_key(chunk: Chunk) -> str:
    """A key that says that a worker has put other chunks in this one's place."""
    return f"{PREFIX}:replaced:{chunk.reply_to.decode()}:{chunk.chunk_id.decode()}"


def sandboxes_key() -> str:
    """The set of the names of the workers that were asked to serve lane `code`."""
    return f"{PREFIX}:sandboxes"


def sandbox_key(worker: str) -> str:
    """What such a worker says of its sandbox, for as long as it shows signs of life."""
    return f"{PREFIX}:sandbox:{worker}"


class Parcel(BaseModel):
    """Items that share the graders their request asked for, and what is done with them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    graders: list[GraderCall]
    items: list[Item]
    task: Task = "grade"


class Cargo(BaseModel):
    """What a chunk carries: items, and once each the references that they share.

    Items name those by their keys.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    references: dict[str, dict[str, JsonValue]]
    parcels: list[Parcel]

    @model_validator(mode="after")
    def _holds_what_its_items_name(self) -> Self:
        for parcel in self.parcels:
            for item in parcel.items:
                if isinstance(item.reference, str) and item.reference not in self.references:
                    raise ValueError("an item names a reference that is not there")
        return self

    def singles(self) -> Iterator[Cargo]:
        """Each item by itself, with the reference it names."""
        for parcel in self.parcels:
            for item in parcel.items:
                named = item.reference if isinstance(item.reference, str) else None
                yield Cargo(
                    references={k: v for k, v in self.references.items() if k == named},
                    parcels=[parcel.model_copy(update={"items": [item]})],
                )


def load_cargo(payload: bytes) -> Cargo:
    """The cargo of a chunk's payload."""
    return Cargo.model_validate_json(payload)


class Origin(NamedTuple):
    """The request that an item came with, and the trace that it is part of."""

    request_id: str
    traceparent: str | None = None


class Chunk(NamedTuple):
    """Some items of one lane on their way to a worker.

    `offset` is the place of its first item in the chunk the API knows, which differs from 0 once
    a worker has split that chunk; `deaths` counts the workers lost over it before that. Where
    nobody awaits the verdicts they go to their jobs, and the reply only says how they are counted.
    `twins` is for the audit: a JSON list of [position, item] for what a job has of equal items.
    """

    chunk_id: bytes
    reply_to: bytes
    deadline_ms: int
    items: int
    payload: bytes
    offset: int = 0
    deaths: int = 0
    routes: Routes = NOWHERE
    origins: Sequence[Origin] = ()
    awaited: bool = True
    twins: bytes = b""

    def fields(self) -> dict[bytes, bytes | int]:
        """The chunk as the fields of a stream entry."""
        return {
            b"c": self.chunk_id,
            b"r": self.reply_to,
            b"d": self.deadline_ms,
            b"n": self.items,
            b"o": self.offset,
            b"a": self.deaths,
            b"k": self.routes.encoded(),
            b"q": orjson.dumps([[*origin] for origin in self.origins]),
            b"w": int(self.awaited),
            b"t": self.twins,
            b"p": self.payload,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[bytes, bytes]) -> Chunk:
        """The chunk of a stream entry; ValueError, KeyError or TypeError where it is none."""
        return cls(
            chunk_id=fields[b"c"],
            reply_to=fields[b"r"],
            deadline_ms=int(fields[b"d"]),
            items=int(fields[b"n"]),
            payload=fields[b"p"],
            offset=int(fields[b"o"]),
            deaths=int(fields[b"a"]),
            # What an API of the version before does not send.
            routes=Routes.decoded(fields.get(b"k", b"")),
            origins=tuple(Origin(*origin[:2]) for origin in orjson.loads(fields.get(b"q", b"[]"))),
            awaited=fields.get(b"w") != b"0",
            twins=fields.get(b"t", b""),
        )

    @classmethod
    def salvaged(cls, fields: Mapping[bytes, bytes]) -> Chunk | None:
        """So much of an illegible entry as it takes to answer it, if that is legible."""
        try:
            chunk = cls(fields[b"c"], fields[b"r"], 0, int(fields[b"n"]), b"", int(fields[b"o"]))
        except (ValueError, KeyError):
            return None
        with suppress(ValueError, TypeError):
            routes = Routes.decoded(fields.get(b"k", b""))
            return chunk._replace(payload=fields.get(b"p", b""), routes=routes)
        return chunk

    def split(self, *, deaths: int) -> list[Chunk]:
        """One chunk per item, so that an item that brings down its worker does so alone."""
        return [
            self._replace(
                items=1,
                payload=single.model_dump_json(exclude_unset=True).encode(),
                offset=self.offset + place,
                deaths=self.deaths + deaths,
                routes=self.routes.only(place),
                twins=_only(self.twins, place),
            )
            for place, single in enumerate(load_cargo(self.payload).singles())
        ]


def _only(twins: bytes, position: int) -> bytes:
    """Those of the item at this position, for a chunk that holds nothing else."""
    if not twins:
        return b""
    return orjson.dumps([[0, item] for place, item in orjson.loads(twins) if place == position])


Tally: TypeAlias = Counter[tuple[str, str, str]]
"""How often each (grader, outcome, reason) occurred."""


class Reply(NamedTuple):
    """The verdicts on consecutive items of a chunk, each as one line of JSON.

    There are none where they went to their jobs and nobody awaits the reply. Where nobody knows
    what was measured, that is None.
    """

    chunk_id: bytes
    offset: int
    verdicts: Sequence[bytes]
    rewards: Sequence[float | None]
    marks: str
    tally: Tally
    measured: Measured | None = None

    def fields(self) -> dict[bytes, bytes | int]:
        """The reply as the fields of a stream entry."""
        tally = [[*key, count] for key, count in self.tally.items()]
        return {
            b"c": self.chunk_id,
            b"o": self.offset,
            b"v": b"\n".join(self.verdicts),
            b"s": orjson.dumps([self.rewards, self.marks, tally]),
            b"m": b"" if self.measured is None else self.measured.encoded(),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[bytes, bytes]) -> Reply:
        """The reply of a stream entry; ValueError, KeyError or TypeError where it is none."""
        rewards, marks, tally, *_ = orjson.loads(fields[b"s"])
        return cls(
            chunk_id=fields[b"c"],
            offset=int(fields[b"o"]),
            verdicts=fields[b"v"].split(b"\n") if fields[b"v"] else [],
            rewards=rewards,
            marks=marks,
            tally=Counter({(grader, outcome, reason): n for grader, outcome, reason, n in tally}),
            measured=Measured.decoded(fields.get(b"m", b"")),
        )

    def without_verdicts(self, tally: Tally) -> Reply:
        """No more than how the verdicts are counted."""
        return self._replace(verdicts=[], rewards=[], marks="", tally=tally)
