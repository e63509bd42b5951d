"""What SandboxFusion's wire makes of a request's fields, and of a run's every ending."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson
import pytest

from service.items import Answer
from service.wires.contract import Recipe, Route
from service.wires.sandbox_fusion import ROUTES

RUN_CODE, SUBMIT = ROUTES[0], ROUTES[1]
_MIB: Final = 2**20
_CASE: Final = {"input": {"stdin": "1"}, "output": {"stdout": "2"}}


# Any: JSON, here and below.
def _item(body: dict[str, Any], route: Route = RUN_CODE) -> Any:
    (item,) = route.read({"code": "c", "language": "python", **body}, Recipe()).items
    return item["reference"]


def _patience_s(body: dict[str, Any]) -> float | None:
    return RUN_CODE.read({"code": "c", "language": "python", **body}, Recipe()).patience_s


def _told(grade: dict[str, Any], **body: Any) -> Any:
    question = RUN_CODE.read({"code": "c", "language": "python", **body}, Recipe())
    verdict = orjson.dumps({"grades": [grade]})
    return json.loads(question.tell([Answer(verdict, 0.0, "g")]))


def _run(reason: str, ending: str, **more: Any) -> dict[str, Any]:
    detail = {
        "ending": ending, "status": None, "signal": None, "stdout": "out", "stderr": "err",
        "cpu_s": 0.1, "wall_s": 0.2, "compile": None, "files": {}, **more,
    }  # fmt: skip
    return {"reason": reason, "detail": detail}


def _compiled(reason: str, ending: str, **more: Any) -> dict[str, Any]:
    part = {
        "ending": ending, "status": None, "stdout": "", "stderr": "why", "cpu_s": 0.1,
        "wall_s": 0.2, **more,
    }  # fmt: skip
    return {"reason": reason, "detail": {"message": "why not", "compile": part}}


@pytest.mark.parametrize(
    ("grade", "status", "ran"),
    [
        (_run("finished", "exited", status=0), "Success", ("Finished", 0)),
        (_run("crashed", "exited", status=3), "Failed", ("Finished", 3)),
        (_run("crashed", "signalled", signal=11), "Failed", ("Finished", -11)),
        (_run("forbidden", "forbidden_syscall", signal=31), "Failed", ("Finished", -31)),
        (_run("memory", "memory"), "Failed", ("Finished", -9)),
        (_run("output", "output"), "Failed", ("Finished", -9)),
        (_run("processes", "processes", status=1), "Failed", ("Finished", 1)),
        (_run("processes", "processes"), "Failed", ("Finished", -9)),
        (_run("cpu_time", "cpu_time"), "Failed", ("TimeLimitExceeded", None)),
        (_run("wall_time", "wall_time"), "Failed", ("TimeLimitExceeded", None)),
        (_run("cpu_time", "exited", status=0), "Failed", ("TimeLimitExceeded", None)),
        ({"reason": "no_program", "detail": {}}, "Failed", ("Finished", 1)),
        ({"reason": "too_long", "detail": {}}, "Failed", ("Finished", 1)),
    ],
)
def test_every_ending_has_its_words(grade: Any, status: str, ran: tuple[str, int | None]) -> None:
    told = _told(grade)
    assert (told["status"], told["compile_result"]) == (status, None)
    assert (told["run_result"]["status"], told["run_result"]["return_code"]) == ran
    assert isinstance(told["run_result"]["stdout"], str)
    assert isinstance(told["message"], str)


@pytest.mark.parametrize(
    ("grade", "compiled"),
    [
        (_compiled("compile_error", "exited", status=1), ("Finished", 1, "why")),
        (_compiled("compile_error", "exited", status=0), ("Finished", 1, "why")),
        (_compiled("compile_error", "exited", status=0, stderr=""), ("Finished", 1, "why not")),
        (_compiled("compile_error", "memory"), ("Finished", -9, "why")),
        (_compiled("compile_time", "cpu_time"), ("TimeLimitExceeded", None, "why")),
        (_compiled("compile_time", "wall_time"), ("TimeLimitExceeded", None, "why")),
        (
            {"reason": "compile_error", "detail": {"message": "half a pair", "compile": None}},
            ("Finished", 1, "half a pair"),
        ),
    ],
)
def test_what_is_not_compiled_is_not_run(grade: Any, compiled: tuple[str, int, str]) -> None:
    told = _told(grade)
    assert (told["status"], told["run_result"]) == ("Failed", None)
    part = told["compile_result"]
    assert (part["status"], part["return_code"], part["stderr"]) == compiled


def test_what_was_compiled_says_so_beside_the_run() -> None:
    part = _compiled("", "exited", status=0)["detail"]["compile"]
    told = _told(_run("finished", "exited", status=0, compile=part))
    assert (told["compile_result"]["status"], told["compile_result"]["return_code"]) == (
        "Finished",
        0,
    )


def test_files_come_back_under_the_names_they_were_asked_for() -> None:
    grade = _run("finished", "exited", status=0, files={"a": "eA==", "d/b": ""})
    told = _told(grade, fetch_files=["./a", "d//b"])
    assert told["files"] == {"./a": "eA==", "d//b": ""}


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("nodejs", "javascript"), ("javascript", "javascript"), ("python3", "python"),
        ("C++", "cpp"), ("golang", "go"), ("sh", "bash"), ("typescript", "typescript"),
        ("java", "java"), ("rust", "rust"),
    ],
)  # fmt: skip
def test_languages_have_several_names(said: str, language: str) -> None:
    assert _item({"language": said})["language"] == language


@pytest.mark.parametrize(
    ("body", "memory_mb"),
    [({}, None), ({"memory_limit_MB": -1}, None), ({"memory_limit_MB": 0}, None),
     ({"memory_limit_MB": 1024}, 1024), ({"memory_limit_MB": 10**9}, 65_536)],
)  # fmt: skip
def test_memory_is_ours_unless_it_is_named(body: dict[str, Any], memory_mb: int | None) -> None:
    assert _item(body)["limits"].get("memory_mb") == memory_mb


@pytest.mark.parametrize(
    ("body", "clock_s"),
    [
        ({"compile_timeout": 10, "run_timeout": 10}, 30),  # verl's
        ({"compile_timeout": 1, "run_timeout": 1}, 12),
        ({"compile_timeout": 30, "run_timeout": 30, "expected_stdout": ""}, 30),  # ROLL's
        ({"compile_timeout": 0.1, "run_timeout": 0.1}, 10.2),
        ({"run_timeout": 180}, 6_000),  # tinker-cookbook's
        ({}, 6_000),
    ],
)
def test_a_caller_is_answered_before_it_gives_up(body: dict[str, Any], clock_s: float) -> None:
    patience_s = _patience_s(body)
    assert patience_s is not None
    assert 0 < patience_s < clock_s
    limits = _item(body)["limits"]
    assert 0 < limits["wall_s"] < patience_s


@pytest.mark.parametrize(
    ("timeout_s", "wall_s"), [(0.1, 2), (1, 4), (2, 8), (5, 16), (10, 26), (30, 60)]
)
def test_a_program_has_its_time_as_cpu_time(timeout_s: float, wall_s: float) -> None:
    body = {"compile_timeout": timeout_s, "run_timeout": timeout_s}
    reference, patience_s = _item(body), _patience_s(body)
    assert reference["limits"]["cpu_s"] == timeout_s
    assert reference["limits"]["wall_s"] == wall_s
    assert patience_s is not None
    assert reference["within_s"] < patience_s


def test_times_without_end_are_bounded() -> None:
    reference = _item({"compile_timeout": 1e9, "run_timeout": 1e9})
    assert (reference["compile_s"], reference["limits"]["cpu_s"]) == (30, 300)
    assert reference["limits"]["wall_s"] <= 900
    assert reference["limits"]["output_bytes"] == 4 * _MIB


@pytest.mark.parametrize(
    ("extra", "options", "compare"),
    [
        ({}, {"run_all": False, "show_output": True}, None),
        ({"run_all_cases": True}, {"run_all": True, "show_output": True}, None),
        ({"compare": "lines"}, {"run_all": False, "show_output": True}, "lines"),
    ],
)
def test_a_row_becomes_tests(extra: Any, options: Any, compare: str | None) -> None:
    config = {"language": "cpp", "provided_data": {"test": json.dumps([_CASE])}, "extra": extra}
    body = {"dataset": "code_contests", "id": 1, "completion": "c", "config": config}
    question = SUBMIT.read(body, Recipe())
    assert question.graders is not None
    assert (question.graders[0].name, question.graders[0].options) == ("code", options)
    tests = question.items[0]["reference"]["tests"]
    assert (tests["language"], tests["limits"]) == ("cpp", {"cpu_s": 10})
    assert tests["public"] == [{"stdin": "1", "stdout": "2"}]
    assert tests.get("compare") == compare
