"""docker-compose.yml as a user runs it: images of this checkout, a real daemon."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.compose import Stack, a_stack, compose_command, missing, said
from tests.live import ROOT, environment, wait_until

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.timeout(600),
]

WORKERS_OF_CODE = 3
MATH = {"name": "math"}
CODE = {"name": "code"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with a_stack() as stack:
        stack.up(code=1)
        yield stack


def _sum(said: int, gold: int) -> dict[str, Any]:
    return {"completion": f"\\boxed{{{said}}}", "reference": {"answer": gold}, "graders": [MATH]}


def _program(body: str, stdout: str) -> dict[str, Any]:
    tests = {"hidden": [{"stdin": "20\n", "stdout": stdout}]}
    completion = f"```python\nn = int(input())\n{body}\n```"
    return {"completion": completion, "reference": {"tests": tests}, "graders": [CODE]}


def test_a_mixed_batch_is_graded(stack: Stack) -> None:
    rows = [
        (_sum(4, 4), 1.0),
        (_sum(5, 4), 0.0),
        (_program("print(n + 1)", "21\n"), 1.0),
        (_program("print(n + 2)", "21\n"), 0.0),
    ] * 8
    verdicts = stack.grade({"items": [item for item, _ in rows]})
    assert [verdict["reward"] for verdict in verdicts] == [reward for _, reward in rows]


def test_programs_are_isolated_to_the_floor(stack: Stack) -> None:
    report = stack.client.get("/v1/isolation").json()
    assert report["met"]
    assert {host["backend"] for host in report["hosts"]} == {"forkserver"}


def test_a_worker_for_programs_has_no_privilege_left(stack: Stack) -> None:
    (container,) = stack.containers("code")
    status = said("docker", "exec", container, "cat", "/proc/1/status")
    assert status is not None
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["10001"] * 4
    assert {int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
    assert fields["NoNewPrivs"] == "1"


def test_every_part_is_healthy_and_none_is_privileged(stack: Stack) -> None:
    for service in ("api", "light", "code", "redis"):
        (container,) = stack.containers(service)
        wait_until(lambda one=container: _health(one) == "healthy")  # type: ignore[misc] # a default
        (facts,) = json.loads(said("docker", "inspect", container) or "[]")
        host = facts["HostConfig"]
        assert not host["Privileged"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert min(host["Memory"], host["PidsLimit"], host["NanoCpus"]) > 0


def _health(container: str) -> str | None:
    return said("docker", "inspect", "--format", "{{.State.Health.Status}}", container)


def test_a_killed_worker_container_costs_no_verdict(stack: Stack) -> None:
    stack.up(code=WORKERS_OF_CODE)
    # Each another one, or it would be run once.
    slow = "import time\nwhile time.process_time() < 0.2: pass\nprint(n + {})"
    items = [_program(slow.format(number), f"{20 + number}\n") for number in range(48)]
    items += [_sum(number, number) for number in range(48)]
    victim = stack.containers("code")[0]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(stack.grade, {"items": items})
        wait_until(lambda: stack.client.get("/readyz").json()["lanes"]["code"]["busy"] > 2)
        assert said("docker", "kill", victim) is not None
        assert not answer.done()
        verdicts = answer.result()
    assert [verdict["reward"] for verdict in verdicts] == [1.0] * len(items)
    stack.up(code=WORKERS_OF_CODE)


def test_programs_may_run_in_containers_of_the_daemon_instead() -> None:
    with a_stack("docker-compose.docker.yml") as stack:
        stack.up(code=0, beside=1)
        verdicts = stack.grade({"items": [_program("print(n + 1)", "21\n"), _sum(4, 4)]})
        assert [verdict["reward"] for verdict in verdicts] == [1.0, 1.0]
        (host,) = stack.client.get("/v1/isolation").json()["hosts"]
        assert host["backend"].startswith("docker")
        assert host["level"] == "strict"


def test_without_a_key_it_does_not_start(tmp_path: Path) -> None:
    # In place of a developer's own `.env`.
    nothing = tmp_path / "env"
    nothing.touch()
    done = subprocess.run(
        [*compose_command(), "--env-file", str(nothing), "config"],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "TOUCHSTONE_API_KEYS" in done.stderr
