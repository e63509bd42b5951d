"""How a batch is cut into chunks, and what of it travels once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from graders.contract import Lane
from service.items import Batch, Errand, SharedReference, Ticket, Work
from service.packing import ChunkLimits, cut, payload_of
from service.streams import load_cargo

pytestmark = pytest.mark.anyio


def _tickets(
    count: int, references: Sequence[SharedReference | None] = (None,), item: bytes = b"{}"
) -> list[Ticket]:
    batch = Batch([], 0, asyncio.get_running_loop().create_future())
    works = [Work(None, "code", b"[]", item, references[n % len(references)]) for n in range(count)]
    return [Ticket(work, batch, n, 0.0, Errand(1.0), []) for n, work in enumerate(works)]


def _limits(slots: int = 1, *, items: int = 256, size_bytes: int = 1_000) -> ChunkLimits:
    return ChunkLimits(items=items, size_bytes=size_bytes, slots=slots)


def _sizes(tickets: list[Ticket], lane: Lane, limits: ChunkLimits) -> list[int]:
    return [len(chunk) for chunk in cut(tickets, lane, limits=limits)]


SIZES: list[tuple[Lane, int, int, list[int]]] = [
    ("code", 0, 8, []),
    ("code", 1, 8, [1]),
    ("code", 8, 8, [1] * 8),
    ("code", 32, 8, [1] * 32),
    ("code", 64, 8, [2] * 32),
    ("code", 129, 8, [4] * 32 + [1]),
    ("code", 1_024, 8, [4] * 256),
    ("code", 64, 1, [4] * 16),
    ("light", 1, 2, [1]),
    ("light", 20, 2, [10] * 2),
    ("light", 48, 2, [12] * 4),
    ("light", 100, 2, [25] * 4),
    ("light", 1_030, 1, [206] * 5),
]


@pytest.mark.parametrize(("lane", "items", "slots", "sizes"), SIZES, ids=range(len(SIZES)))
async def test_programs_are_spread_and_arithmetic_is_not(
    lane: Lane, items: int, slots: int, sizes: list[int]
) -> None:
    limits = _limits(slots, size_bytes=10**6)
    assert _sizes(_tickets(items), lane, limits) == sizes


async def test_the_setting_for_items_holds_in_both_lanes() -> None:
    lanes: tuple[Lane, Lane] = ("light", "code")
    assert [max(_sizes(_tickets(99), lane, _limits(items=3))) for lane in lanes] == [3, 3]


SMALL = SharedReference("a" * 64, b'{"answer":"1"}')
LARGE = [SharedReference(letter * 64, b'{"t":"%b"}' % (b"x" * 2_000)) for letter in "bcd"]


@pytest.mark.parametrize(("size", "sizes"), [(99, [11, 5]), (100, [10, 6]), (500, [2] * 8)])
async def test_a_chunk_is_cut_once_its_items_have_the_size(size: int, sizes: list[int]) -> None:
    assert _sizes(_tickets(16, item=b" " * size), "light", _limits()) == sizes


async def test_references_count_once_and_a_large_one_separates_no_items() -> None:
    assert _sizes(_tickets(16, [SMALL]), "light", _limits()) == [16]
    assert _sizes(_tickets(16, [LARGE[0]]), "light", _limits()) == [16]
    many = [SharedReference(f"{n:064}", b'{"answer":"%0386d"}' % n) for n in range(8)]
    assert _sizes(_tickets(16, many), "light", _limits()) == [4] * 4


async def test_items_of_one_reference_go_side_by_side() -> None:
    tickets = _tickets(48, [*LARGE, None])
    chunks = list(cut(tickets, "light", limits=_limits()))
    assert [{ticket.place % 4 for ticket in chunk} for chunk in chunks] == [{3}, {0}, {1}, {2}]


async def test_a_shared_reference_is_in_the_payload_once() -> None:
    names = [SMALL, LARGE[0]]
    item = b'{"completion":"","reference":"%b"}'
    chunk = [
        ticket._replace(
            work=ticket.work._replace(
                graders=b'[{"name":"g%d"}]' % (ticket.place // 6),
                item=item % names[ticket.place % 2].name.encode(),
            )
        )
        for ticket in _tickets(12, names)
    ]
    payload = payload_of(chunk)
    assert [payload.count(reference.content) for reference in names] == [1, 1]
    cargo = load_cargo(payload)
    assert list(cargo.references) == [reference.name for reference in names]
    assert [(p.graders[0].name, len(p.items)) for p in cargo.parcels] == [("g0", 6), ("g1", 6)]


COPIES: list[tuple[int, int, int, int]] = [
    # items, references of a MiB, programs in a row, MiB on the way
    (64, 1, 2, 32),
    (1_024, 1, 15, 69),
    (1_024, 64, 8, 128),
    (16_384, 1, 252, 66),
]


@pytest.mark.parametrize(("items", "count", "in_a_row", "mib"), COPIES, ids=range(len(COPIES)))
async def test_large_references_are_not_copied_without_bound(
    items: int, count: int, in_a_row: int, mib: int
) -> None:
    references = [SharedReference(f"{n:064}", b" " * 2**20) for n in range(count)]
    sizes = _sizes(_tickets(items, references), "code", _limits(8, size_bytes=2**20))
    assert (max(sizes), sum(sizes)) == (in_a_row, items)
    assert len(sizes) <= mib
