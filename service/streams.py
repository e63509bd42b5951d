"""What travels over Redis: the names of its keys, chunks of work out, replies back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Self, TypeAlias, get_args

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

from graders.contract import GraderCall, Item, Lane

__all__ = [
    "GROUP",
    "LANES",
    "Cargo",
    "Chunk",
    "Mark",
    "Parcel",
    "Reply",
    "Tally",
    "Task",
    "jobs_key",
    "load_cargo",
    "presence_key",
    "reply_key",
    "sandbox_key",
    "sandboxes_key",
    "workers_key",
]

GROUP: Final = "workers"
LANES: Final[tuple[Lane, ...]] = get_args(Lane)
# One hash tag, so that on a Redis Cluster all keys share a slot and transactions hold.
_PREFIX: Final = "{touchstone}"

Mark: TypeAlias = str
"""How one item ended, in a letter: p(assed in full), g(raded), u(ngradable), f(ailed)."""

Task: TypeAlias = Literal["grade", "validate"]
"""What a worker does with an item: grade its completion, or its reference against itself."""


def jobs_key(lane: Lane) -> str:
    """The stream of a lane's chunks."""
    return f"{_PREFIX}:jobs:{lane}"


def reply_key(api_id: str) -> str:
    """The stream on which one API process hears of its chunks."""
    return f"{_PREFIX}:reply:{api_id}"


def workers_key(lane: Lane) -> str:
    """The set of the names of a lane's workers."""
    return f"{_PREFIX}:workers:{lane}"


def presence_key(worker: str) -> str:
    """A key that lives as long as the worker shows signs of life."""
    return f"{_PREFIX}:worker:{worker}"


def sandboxes_key() -> str:
    """The set of the names of the workers that were asked to serve lane `code`."""
    return f"{_PREFIX}:sandboxes"


def sandbox_key(worker: str) -> str:
    """What such a worker says of its sandbox, for as long as it shows signs of life."""
    return f"{_PREFIX}:sandbox:{worker}"


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


class Chunk(NamedTuple):
    """Some items of one lane on their way to a worker.

    `offset` is the place of its first item in the chunk the API knows, which differs from 0 once
    a worker has split that chunk; `deaths` counts the workers lost over it before that.
    """

    chunk_id: bytes
    reply_to: bytes
    deadline_ms: int
    items: int
    payload: bytes
    offset: int = 0
    deaths: int = 0

    def fields(self) -> dict[bytes, bytes | int]:
        """The chunk as the fields of a stream entry."""
        return {
            b"c": self.chunk_id,
            b"r": self.reply_to,
            b"d": self.deadline_ms,
            b"n": self.items,
            b"o": self.offset,
            b"a": self.deaths,
            b"p": self.payload,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[bytes, bytes]) -> Chunk:
        """The chunk of a stream entry."""
        return cls(
            chunk_id=fields[b"c"],
            reply_to=fields[b"r"],
            deadline_ms=int(fields[b"d"]),
            items=int(fields[b"n"]),
            payload=fields[b"p"],
            offset=int(fields[b"o"]),
            deaths=int(fields[b"a"]),
        )

    def split(self, *, deaths: int) -> list[Chunk]:
        """One chunk per item, so that an item that brings down its worker does so alone."""
        return [
            self._replace(
                items=1,
                payload=single.model_dump_json(exclude_unset=True).encode(),
                offset=self.offset + place,
                deaths=self.deaths + deaths,
            )
            for place, single in enumerate(load_cargo(self.payload).singles())
        ]


Tally: TypeAlias = Counter[tuple[str, str, str]]
"""How often each (grader, outcome, reason) occurred."""


class Reply(NamedTuple):
    """The verdicts on consecutive items of a chunk, each as one line of JSON."""

    chunk_id: bytes
    offset: int
    verdicts: Sequence[bytes]
    rewards: Sequence[float | None]
    marks: str
    tally: Tally

    def fields(self) -> dict[bytes, bytes | int]:
        """The reply as the fields of a stream entry."""
        tally = [[*key, count] for key, count in self.tally.items()]
        return {
            b"c": self.chunk_id,
            b"o": self.offset,
            b"v": b"\n".join(self.verdicts),
            b"s": orjson.dumps([self.rewards, self.marks, tally]),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[bytes, bytes]) -> Reply:
        """The reply of a stream entry."""
        rewards, marks, tally = orjson.loads(fields[b"s"])
        return cls(
            chunk_id=fields[b"c"],
            offset=int(fields[b"o"]),
            verdicts=fields[b"v"].split(b"\n"),
            rewards=rewards,
            marks=marks,
            tally=Counter({(grader, outcome, reason): n for grader, outcome, reason, n in tally}),
        )
