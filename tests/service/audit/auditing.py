"""An audit to write to, and what is in its folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from graders.contract import GraderCall, Item
from service.audit.reading import Found, Query, read
from service.audit.store import FileLimits
from service.audit.trail import AuditTrail
from service.audit.transcripts import AuditMode, Choice, Offer
from service.grading import GradingLimits, grade_cargo
from service.streams import Cargo, Parcel

MIB = 2**20


def trail(
    folder: Path,
    *,
    mode: AuditMode = "all",
    share: float = 1.0,
    file_bytes: int = MIB,
    slot_bytes: int = 4 * MIB,
) -> AuditTrail:
    return AuditTrail(folder, choice=Choice(mode, share), limits=FileLimits(file_bytes, slot_bytes))


def offer(
    *completions: str, at_ms: int | None = None, tenant: str = "ann", flags: Sequence[str] = ()
) -> Offer:
    """Completions graded by `exact`, under the flags if some are given."""
    items = [
        Item(id=text[:9], completion=text, prompt="say it", reference={"answer": completions[0]})
        for text in completions
    ]
    cargo = Cargo(references={}, parcels=[Parcel(graders=[GraderCall(name="exact")], items=items)])
    graded = grade_cargo(cargo, limits=GradingLimits(text_chars=MIB), halted=lambda _: None)
    verdicts = [_flagged(verdict, flags) for verdict in graded.verdicts]
    at_ms = int(time.time() * 1000) if at_ms is None else at_ms
    return Offer(at_ms, tenant, ["r-1"], cargo, verdicts, sum(map(len, completions)))


def _flagged(verdict: bytes, flags: Sequence[str]) -> bytes:
    read: dict[str, Any] = orjson.loads(verdict)
    read["grades"][0]["flags"] = [*flags]
    return orjson.dumps(read)


def rows(folder: Path, query: Query | None = None) -> list[Found]:
    """What is in the folder, all of it legible."""
    complaints: list[str] = []
    found = list(read(folder, query or Query(), complaints.append))
    assert complaints == []
    return found


def texts(folder: Path, query: Query | None = None) -> list[str | None]:
    return [found.completion for found in rows(folder, query)]


def write(folder: Path, *offers: Offer, mode: AuditMode = "all", share: float = 1.0) -> None:
    """Have the offers written by one process that ends well."""
    writing = trail(folder, mode=mode, share=share)
    for one in offers:
        writing.offer(one)
    writing.close()
    assert writing.lost == 0
