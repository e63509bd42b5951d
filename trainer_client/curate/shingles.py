"""How alike two texts are, by the n-grams of words they share: exactly, or by small sketches.

One hash per n-gram serves both uses: the smallest hashes are the sketch that estimates similarity,
and the smallest in each of 128 bins are the signature by which likely pairs are found.
Everything is a function of the text alone: the same file gives the same result on any machine.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from array import array
from collections.abc import Collection, Iterator
from functools import cache
from typing import Final

__all__ = ["SKETCH", "band_hashes", "rows_per_band", "shingles", "similarity", "sketch_of"]

SKETCH: Final = 128
_BINS: Final = 128
_MOST_MISSED: Final = 0.01

_ONE_SIGN: Final = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
# A sign of a script that sets no spaces, a word, or a mark: 2+3 and 2-3 differ.
_TOKENS: Final = re.compile(rf"{_ONE_SIGN}|(?:(?!{_ONE_SIGN})[^\W_])+|[^\w\s]|_")


def shingles(text: str, *, ngram: int) -> frozenset[int]:
    """The hashes of the text's n-grams; a shorter text is one n-gram."""
    words = _TOKENS.findall(text)
    last = max(len(words) - ngram, 0)
    return frozenset(_hash(" ".join(words[at : at + ngram])) for at in range(last + 1))


def similarity(one: Collection[int], other: Collection[int]) -> float:
    """The Jaccard similarity, exact for sets and for sketches that hold all of their set.

    Else it is estimated from the smallest hashes of the union, without bias.
    """
    first, second = set(one), set(other)
    union = first | second
    if len(one) == SKETCH or len(other) == SKETCH:
        union = set(heapq.nsmallest(SKETCH, union))
    return len(union & first & second) / len(union)


def sketch_of(hashes: Collection[int]) -> array[int]:
    """The smallest hashes, 1 kB at most."""
    return array("Q", heapq.nsmallest(SKETCH, hashes))


def band_hashes(hashes: Collection[int], rows: int) -> Iterator[int]:
    """Hashes of which two texts share one the more likely, the more alike they are."""
    signature = _signature(hashes)
    for begin in range(0, _BINS - rows + 1, rows):
        yield hash((begin, *signature[begin : begin + rows]))  # of integers: never salted


@cache
def rows_per_band(threshold: float) -> int:
    """The most rows a band may have, so that few pairs as alike as the threshold are missed."""
    return max(
        (
            rows
            for rows in range(1, _BINS + 1)
            if (1 - threshold**rows) ** (_BINS // rows) <= _MOST_MISSED
        ),
        default=1,
    )


def _signature(hashes: Collection[int]) -> list[int]:
    least: dict[int, int] = {}
    for one in hashes:
        value, place = divmod(one, _BINS)
        if place not in least or value < least[place]:
            least[place] = value
    # An empty bin takes the value of another, by an order that the text does not choose; two texts
    # that are alike then take the same one as often as they are alike.
    return [least[next(at for at in order if at in least)] for order in _orders()]


@cache
def _orders() -> list[list[int]]:
    """For each bin, itself and then all others in an order of its own."""
    bins = range(_BINS)
    return [sorted(bins, key=lambda at: (at != place, _hash(f"{place} {at}"))) for place in bins]


def _hash(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
