from __future__ import annotations

import asyncio

import pytest

from graders.contract import Lane
from service import gathering
from service.gathering import Gathering
from service.items import Work

pytestmark = pytest.mark.anyio

_ENOUGH = 64
_TURNS = 50


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_GAP_S", 60.0)
    monkeypatch.setattr(gathering, "_LONGEST_S", 60.0)
    monkeypatch.setattr(gathering, "_LONGEST_GAP_S", 60.0)


def _works(count: int, lane: Lane = "light") -> list[Work]:
    return [Work(None, lane, b"[]", b"{}")] * count


async def _is_over(task: asyncio.Task[None]) -> bool:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    return task.done()


async def test_a_single_item_goes_at_once_where_nothing_is_under_way() -> None:
    gathered = Gathering()
    assert gathered.begun_by(_works(1))
    assert await _is_over(asyncio.create_task(gathered.over(lambda: 0)))
    assert gathered.begun_by(_works(1))


@pytest.mark.parametrize(
    ("first", "then"),
    [(_works(1), _works(_ENOUGH - 1)), (_works(1), _works(1, "code"))],
    ids=["enough", "a program"],
)
async def test_what_comes_while_others_are_graded_waits_for_company(
    first: list[Work], then: list[Work]
) -> None:
    gathered = Gathering()
    assert gathered.begun_by(first)
    over = asyncio.create_task(gathered.over(lambda: 1))
    assert not await _is_over(over)
    assert not gathered.begun_by(then)
    assert await _is_over(over)


@pytest.mark.parametrize("works", [_works(_ENOUGH), _works(1, "code")], ids=["batch", "a program"])
async def test_a_batch_and_a_program_wait_for_nobody(works: list[Work]) -> None:
    gathered = Gathering()
    assert gathered.begun_by(works)
    assert await _is_over(asyncio.create_task(gathered.over(lambda: 1)))


async def test_a_single_item_without_company_goes_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_LONGEST_GAP_S", 0.001)
    gathered = Gathering()
    assert gathered.begun_by(_works(1))
    await gathered.over(lambda: 1)
    assert gathered.begun_by(_works(1))
