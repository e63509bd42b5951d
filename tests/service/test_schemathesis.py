"""Whatever fits the OpenAPI document, and much that does not quite, never makes a 5xx."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.live import environment, start_service

ITEM = {"completion": "\\boxed{42}", "reference": {"answer": "42"}}


def test_generated_requests_make_no_server_error(tmp_path: Path) -> None:
    settings = {"API_KEYS": "ann+grade+admin:a-secret", "DEADLINE_S": "5", "WORKERS": "1"}
    with start_service(settings) as service:
        service.client.headers["Authorization"] = "Bearer a-secret"
        service.await_ready()
        body = json.dumps({"graders": [{"name": "math"}], "items": [ITEM]})
        job = service.client.post("/v1/jobs", content=body).json()["id"]
        config = f'[parameters]\n"path.job" = "{job}"\n'
        (tmp_path / "schemathesis.toml").write_text(config)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run"),
                f"{service.url}/openapi.json",
                *("--header", "Authorization: Bearer a-secret"),
                *("--checks", "not_a_server_error"),
                *("--phases", "examples,coverage,fuzzing"),
                *("--max-examples", "4", "--generation-deterministic"),
                *("--max-time", "25", "--request-timeout", "20"),
                *("--continue-on-failure", "--no-color"),
            ],
            cwd=tmp_path,
            env=environment({}),
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert not [line for line in service.log if "Traceback" in line]
