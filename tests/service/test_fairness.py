"""A flood of slow programs by one tenant: another's sums and programs do not wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.live import LiveService, start_service, wait_until

_FLOOD = 160
_SLOTS = 2


def _program(number: int, wait_s: float) -> dict[str, Any]:
    text = f"```python\nimport time\ntime.sleep({wait_s})\nprint({number})\n```"
    tests = {"hidden": [{"stdin": "", "stdout": f"{number}\n"}]}
    return {"completion": text, "reference": {"tests": tests}}


def _ask(service: LiveService, key: str, path: str, items: Sequence[Any], grader: str) -> Any:
    # Any: the service's JSON.
    answer = service.client.post(
        path,
        json={"graders": [{"name": grader}], "items": items, "priority": "interactive"},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def _finished(service: LiveService, job: str) -> int:
    answer = service.client.get(f"/v1/jobs/{job}", headers={"Authorization": "Bearer flood-secret"})
    return int(answer.json()["finished"])


def test_a_flood_of_one_tenant_is_no_wait_for_another() -> None:
    settings = {
        "API_KEYS": "flood:flood-secret,guest:guest-secret",
        "WORKERS": "1",
        "SANDBOX_SLOTS": str(_SLOTS),
    }
    sums = [{"completion": f"\\boxed{{{n}}}", "reference": {"answer": n}} for n in range(200)]
    with start_service(settings) as service:
        service.client.headers["Authorization"] = "Bearer guest-secret"
        service.await_ready()
        flood = [_program(n, 0.2) for n in range(_FLOOD)]
        job = _ask(service, "flood-secret", "/v1/jobs", flood, "code")["id"]
        wait_until(lambda: _finished(service, job) > 0)

        before = _finished(service, job)
        told = _ask(service, "guest-secret", "/v1/grade", sums, "math")
        assert [verdict["reward"] for verdict in told["verdicts"]] == [1.0] * len(sums)
        assert _finished(service, job) < _FLOOD, "arithmetic waited for all programs"

        for number in range(3):
            before = _finished(service, job)
            mine = [_program(_FLOOD + number, 0.1)]
            told = _ask(service, "guest-secret", "/v1/grade", mine, "code")
            assert told["verdicts"][0]["reward"] == 1.0
            # The chunks that were being graded when it came, and those beside it: of four each.
            assert _finished(service, job) - before <= 4 * 4 * _SLOTS
        assert _finished(service, job) < _FLOOD
