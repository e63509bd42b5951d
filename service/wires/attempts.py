"""How often a caller has asked for the same in vain: what its last try is."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = ["Attempt", "Attempts"]

_MOST_KEPT: Final = 65_536
# The longest that a caller goes on with one sample: five tries of three minutes.
_KEPT_S: Final = 1_200.0


class _Tries(NamedTuple):
    """How many were made in vain, and when the last was."""

    made: int
    at_s: float


@dataclass(slots=True)
class Attempt:
    """One try: its number, the first being 1, and whether it ends in vain, as it does unsaid."""

    number: int
    in_vain: bool = True


class Attempts:
    """Requests of one API process that were not scored, by their address and body.

    Samples of a group may be equal: those that are asked for at once are one try of each.
    """

    def __init__(self) -> None:
        self._tries: OrderedDict[bytes, _Tries] = OrderedDict()

    @contextmanager
    def asked(self, address: str, body: bytes) -> Iterator[Attempt]:
        """A try, to the end of the block; after one that is not in vain, the next is the first."""
        key = hashlib.sha256(b"%b\n%b" % (address.encode(), body)).digest()
        attempt = Attempt(self._so_far(key) + 1)
        try:
            yield attempt
        finally:
            if attempt.in_vain:
                self._keep(key, attempt.number)
            else:
                self._tries.pop(key, None)

    def _so_far(self, key: bytes) -> int:
        found = self._tries.get(key, _Tries(0, 0.0))
        return found.made if time.monotonic() - found.at_s < _KEPT_S else 0

    def _keep(self, key: bytes, tries: int) -> None:
        self._tries[key] = _Tries(max(tries, self._so_far(key)), time.monotonic())
        self._tries.move_to_end(key)
        if len(self._tries) > _MOST_KEPT:
            self._tries.popitem(last=False)
