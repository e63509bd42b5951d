"""Every setting of the service, read once from the environment (prefix `TOUCHSTONE_`)."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from graders.contract import Lane
from sandbox import Floor, SandboxOptions

__all__ = ["Settings"]

_MIB = 2**20
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Finite by default; a wrong value stops the start and names the variable."""

    model_config = SettingsConfigDict(
        env_prefix="TOUCHSTONE_", frozen=True, extra="forbid", allow_inf_nan=False
    )

    host: str = Field("127.0.0.1", description="Address to listen on; others need an API key.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on.")
    api_keys: Annotated[dict[str, SecretStr], NoDecode] = Field(
        default_factory=dict,
        description="Keys as `name:secret,name:secret`; none means no authentication.",
    )
    redis_url: str | None = Field(
        None, description="Your Redis or Valkey; without it a private one is started."
    )
    state_dir: Path | None = Field(
        None, description="Folder in which the private Redis persists; without it nothing is kept."
    )
    workers: Positive = Field(
        default_factory=lambda: os.cpu_count() or 1, description="Worker processes of `serve`."
    )
    slots: Positive = Field(
        1, description="Chunks a worker process grades at once in lane `light`."
    )
    body_bytes: Positive = Field(128 * _MIB, description="Largest request body.")
    body_s: Seconds = Field(60.0, description="Longest time in which a body must have arrived.")
    items_per_request: Positive = Field(16_384, description="Most items in a request.")
    text_chars: Positive = Field(1_000_000, description="Longest completion that is graded.")
    nesting: Positive = Field(32, description="Deepest nesting of a JSON body.")
    deadline_s: Seconds = Field(300.0, description="Time for a request that names none.")
    max_deadline_s: Seconds = Field(3_600.0, description="Longest deadline a request may name.")
    queue_chunks: Positive = Field(4_096, description="Chunks per lane beyond which 429 is said.")
    chunk_items: Positive = Field(256, description="Most items in a chunk.")
    chunk_bytes: Positive = Field(512 * 1024, description="Size at which a chunk is cut.")
    lease_s: Seconds = Field(5.0, description="Silence after which a worker's chunk is redone.")
    deliveries: Positive = Field(3, description="Workers an item may bring down before it fails.")
    drain_s: Seconds = Field(30.0, description="Time a stopping process has to finish its work.")
    isolation_floor: Floor = Field(
        "standard",
        description="Least isolation for lane `code`: `standard`, or `strict`, with cgroups, too.",
    )
    sandbox: Literal["forkserver", "docker"] = Field(
        "forkserver", description="What runs programs: `forkserver` (Linux, no daemon) or `docker`."
    )
    sandbox_slots: Positive = Field(
        4,
        description="Programs a worker process runs at once, and chunks of lane `code` it grades.",
    )
    sandbox_readable: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="forkserver: folders programs may read besides /usr, written as in PATH.",
    )
    sandbox_image: str = Field(
        "touchstone-sandbox",
        min_length=1,
        description="docker: the image programs run in, built from `sandbox/Dockerfile`.",
    )
    sandbox_runtime: str | None = Field(
        None, description="docker: the OCI runtime, such as `runsc`; without it the daemon's own."
    )
    sandbox_policy: Literal["fresh", "pooled"] = Field(
        "fresh",
        description="docker: a container per run (`fresh`), or used again once clean (`pooled`).",
    )
    sandbox_url: str | None = Field(
        None, description="docker: where the daemon listens; without it its usual socket."
    )

    def slots_in(self, lane: Lane) -> int:
        """Chunks of the lane that a worker process grades at once; programs wait, sums compute."""
        return self.sandbox_slots if lane == "code" else self.slots

    def sandbox_options(self) -> SandboxOptions:
        """What the sandbox's door is opened with."""
        return SandboxOptions(
            backend=self.sandbox,
            slots=self.sandbox_slots,
            readable=self.sandbox_readable,
            image=self.sandbox_image,
            runtime=self.sandbox_runtime,
            policy=self.sandbox_policy,
            url=self.sandbox_url,
        )

    @model_validator(mode="before")
    @classmethod
    def _split_keys(cls, values: dict[str, object]) -> dict[str, object]:
        keys = values.get("api_keys")
        if not isinstance(keys, str):
            return values
        pairs = [pair.strip().partition(":") for pair in keys.split(",") if pair.strip()]
        if not all(name and secret for name, _, secret in pairs):
            raise ValueError("TOUCHSTONE_API_KEYS: write name:secret, several joined by commas")
        if len({name for name, _, _ in pairs}) < len(pairs):
            raise ValueError("TOUCHSTONE_API_KEYS: each name may stand once")
        return values | {"api_keys": {name: secret for name, _, secret in pairs}}

    @field_validator("sandbox_readable", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        return tuple(filter(None, value.split(":"))) if isinstance(value, str) else value

    @field_validator("sandbox_readable")
    @classmethod
    def _are_folders_below_the_root(cls, folders: tuple[str, ...]) -> tuple[str, ...]:
        for folder in folders:
            parts = Path(folder).parts
            if not folder.startswith("/") or len(parts) == 1 or ".." in parts:
                raise ValueError(
                    f"{folder!r} is no absolute folder below /: write it as in /opt/jdk:/opt/go"
                )
        return folders

    @model_validator(mode="after")
    def _public_needs_key(self) -> Self:
        if not self.api_keys and not _is_loopback(self.host):
            raise ValueError(
                f"TOUCHSTONE_HOST={self.host} can be reached from other machines:"
                " set TOUCHSTONE_API_KEYS=name:secret, or listen on 127.0.0.1"
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
