"""The daemon as one backend sees it: its client, the image, and which containers are whose."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from docker import APIClient
from docker.errors import APIError, ImageNotFound, NotFound

from sandbox.backends.docker.options import DockerOptions
from sandbox.backends.docker.owners import Owner
from sandbox.backends.docker.streams import DaemonLost, reaching

__all__ = ["LABEL", "Daemon"]

LABEL: Final = "touchstone.sandbox"
_OWNER: Final = "touchstone.owner"
_BACKEND: Final = "touchstone.backend"
_WITH_REGISTRY: Final = re.compile(r"[^/]+[.:][^/]*/.+")
_USUAL_URL: Final = "unix:///var/run/docker.sock"
_START_S: Final = 600.0  # a container that did not start by then never will
_GONE_S: Final = 15.0
_CONFLICT: Final = 409


class Daemon:
    """One daemon; every error of it is a DaemonLost, and the next use tries anew."""

    def __init__(self, options: DockerOptions) -> None:
        self.options = options
        self._owner = Owner.this_process()
        self._backend = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._client: APIClient | None = None
        self.information: Mapping[str, Any] = {}  # the daemon's JSON
        """What the daemon says of itself and its host."""

    @property
    def cores(self) -> int:
        return int(self.information.get("NCPU", 1))

    @property
    def labels(self) -> dict[str, str]:
        """Of every container of this backend."""
        return {LABEL: "1", _OWNER: str(self._owner), _BACKEND: self._backend}

    def client(self) -> APIClient:
        """The client; the first one has the image brought and dead owners' containers removed."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def forget_client(self) -> None:
        """Have the next use connect again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def remove(self, container: str) -> None:
        """Kill the container's processes and remove it; returns when it is gone."""
        with reaching("removing a container"):
            _remove(self.client(), container)

    def remove_own(self) -> None:
        """Remove every container of this backend; asks no daemon that was never asked before."""
        if not self.information:
            return
        client = self.client()
        with reaching("removing this backend's containers"):
            for found in _labelled(client, f"{_BACKEND}={self._backend}"):
                _remove(client, found["Id"])

    def _connect(self) -> APIClient:
        options = self.options
        with reaching("no Docker daemon answers; start one, or name its socket"):
            client = APIClient(
                base_url=options.url or _USUAL_URL, version="auto", timeout=options.answer_s
            )
        client.trust_env = False
        try:
            with reaching("looking at images and old containers"):
                self.information = client.info()
                _have_image(client, options)
                _sweep(client)
        except DaemonLost:
            client.close()
            raise
        return client


def _have_image(client: APIClient, options: DockerOptions) -> None:
    with suppress(ImageNotFound):
        found = client.inspect_image(options.image)  # type: ignore[no-untyped-call]
        if found["Config"].get("Volumes"):
            raise DaemonLost(f"the image {options.image!r} has volumes, which have no limits")
        return
    if not _WITH_REGISTRY.fullmatch(options.image):
        raise DaemonLost(
            f"no image {options.image!r}; make it with"
            f" `docker build --network host -t {options.image} sandbox/`"
        )
    until = time.monotonic() + options.pull_s
    for _ in client.pull(options.image, stream=True, decode=True):
        if time.monotonic() > until:
            raise DaemonLost(f"pulling {options.image!r} took longer than {options.pull_s} s")


def _sweep(client: APIClient) -> None:
    """Remove the containers of owners that are dead; of others only what never started."""
    for found in _labelled(client, LABEL):
        owner = Owner.parse(found["Labels"].get(_OWNER, ""))
        is_dead = owner.is_dead() if owner else None
        if is_dead is None:
            is_dead = found["State"] != "running" and time.time() - found["Created"] > _START_S
        if is_dead:
            _remove(client, found["Id"])


def _labelled(client: APIClient, label: str) -> list[Mapping[str, Any]]:  # the daemon's JSON
    return list(client.containers(all=True, filters={"label": label}))


def _remove(client: APIClient, container: str) -> None:
    until = time.monotonic() + _GONE_S
    while True:
        try:
            client.remove_container(container, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            # It is being removed by the daemon already.
            if error.status_code != _CONFLICT or time.monotonic() > until:
                raise
            time.sleep(0.01)
