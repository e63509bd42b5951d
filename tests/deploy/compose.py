"""The stack of docker-compose.yml, from images that are here, under a name of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from tests.live import ROOT, environment, wait_until

IMAGES = ("touchstone", "touchstone-code", "touchstone-redis", "touchstone-sandbox")
_SECRET = "0123456789abcdef0123456789abcdef"


def missing() -> str | None:
    """What the stack needs and is not here; None if all is."""
    if not compose_command():
        return "neither `docker compose` nor docker-compose: .ci/compose installs it"
    if said("docker", "info", "--format", "{{.ServerVersion}}") is None:
        return "no Docker daemon answers: .ci/docker starts one"
    for image in IMAGES:
        if said("docker", "image", "inspect", "--format", "{{.Id}}", image) is None:
            return f"there is no image {image}: .ci/compose builds it"
    return None


def compose_command() -> Sequence[str]:
    """Version 2, else version 1; nothing if there is neither."""
    if said("docker", "compose", "version"):
        return ("docker", "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else ()


def said(*command: str) -> str | None:
    """What the command printed; None if it failed or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


class Stack:
    """A project of docker-compose.yml, and of files put over it; and a client of its API."""

    def __init__(self, *files: str) -> None:
        named = ["docker-compose.yml", *files] if files else []
        self._files = [word for name in named for word in ("--file", name)]
        self.project = f"touchstone-test-{uuid.uuid4().hex[:8]}"
        address = f"127.0.0.1:{_free_port()}"
        self.client = httpx.Client(
            base_url=f"http://{address}", auth=("", _SECRET), timeout=120, trust_env=False
        )
        self._environment = environment(
            {
                "ADDRESS": address,
                "API_KEYS": f"trainer:{_SECRET}",
                "CODE_CPUS": "1",
                "DOCKER_GROUP": said("stat", "--format", "%g", "/var/run/docker.sock") or "0",
                "REDIS_IMAGE": "touchstone-redis",
                "SANDBOX_SLOTS": "2",
            }
        )

    def compose(self, *arguments: str) -> str:
        """What docker-compose says to that; an AssertionError if it fails."""
        done = subprocess.run(
            [*compose_command(), *self._files, "--project-name", self.project, *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def up(self, *, code: int, beside: int = 0) -> None:
        """Bring up what is not there, with so many workers for programs, and wait for them.

        `beside` are those for programs that the other files bring.
        """
        self.compose("up", "--detach", "--no-build", "--scale", f"code={code}")
        wait_until(lambda: self._workers() == {"light": 1, "code": code + beside})

    def _workers(self) -> Mapping[str, int]:
        try:
            lanes = self.client.get("/readyz").json()["lanes"]
        except httpx.TransportError:
            return {}
        return {name: lane["workers"] for name, lane in lanes.items()}

    def containers(self, service: str) -> list[str]:
        """The ids of a service's running containers."""
        return self.compose("ps", "--quiet", service).split()

    def grade(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The verdicts on a batch that must be accepted."""
        response = self.client.post("/v1/grade", json=body)
        assert response.status_code == 200, response.text
        verdicts: list[dict[str, Any]] = response.json()["verdicts"]
        return verdicts

    def remains(self) -> list[str]:
        """What of the project is still there, of whatever kind."""
        label = f"label=com.docker.compose.project={self.project}"
        kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        found = [said("docker", *kind, "--quiet", "--filter", label) or "" for kind in kinds]
        return " ".join(found).split()


@contextmanager
def a_stack(*files: str) -> Iterator[Stack]:
    """A stack that is not up yet, and is gone on exit with all that it kept."""
    stack = Stack(*files)
    try:
        yield stack
    finally:
        stack.client.close()
        stack.compose("down", "--volumes", "--remove-orphans", "--timeout", "20")
    assert stack.remains() == []


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
