"""The audit of one process: takes whatever is offered, and writes it in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sqlite3
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from service.audit.folder import Slot, take_slot
from service.audit.store import FileLimits, Store, is_spoilt
from service.audit.transcripts import Choice, Offer, Transcript, transcripts_of
from service.settings import Settings

__all__ = ["AuditTrail", "audit_trail", "audited"]

_LOG: Final = logging.getLogger(__name__)
_MIB: Final = 2**20
# What waits to be written is held in memory; more than this is lost, and counted.
_WAITING_BYTES: Final = 32 * _MIB
_WAITING_OFFERS: Final = 10_000
_ROWS_AT_ONCE: Final = 512
_BYTES_AT_ONCE: Final = 4 * _MIB
_RETRY_S: Final = 1.0
_SAY_EVERY_S: Final = 60.0
_CLOSING_S: Final = 5.0


class AuditTrail:
    """Never makes anybody wait, and never fails: what cannot be written is lost, counted and said.

    A folder that was full, broken or read-only is tried again.
    """

    def __init__(self, folder: Path, *, choice: Choice, limits: FileLimits) -> None:
        self._folder = folder
        self._choice = choice
        self._limits = limits
        self._worker = f"{socket.gethostname()}-{os.getpid()}"
        self._changed = threading.Condition()
        self._waiting: deque[Offer] = deque()
        self._waiting_bytes = 0
        self._closing = False
        self._said_at = -_SAY_EVERY_S
        self._unsaid = 0
        self._lost_untold = 0
        self.written = 0
        """Rows written so far."""
        self.lost = 0
        """Verdicts that were not written and should have been considered, so far."""
        self._slot: Slot | None = None
        self._store: Store | None = None
        self._anew = False
        self._thread = threading.Thread(target=self._write, name="audit", daemon=True)
        self._thread.start()

    def offer(self, offer: Offer) -> None:
        """Have it written soon, or lose it if too much is waiting already."""
        with self._changed:
            room = self._waiting_bytes + offer.size_bytes <= _WAITING_BYTES
            fits = not self._waiting or (room and len(self._waiting) < _WAITING_OFFERS)
            if fits and not self._closing and self._thread.is_alive():
                self._waiting.append(offer)
                self._waiting_bytes += offer.size_bytes
                self._changed.notify()
                return
        alive = self._thread.is_alive()
        why = f"{self._folder} is too slow" if alive else "what writes them has ended"
        self._lose(len(offer.verdicts), why)

    def take_lost(self) -> int:
        """How many verdicts were lost since this was last asked."""
        with self._changed:
            lost, self._lost_untold = self._lost_untold, 0
        return lost

    def close(self) -> None:
        """Write what is waiting, for a few seconds at most."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_CLOSING_S)

    def _write(self) -> None:
        try:
            while offers := self._taken():
                try:
                    self._write_all(offers)
                except (OSError, sqlite3.Error, ValueError) as error:
                    # A file that is no database any more is left as it is, and another begun.
                    self._anew = is_spoilt(error)
                    self._shut()
                    self._lose(sum(len(offer.verdicts) for offer in offers), _why(error))
                    self._pause()
        finally:
            self._shut()

    def _taken(self) -> list[Offer]:
        """Some of what waits; nothing once there is no more to come."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            taken: list[Offer] = []
            rows, room = _ROWS_AT_ONCE, min(_BYTES_AT_ONCE, self._limits.file_bytes)
            while self._waiting and rows > 0 and room > 0:
                offer = self._waiting.popleft()
                self._waiting_bytes -= offer.size_bytes
                rows, room = rows - len(offer.verdicts), room - offer.size_bytes
                taken.append(offer)
            return taken

    def _write_all(self, offers: list[Offer]) -> None:
        rows = [row for offer in offers for row in self._rows(offer)]
        if not rows:
            return
        if self._slot is None:
            self._slot = take_slot(self._folder)
        if self._store is None:
            self._store = Store(self._slot, self._limits, anew=self._anew)
        self._store.add(rows)
        self.written += len(rows)

    def _rows(self, offer: Offer) -> list[Transcript]:
        try:
            return list(transcripts_of(offer, self._choice, worker=self._worker))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self._lose(len(offer.verdicts), f"they cannot be read ({type(error).__name__})")
            return []

    def _shut(self) -> None:
        if self._store is not None:
            with suppress(OSError, sqlite3.Error):
                self._store.close()
            self._store = None
        if self._slot is not None:
            self._slot.release()
            self._slot = None

    def _pause(self) -> None:
        """Leave a folder that cannot be written to alone for a moment, unless the end has come."""
        with self._changed:
            if not self._closing:
                self._changed.wait_for(lambda: self._closing, _RETRY_S)

    def _lose(self, verdicts: int, why: str) -> None:
        with self._changed:
            self.lost += verdicts
            self._lost_untold += verdicts
            self._unsaid += verdicts
            now = time.monotonic()
            if now - self._said_at < _SAY_EVERY_S:
                return
            self._said_at, unsaid, self._unsaid = now, self._unsaid, 0
        _LOG.warning(
            "the audit has lost %d verdicts: %s; they are answered all the same."
            " Look at TOUCHSTONE_AUDIT_DIR=%s, or set TOUCHSTONE_AUDIT=off",
            unsaid, why, self._folder,
        )  # fmt: skip


@asynccontextmanager
async def audited(settings: Settings) -> AsyncIterator[AuditTrail | None]:
    """The audit that the settings ask for; at the end, what is waiting is written."""
    trail = audit_trail(settings)
    try:
        yield trail
    finally:
        if trail is not None:
            await asyncio.to_thread(trail.close)


def _why(error: Exception) -> str:
    # What a text cannot be written for repeats it.
    said = "" if isinstance(error, ValueError) else f": {error}"
    return f"{type(error).__name__}{said}"


def audit_trail(settings: Settings) -> AuditTrail | None:
    """The audit that the settings ask for, if they do."""
    if settings.audit == "off" or settings.audit_dir is None:
        return None
    return AuditTrail(
        settings.audit_dir,
        choice=Choice(settings.audit, settings.audit_share, settings.text_chars),
        limits=FileLimits(settings.audit_file_bytes, settings.audit_bytes),
    )
