"""What the audit writes of an item: what was asked, what was said, and what it earned."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Self, TypeAlias

import orjson
from pydantic_core import to_json

from graders.contract import GraderCall, Item, graded_text
from service import __version__
from service.items import Answer, Ticket
from service.jobs.routes import NOWHERE, Routes
from service.packing import payload_of
from service.queues import Queue
from service.streams import Cargo, Chunk, Parcel, Reply, load_cargo

__all__ = ["AuditMode", "Choice", "Offer", "Transcript", "transcripts_of"]

AuditMode: TypeAlias = Literal["off", "sampled", "all"]

_SPAN: Final = 2**64
# As pydantic writes a list that is not empty; inside a string its quotes would be escaped.
_FLAGGED: Final = b'"flags":["'


class Choice(NamedTuple):
    """Which verdicts are written beside the flagged ones: all, or the share that a hash picks."""

    mode: AuditMode
    share: float
    text_chars: int | None = None
    """What is written of a text: no grader looks at one that is longer."""

    def takes(self, text: str) -> bool:
        """Whether what this text earns is written; the same text is chosen on every machine."""
        if self.mode == "all":
            return True
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest) < self.share * _SPAN


class Offer(NamedTuple):
    """Graded items as they are at hand where they were graded: nothing is worked out yet."""

    at_ms: int
    tenant: str
    requests: Sequence[str]
    cargo: Cargo | bytes
    verdicts: Sequence[bytes]
    size_bytes: int
    routes: Routes = NOWHERE
    twins: bytes = b""

    @classmethod
    def of_chunk(cls, queue: Queue, chunk: Chunk, cargo: Cargo | bytes, reply: Reply) -> Self:
        """What a worker has graded."""
        return cls(
            _now_ms(),
            queue.tenant,
            [origin.request_id for origin in chunk.origins],
            cargo,
            reply.verdicts,
            len(chunk.payload) + len(chunk.twins) + sum(map(len, reply.verdicts)),
            chunk.routes,
            chunk.twins,
        )

    @classmethod
    def of_twin(cls, twin: Ticket, answer: Answer) -> Self:
        """What the API answers by the verdict on an equal item."""
        payload = payload_of([twin])
        kept_at = twin.kept_at
        origin = twin.errand.origin
        return cls(
            _now_ms(),
            twin.errand.tenant,
            [] if origin is None else [origin.request_id],
            payload,
            [answer.verdict],
            len(payload) + len(answer.verdict),
            NOWHERE if kept_at is None else Routes([kept_at.job], [(0, [kept_at.place])]),
        )


class Transcript(NamedTuple):
    """A row; prompt, reference and graders are JSON, which many rows share, the flags are, too."""

    at_ms: int
    tenant: str
    requests: str
    job: str | None
    item: str | None
    item_group: str | None
    prompt: bytes | None
    completion: str | None
    reference: bytes | None
    graders: bytes
    verdict: str
    flags: str
    worker: str
    version: str


def transcripts_of(offer: Offer, choice: Choice, *, worker: str) -> Iterator[Transcript]:
    """The rows that are written of an offer; of a reference that is validated there is none.

    Raises ValueError where the offer is not in this version's format.
    """
    cargo = load_cargo(offer.cargo) if isinstance(offer.cargo, bytes) else offer.cargo
    shared = {name: to_json(content) for name, content in cargo.references.items()}
    requests = orjson.dumps(offer.requests).decode()
    twins = _twins(offer.twins)
    calls = {id(parcel): _calls(parcel.graders) for parcel in cargo.parcels}
    for position, (parcel, item) in enumerate(_items(cargo)):
        verdict = offer.verdicts[position]
        flags = _flags(verdict)
        for one in (item, *twins[position]):
            text = graded_text(one)
            if parcel.task != "grade" or not (flags or choice.takes(text or "")):
                continue
            yield Transcript(
                at_ms=offer.at_ms,
                tenant=offer.tenant,
                requests=requests,
                job=offer.routes.job_at(position),
                item=one.id,
                item_group=one.group,
                prompt=None if one.prompt is None else to_json(one.prompt),
                completion=text if text is None else text[: choice.text_chars],
                reference=_reference(one, shared),
                graders=calls[id(parcel)] if one.graders is None else _calls(one.graders),
                verdict=verdict.decode(),
                flags=orjson.dumps(flags).decode(),
                worker=worker,
                version=__version__,
            )


def _now_ms() -> int:
    return int(time.time() * 1000)


def _items(cargo: Cargo) -> Iterator[tuple[Parcel, Item]]:
    return ((parcel, item) for parcel in cargo.parcels for item in parcel.items)


def _twins(field: bytes) -> Mapping[int, Sequence[Item]]:
    """By position, the items of jobs that were not sent because the chunk holds their equal."""
    found: defaultdict[int, list[Item]] = defaultdict(list)
    for position, item in orjson.loads(field or b"[]"):
        found[position].append(Item.model_validate(item))
    return found


def _flags(verdict: bytes) -> list[str]:
    if _FLAGGED not in verdict:
        return []
    grades = orjson.loads(verdict)["grades"]
    return sorted({flag for grade in grades for flag in grade["flags"]})


def _reference(item: Item, shared: Mapping[str, bytes]) -> bytes | None:
    if isinstance(item.reference, str):
        return shared.get(item.reference)
    return to_json(item.reference) if item.reference else None


def _calls(calls: Sequence[GraderCall]) -> bytes:
    return to_json([call.model_dump(exclude_defaults=True) for call in calls])
