"""SandboxFusion's wire, by verl's, tinker-cookbook's and its own SDK's clients."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bench.sandbox_battery import PROBLEMS, judged_by_verl
from tests.live import LiveService
from tests.wires.boxless import boxless_service
from tests.wires.clients import roll, sandbox_fusion, tinker, verl
from tests.wires.clients.roll import RECORDED_SANDBOX_CASE
from tests.wires.faults import BODY_BYTES, address, faulty_service

pytestmark = pytest.mark.anyio

DOUBLE = "print(int(input()) * 2)"
TWO = {"inputs": ["3\n", "4\n"], "outputs": ["6\n", "8\n"]}
ROW = {
    "test": [
        {"input": {"stdin": "3\n"}, "output": {"stdout": "6\n"}},
        {"input": {"stdin": "4\n"}, "output": {"stdout": "8\n"}},
    ]
}
CONFIG = {"dataset_type": "CommonOJDataset", "language": "python", "provided_data": ROW}


@pytest.fixture(scope="module")
def service() -> Iterator[LiveService]:
    with faulty_service() as service:
        yield service


@pytest.fixture(scope="module")
def boxless() -> Iterator[LiveService]:
    with boxless_service() as service:
        yield service


def _url(service: LiveService, path: str = "/run_code") -> str:
    return address(service, path)


def _fenced(program: str) -> str:
    return f"```python\n{program}\n```"


# verl


@pytest.mark.parametrize("path", ["/run_code", "/compat/sandbox_fusion/run_code"])
def test_verl_scores_by_the_cases_that_pass(service: LiveService, path: str) -> None:
    url = _url(service, path)
    assert verl.check_correctness(url, DOUBLE, in_outs=TWO) == [True, True]
    assert verl.check_correctness(url, "print(6)", in_outs=TWO) == [True, False]
    assert verl.compute_score(url, _fenced(DOUBLE), test_cases=TWO).score == 1.0
    assert verl.default_compute_score(url, _fenced("print(6)"), ground_truth=json.dumps(TWO)) == 0.5


@pytest.mark.parametrize(
    ("program", "in_outs"),
    [
        (
            "def f(a, b):\n    return [a, b]",
            {"inputs": ["3\n4"], "outputs": ["[3, 4]"], "fn_name": "f"},
        ),
        (
            "def f():\n    return 1",
            {"inputs": [""], "outputs": [None], "assert_case": ["assert f() == 1"]},
        ),
    ],
)
def test_verl_runs_programs_of_its_own_around_ours(
    service: LiveService, program: str, in_outs: dict[str, Any]
) -> None:
    assert verl.check_correctness(_url(service), program, in_outs=in_outs) == [True]


@pytest.mark.parametrize(
    ("program", "language", "result"),
    [
        ("1 / 0", "python", -2),
        ("int a = 1", "python", -2),
        ("import os; os.kill(os.getpid(), 9)", "python", -2),
        ("while True: print('x' * 1000)", "python", -2),
        ("while True: pass", "python", -3),
        ("import time; time.sleep(60)", "python", -3),
        ("int main() { return x; }", "cpp", -4),
    ],
)
def test_verl_sees_how_a_program_failed(
    service: LiveService, program: str, language: str, result: int
) -> None:
    # Only what is to meet its limit has little time: compilers need some to complain.
    timeout_s = 1 if result == -3 else 10
    answer, error = verl.call_sandbox_api(
        _url(service), program, stdin=None, timeout_s=timeout_s, memory_limit_mb=1024,
        language=language,
    )  # fmt: skip
    assert error is None
    assert answer is not None
    ran, compiled = answer["run_result"], answer["compile_result"]
    assert answer["status"] == "Failed"
    if result == -4:
        assert compiled["return_code"] == 1
        assert (ran, compiled["status"]) == (None, "Finished")
    elif result == -3:
        assert (ran["status"], ran["return_code"]) == ("TimeLimitExceeded", None)
    else:
        assert ran["status"] == "Finished"
        assert ran["return_code"] != 0


def test_verl_asks_again_where_our_sandbox_is_at_fault(boxless: LiveService) -> None:
    with verl.impatient() as waits:
        answer, error = verl.call_sandbox_api(
            f"{boxless.url}/run_code", DOUBLE, stdin="3\n", timeout_s=10, memory_limit_mb=0,
            language="python",
        )  # fmt: skip
    assert answer is None
    assert "504" in str(error)
    assert waits == [1, 2]


def test_what_a_program_wrote_is_not_kept_for_the_next_time(service: LiveService) -> None:
    body = {"code": "import secrets; print(secrets.token_hex())", "language": "python"}
    wrote = {service.client.post(_url(service), json=body).text for _ in range(2)}
    assert len(wrote) == 2


def test_verl_without_a_credential_scores_nothing(service: LiveService) -> None:
    url = address(service, "/run_code", secret=None)
    assert verl.check_correctness(url, DOUBLE, in_outs=TWO) == [-1, -1]


@pytest.mark.timeout(600)
def test_verl_at_many_workers_gets_no_false_verdict(service: LiveService) -> None:
    judged = judged_by_verl(
        verl.check_correctness, _url(service), PROBLEMS, workers=16, timeout_s=2
    )
    assert [one for one in judged if one.said != one.expected] == []


# ROLL


async def test_a_recorded_case_of_roll_is_run_and_not_compared(service: LiveService) -> None:
    """Recorded: ROLL is not on PyPI."""
    for expected in ("6\n", "7\n"):
        case = {**RECORDED_SANDBOX_CASE, "expected_stdout": expected}
        answer = await roll.run_case(_url(service), case)
        assert (answer["status"], answer["run_result"]["stdout"]) == ("Success", "6\n")


async def test_a_recorded_case_of_roll_is_told_of_a_fault_by_the_status(
    boxless: LiveService,
) -> None:
    """Recorded: ROLL is not on PyPI; it asks again after this status."""
    case = {**RECORDED_SANDBOX_CASE, "compile_timeout": 0.1, "run_timeout": 0.1}
    answer = await roll.run_case(f"{boxless.url}/run_code", case)
    assert (answer["status"], answer["run_result"]) == ("SandboxError", None)
    assert answer["message"]


# tinker-cookbook


async def test_tinker_has_a_program_and_files_run(service: LiveService) -> None:
    program = "import solo\nprint(open('a.txt').read(), solo.ONE)"
    files = {"a.txt": "text", "solo.py": "ONE = 1"}
    ran = await tinker.run(_url(service), program, files=files, timeout_s=5)
    assert ran.passed
    assert ran.answer["run_result"]["stdout"] == "text 1\n"
    assert not (await tinker.run(_url(service), "1 / 0", files={}, timeout_s=5)).passed


async def test_tinker_says_that_a_fault_is_an_error(boxless: LiveService) -> None:
    ran = await tinker.run(f"{boxless.url}/run_code", DOUBLE, files={}, timeout_s=1)
    assert (ran.passed, "504" in str(ran.answer["error"])) == (False, True)


# Its own SDK


def test_the_sdk_has_files_fetched(service: LiveService) -> None:
    request = {
        "code": "open('out.txt', 'w').write(open('d/in.txt').read())",
        "language": "python",
        "files": {"d/in.txt": base64.b64encode(b"x").decode(), "none": None},
        "fetch_files": ["./out.txt", "missing"],
    }
    answer = sandbox_fusion.run_code(_url(service, ""), request, max_attempts=1)
    assert (answer["status"], answer["files"]) == ("Success", {"./out.txt": "eA=="})


def test_the_sdk_runs_many_at_once(service: LiveService) -> None:
    requests = [{"code": f"print({n})", "language": "python"} for n in range(12)]
    answers = sandbox_fusion.run_codes(_url(service, ""), requests)
    assert [one["run_result"]["stdout"] for one in answers] == [f"{n}\n" for n in range(12)]


@pytest.mark.parametrize(
    ("program", "passed"), [(DOUBLE, [True, True]), ("print(6)", [True, False])]
)
def test_the_sdk_submits_a_completion_with_its_row(
    service: LiveService, program: str, passed: list[bool]
) -> None:
    request = {"dataset": "mine", "id": 7, "completion": _fenced(program), "config": CONFIG}
    answer = sandbox_fusion.submit(_url(service, ""), request, max_attempts=1)
    assert (answer["id"], answer["accepted"]) == (7, all(passed))
    assert [test["passed"] for test in answer["tests"]] == passed
    assert answer["extracted_code"].strip() == program
    assert answer["tests"][0]["exec_info"]["run_result"]["stdout"] == "6\n"


def test_the_sdk_raises_where_our_sandbox_is_at_fault(boxless: LiveService) -> None:
    request = {"code": DOUBLE, "language": "python", "compile_timeout": 0.1, "run_timeout": 0.1}
    with (
        sandbox_fusion.impatient(),
        pytest.raises(Exception, match="504"),
    ):
        sandbox_fusion.run_code(boxless.url, request, max_attempts=2)


# What is refused


def test_a_body_too_large_is_413(service: LiveService) -> None:
    body = {"code": "#" * BODY_BYTES, "language": "python"}
    told = service.client.post(_url(service), json=body)
    assert told.status_code == 413


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "code"),
        ({"language": "python"}, "code"),
        ({"code": "", "language": None}, "language"),
        ({"code": ""}, "language"),
        ({"code": "", "language": "ruby"}, "language"),
        ({"code": "", "language": "python", "stdin": 3}, "stdin"),
        ({"code": "", "language": "python", "run_timeout": "3"}, "run_timeout"),
        ({"code": "", "language": "python", "run_timeout": 0}, "run_timeout"),
        ({"code": "", "language": "python", "compile_timeout": -1}, "compile_timeout"),
        ({"code": "", "language": "python", "memory_limit_MB": "1"}, "memory_limit_MB"),
        ({"code": "", "language": "python", "files": []}, "files"),
        ({"code": "", "language": "python", "files": {"a": 3}}, "files.a"),
        ({"code": "", "language": "python", "files": {"a": "*"}}, "files.a"),
        ({"code": "", "language": "python", "files": {"/a": ""}}, "files"),
        ({"code": "", "language": "python", "fetch_files": ["../a"]}, "fetch_files.0"),
        ({"code": "", "language": "python", "fetch_files": [1]}, "fetch_files.0"),
    ],
)
def test_what_cannot_be_run_is_422_and_names_the_field(
    service: LiveService, body: object, named: str
) -> None:
    told = service.client.post(_url(service), json=body)
    assert told.status_code == 422
    assert named in told.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"dataset": "humaneval_python", "config": {}}, "CommonOJDataset"),
        ({"config": {**CONFIG, "provided_data": None}}, "config.provided_data"),
        ({"config": {**CONFIG, "provided_data": {"test": []}}}, "config.provided_data"),
        ({"config": {**CONFIG, "provided_data": {"test": "gASV"}}}, "config.provided_data.test"),
        ({"config": {**CONFIG, "provided_data": {"test": [{"input": {"f": ""}}]}}}, "test.0"),
        ({"config": {**CONFIG, "language": None}}, "config.language"),
        ({"config": {**CONFIG, "custom_extract_logic": "exit()"}}, "custom_extract_logic"),
        ({"completion": None}, "completion"),
    ],
)
def test_what_cannot_be_submitted_is_422_and_names_the_field(
    service: LiveService, changes: Mapping[str, object], named: str
) -> None:
    body = {"dataset": "mine", "id": 1, "completion": "", "config": CONFIG, **changes}
    told = service.client.post(_url(service, "/submit"), json=body)
    assert told.status_code == 422
    assert named in told.json()["detail"]
