"""A real service writes a row for every verdict, and none waits for it."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from graders.contract import GraderCall, Item
from service.audit.folder import audit_files
from service.audit.reading import Found, NoAudit, Query, read
from service.jobs.routes import JobRun, Routes
from service.settings import Settings
from service.streams import Cargo, Chunk, Parcel, load_cargo
from tests.live import LiveService, start_service, wait_until

EXACT: Final = [{"name": "exact"}]
SOLUTION: Final = "```python\nprint(1)\n```"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served") / "audit"


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[LiveService]:
    settings = {"AUDIT": "all", "AUDIT_DIR": str(folder), "WORKERS": "1", "API_KEYS": "ann:secret"}
    with start_service(settings) as started:
        started.client.headers["Authorization"] = "Bearer secret"
        started.await_ready()
        yield started


def _item(name: str, completion: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "completion": completion, "reference": {"answer": "4"}} | more


def _rows(folder: Path, prefix: str, count: int) -> list[Found]:
    """The rows of the items so named, once there are as many."""
    found: list[Found] = []

    def are_there() -> bool:
        try:
            every = read(folder, Query(), pytest.fail)
            found[:] = [one for one in every if str(one.item).startswith(prefix)]
        except NoAudit:
            return False
        return len(found) >= count

    wait_until(are_there)
    assert len(found) == count
    return found


def test_each_item_of_a_batch_has_its_row(service: LiveService, folder: Path) -> None:
    items = [
        _item("a1", "4", prompt="2+2?", group="g"),
        _item("a2", "5", prompt=[{"role": "user", "content": "2+2?"}], group="g"),
        _item("a3", "4", prompt="two and two?", group="h"),
        _item("a4", "4", graders=[{"name": "nobody"}]),
    ]
    body = {"graders": EXACT, "items": items}
    answer = service.client.post("/v1/grade", json=body, headers={"X-Request-Id": "req-1"})
    assert answer.status_code == 200
    verdicts = {verdict["id"]: verdict for verdict in answer.json()["verdicts"]}
    found = {one.item: one for one in _rows(folder, "a", 4)}
    for item in items:
        row, verdict = found[item["id"]], verdicts[item["id"]]
        said = (item["completion"], item.get("prompt"), item.get("group"), item["reference"])
        assert (row.completion, row.prompt, row.item_group, row.reference) == said
        assert (row.reward, row.outcome) == (verdict["reward"], verdict["outcome"])
        assert row.grades == verdict["grades"]
        assert (row.tenant, row.requests) == ("ann", ["req-1"])
    assert found["a4"].graders == [{"name": "nobody"}]


def test_what_is_run_once_has_a_row_for_each_who_asked(service: LiveService, folder: Path) -> None:
    tests = {"hidden": [{"stdout": "1\n"}]}
    items = [
        {"id": f"b{number}", "completion": f"{number}\n{SOLUTION}", "reference": {"tests": tests}}
        for number in range(4)
    ]
    body = {"graders": [{"name": "code"}], "items": items}
    assert [verdict["reward"] for verdict in service.grade(body)] == [1.0] * 4
    found = _rows(folder, "b", 4)
    assert {one.item: one.completion for one in found} == {
        item["id"]: item["completion"] for item in items
    }
    assert all(one.reference == {"tests": tests} and one.reward == 1.0 for one in found)
    assert [one.grades[0]["cached"] for one in found] == [False] * 4
    service.grade(body | {"items": [items[0] | {"id": "c0"}]})
    (kept,) = _rows(folder, "c", 1)
    assert kept.grades[0]["cached"]


@pytest.mark.parametrize("awaited", [False, True])
def test_each_place_of_a_job_has_its_row(
    service: LiveService, folder: Path, *, awaited: bool
) -> None:
    prefix = f"d{awaited}"
    tests = {"hidden": [{"stdout": "1\n"}]}
    items = [
        {"id": f"{prefix}{n}", "completion": f"{n}\n{SOLUTION}", "reference": {"tests": tests}}
        for n in range(3)
    ]
    body = {
        "graders": [{"name": "code"}],
        "items": [*items, _item(f"{prefix}x", "4", graders=EXACT)],
    }
    if awaited:
        key = {"Idempotency-Key": "k"}
        for _ in range(2):
            assert service.client.post("/v1/grade", json=body, headers=key).status_code == 200
        found = _rows(folder, prefix, 4)
    else:
        job = service.client.post("/v1/jobs", json=body).json()["id"]
        found = _rows(folder, prefix, 4)
        assert {one.job for one in found} == {job}
    assert sorted(str(one.item) for one in found) == sorted(
        f"{prefix}{end}" for end in ("0", "1", "2", "x")
    )
    assert Counter(one.completion for one in found).most_common(1)[0][1] == 1


def test_a_reference_that_is_validated_has_no_row(service: LiveService, folder: Path) -> None:
    items = [{"id": "e1", "reference": {"answer": "4"}}]
    body = {"graders": [{"name": "math"}], "items": items}
    assert service.client.post("/v1/validate", json=body).status_code == 200
    service.grade({"graders": EXACT, "items": [_item("e2", "4")]})
    assert [one.item for one in _rows(folder, "e", 1)] == ["e2"]


def test_the_worker_after_a_killed_one_goes_on(service: LiveService, folder: Path) -> None:
    service.grade({"graders": EXACT, "items": [_item("f1", "4")]})
    _rows(folder, "f", 1)
    (worker,) = service.workers()
    os.kill(worker, signal.SIGKILL)
    service.grade({"graders": EXACT, "items": [_item("f2", "4")]})
    assert [one.item for one in _rows(folder, "f", 2)] == ["f1", "f2"]
    slots = Counter(file.slot for file in audit_files(folder))
    assert set(slots.values()) == {1}


def test_verdicts_come_while_the_writer_stands_still(service: LiveService, folder: Path) -> None:
    service.grade({"graders": EXACT, "items": [_item("g0", "4")]})
    _rows(folder, "g", 1)
    locked = [sqlite3.connect(file.path) for file in audit_files(folder)]
    try:
        for one in locked:
            one.execute("BEGIN IMMEDIATE")
        for number in range(1, 21):
            items = [_item(f"g{number}", "4")]
            assert service.grade({"graders": EXACT, "items": items})[0]["reward"] == 1.0
        assert [one.item for one in _rows(folder, "g", 1)] == ["g0"]
    finally:
        for one in locked:
            one.rollback()
            one.close()


def test_a_folder_that_goes_is_said_and_costs_no_verdict(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    with start_service({"AUDIT": "all", "AUDIT_DIR": str(folder), "WORKERS": "1"}) as started:
        started.await_ready()
        for file in [*folder.iterdir()]:
            file.unlink()
        folder.rmdir()
        folder.write_text("in the way")
        for _ in range(3):
            verdicts = started.grade({"graders": EXACT, "items": [_item("a", "4")]})
            assert verdicts[0]["reward"] == 1.0
            started.await_said("the audit has lost 1 verdicts")


def test_a_folder_that_cannot_be_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "audit"
    with (
        pytest.raises(AssertionError, match=f"AUDIT_DIR={folder} will not do .*: name another"),
        start_service({"AUDIT": "all", "AUDIT_DIR": str(folder)}),
    ):
        pass


def test_a_chunk_that_is_split_keeps_the_twins_of_each_item() -> None:
    items = [Item(completion=str(number)) for number in range(3)]
    cargo = Cargo(references={}, parcels=[Parcel(graders=[GraderCall(name="exact")], items=items)])
    payload = cargo.model_dump_json(exclude_unset=True).encode()
    twins = b'[[0,{"completion":"a"}],[2,{"completion":"b"}],[2,{"completion":"c"}]]'
    routes = Routes([JobRun("j")], [(0, [number]) for number in range(3)])
    chunk = Chunk(b"1", b"r", 1, 3, payload, routes=routes, awaited=False, twins=twins)
    fields = {
        name: str(v).encode() if isinstance(v, int) else v for name, v in chunk.fields().items()
    }
    assert Chunk.from_fields(fields).twins == twins
    singles = chunk.split(deaths=1)
    assert [load_cargo(one.payload).parcels[0].items[0].completion for one in singles] == [*"012"]
    assert [one.twins for one in singles] == [
        b'[[0,{"completion":"a"}]]',
        b"[]",
        b'[[0,{"completion":"b"}],[0,{"completion":"c"}]]',
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"audit": "all"}, "TOUCHSTONE_AUDIT=all needs a folder: set TOUCHSTONE_AUDIT_DIR"),
        ({"audit": "some"}, "'off', 'sampled' or 'all'"),
        ({"audit_share": 0}, "greater than 0"),
        ({"audit_share": 1.1}, "less than or equal to 1"),
        ({"audit_bytes": 10, "audit_file_bytes": 6}, "TOUCHSTONE_AUDIT_FILE_BYTES=6 is over half"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate(given)
