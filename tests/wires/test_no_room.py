"""Where there is no room for a sample, no wire says a number, nor what its caller takes for one."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.live import LiveService, wait_until
from tests.wires.faults import address, faulty_service

PROGRAM = {"code": "print(1)", "language": "python"}


def _post(service: LiveService, path: str, body: object) -> httpx.Response:
    return httpx.post(address(service, path), json=body, timeout=100, trust_env=False)


def test_more_samples_than_a_key_may_send_at_once_wait_for_each_other() -> None:
    body = {"prompt": "", "response": "slow", "label": "slow"}
    with faulty_service({"KEY_REQUESTS": "1"}) as service, ThreadPoolExecutor(3) as threads:
        told = [*threads.map(lambda _: _post(service, "/compat/slime/exact", body), range(3))]
    assert [(one.status_code, one.json()) for one in told] == [(200, 1.0)] * 3


def test_a_service_that_stops_is_no_wrong_program() -> None:
    with faulty_service({"DRAIN_NOTICE_S": "100", "DRAIN_S": "100"}) as service:
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: service.client.get("/readyz").status_code == 503)
        told = _post(service, "/run_code", PROGRAM)
        assert told.status_code == 504
        told = _post(service, "/test_program", {"program": "", "tests": []})
        assert told.status_code == 503
        # The second ends the notice.
        service.process.send_signal(signal.SIGTERM)
