"""Every setting of the service, read once from the environment (prefix `TOUCHSTONE_`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PlainSerializer, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from graders.contract import Lane
from sandbox import Floor, SandboxOptions
from service.keys import Key, read_keys, scopes_of
from service.logs import Level, Style
from service.redis_address import read_redis_url
from service.setting_values import FileOrNone, Folders, PemOrNone, PresetsOrNone, is_loopback

__all__ = ["Settings", "variables_given"]

_MIB = 2**20
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Finite by default; a wrong value stops the start and names the variable."""

    model_config = SettingsConfigDict(
        env_prefix="TOUCHSTONE_",
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    host: str = Field("127.0.0.1", description="Address to listen on; others need an API key.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on.")
    api_keys: Annotated[dict[str, Annotated[Key, PlainSerializer(scopes_of)]], NoDecode] = Field(
        default_factory=dict,
        description="Keys as `name[+scope...]:secret`, several by commas, a secret in clear or as"
        " `sha256=<digest>`; none means no authentication.",
    )
    api_keys_file: FileOrNone = Field(
        None, description="A file of more such keys, a line each, that not everybody can read."
    )
    key_items_per_s: Positive = Field(
        100_000,
        description="Items a second that a key may send to one API process, on average, saved up"
        " for 10 s.",
    )
    key_requests: Positive = Field(
        8_192, description="Requests with work that a key may have at one API process at once."
    )
    tls_cert: PemOrNone = Field(
        None, description="Certificate chain (PEM) with which HTTPS is spoken; needs the key."
    )
    tls_key: PemOrNone = Field(None, description="Private key (PEM) of the certificate.")
    tls_client_ca: PemOrNone = Field(
        None, description="Authorities (PEM) one of which must have signed a client's certificate."
    )
    connections: Positive = Field(
        16_384, description="Connections of one API process; beyond, the longest idle is closed."
    )
    headers_s: Seconds = Field(
        10.0, description="Longest time in which the head of a request must have arrived."
    )
    idle_s: Seconds = Field(
        75.0, description="Time after which a connection is closed that nothing moves on."
    )
    bodies_bytes: Positive = Field(
        1_024 * _MIB, description="Request bodies that one API process holds at once, in all."
    )
    redis_url: str | None = Field(
        None,
        description="Your Redis or Valkey, Sentinels (`redis+sentinel://`) or a cluster"
        " (`redis+cluster://`); without it a private one is started.",
    )
    state_dir: FileOrNone = Field(
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
    deliveries: Positive = Field(5, description="Workers an item may bring down before it fails.")
    results_s: Seconds = Field(3_600.0, description="How long the verdicts of a job are kept.")
    results_bytes: Positive = Field(
        256 * _MIB, description="Verdicts of finished jobs kept in all; the oldest go first."
    )
    cache_s: Seconds = Field(
        86_400.0, description="How long the grade of a program is kept for the same program."
    )
    cache_grades: int = Field(
        100_000, ge=0, description="Grades of programs kept at once; 0 runs every program anew."
    )
    presets_file: PresetsOrNone = Field(
        None, description="JSON file of presets, which URLs of other frameworks' wires may name."
    )
    audit: Literal["off", "sampled", "all"] = Field(
        "off", description="Verdicts written with what was graded; flagged ones always, unless off."
    )
    audit_dir: FileOrNone = Field(
        None, description="Folder of the audit, on a disk of the machine; needed unless it is off."
    )
    audit_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = Field(
        0.01, description="Share of texts that a `sampled` audit writes, the same everywhere."
    )
    audit_bytes: Positive = Field(
        1_024 * _MIB, description="Audit files kept of each process; the oldest go first."
    )
    audit_file_bytes: Positive = Field(
        64 * _MIB, description="Size at which a process begins another audit file."
    )
    pulse_file: FileOrNone = Field(
        None, description="File that `worker` touches every few seconds, for health checks."
    )
    drain_s: Seconds = Field(30.0, description="Time a stopping process has to finish its work.")
    drain_notice_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0,
        description="Time a stopping API at least goes on to say that it drains, before its port"
        " is closed.",
    )
    logs: Style = Field(
        "console", description="How records are written: as text (`console`) or as `json`."
    )
    log_level: Level = Field("INFO", description="Least level of the records that are written.")
    otel: bool = Field(
        False, description="Send traces by OTLP; `OTEL_EXPORTER_OTLP_ENDPOINT` says where to."
    )
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
    sandbox_readable: Annotated[Folders, NoDecode] = Field(
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
    def _read_keys(cls, values: dict[str, object]) -> dict[str, object]:
        keys, file = values.get("api_keys", ""), values.get("api_keys_file") or None
        if not isinstance(keys, str):
            return values
        place = Path(file) if isinstance(file, str | Path) else None
        return values | {"api_keys": read_keys(keys, place)}

    @field_validator("redis_url")
    @classmethod
    def _names_a_redis(cls, url: str | None) -> str | None:
        if url is not None:
            read_redis_url(url)
        return url

    @model_validator(mode="after")
    def _audit_has_a_place(self) -> Self:
        if self.audit != "off" and self.audit_dir is None:
            raise ValueError(
                f"TOUCHSTONE_AUDIT={self.audit} needs a folder: set TOUCHSTONE_AUDIT_DIR"
            )
        if 2 * self.audit_file_bytes > self.audit_bytes:
            raise ValueError(
                f"TOUCHSTONE_AUDIT_FILE_BYTES={self.audit_file_bytes} is over half of"
                f" TOUCHSTONE_AUDIT_BYTES={self.audit_bytes}, and the oldest file could not go"
                " without the newest: lower it"
            )
        return self

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("TOUCHSTONE_TLS_CERT and TOUCHSTONE_TLS_KEY: set both or neither")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("TOUCHSTONE_TLS_CLIENT_CA needs TOUCHSTONE_TLS_CERT: set it, too")
        return self

    @model_validator(mode="after")
    def _a_body_fits_in(self) -> Self:
        if self.bodies_bytes < self.body_bytes:
            raise ValueError(
                f"TOUCHSTONE_BODIES_BYTES={self.bodies_bytes} holds no body of"
                f" TOUCHSTONE_BODY_BYTES={self.body_bytes}: raise the one or lower the other"
            )
        return self

    @model_validator(mode="after")
    def _usual_deadline_may_be_named(self) -> Self:
        if self.deadline_s > self.max_deadline_s:
            raise ValueError(
                f"TOUCHSTONE_DEADLINE_S={self.deadline_s:g} is over"
                f" TOUCHSTONE_MAX_DEADLINE_S={self.max_deadline_s:g}: raise the one or lower the"
                " other"
            )
        return self

    @model_validator(mode="after")
    def _public_needs_key(self) -> Self:
        if not self.api_keys and not is_loopback(self.host):
            raise ValueError(
                f"TOUCHSTONE_HOST={self.host} can be reached from other machines:"
                " set TOUCHSTONE_API_KEYS=name:secret, or listen on 127.0.0.1"
            )
        return self


def variables_given() -> frozenset[str]:
    """The variables of the environment that are named like settings, in capital letters."""
    return frozenset(n.upper() for n in os.environ if n.upper().startswith("TOUCHSTONE_"))
