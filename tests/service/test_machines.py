"""API and workers as processes of their own around one Redis, as on several machines."""

from __future__ import annotations

import signal
import subprocess
import sys

from service.embedded_redis import EmbeddedRedis
from tests.live import ROOT, environment, start_service, wait_until


def test_an_api_and_a_worker_meet_at_redis(redis_server: EmbeddedRedis) -> None:
    settings = {"REDIS_URL": redis_server.url}
    command = [sys.executable, "-m", "service", "worker", "--lanes", "light,code", "--slots", "2"]
    batch = {
        "graders": [{"name": "math"}],
        "items": [{"completion": "\\boxed{4}", "reference": {"answer": 4}}],
    }
    with start_service(settings, ["api"]) as api:
        assert api.client.get("/readyz").status_code == 503
        with subprocess.Popen(command, cwd=ROOT, env=environment(settings)) as worker:
            api.await_ready()
            assert api.grade(batch)[0]["reward"] == 1.0
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
        # One that signs off is not waited for.
        assert api.client.get("/readyz").json()["lanes"]["light"]["workers"] == 0
        with subprocess.Popen(command, cwd=ROOT, env=environment(settings)) as worker:
            wait_until(lambda: api.client.get("/readyz").status_code == 200)
            assert api.grade(batch)[0]["reward"] == 1.0
            worker.send_signal(signal.SIGINT)
            assert worker.wait(60) == 0
