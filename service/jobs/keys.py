"""Where a job lies in Redis."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from service.jobs.routes import JobRun
from service.queues import PREFIX

__all__ = [
    "CANCELLED_KEY",
    "LANDINGS_KEY",
    "RUNNING_KEY",
    "digest_of",
    "finishing_keys",
    "new_job_id",
    "new_run",
    "record_key",
    "results_key",
]

LANDINGS_KEY: Final = f"{PREFIX}:landings"
"""A stream of the ids of jobs that have just got verdicts, for those who wait for them."""

CANCELLED_KEY: Final = f"{PREFIX}:cancelled"
"""The ids of cancelled jobs, by when nothing of them can be left to grade."""

RUNNING_KEY: Final = f"{PREFIX}:running"
"""The ids of jobs that are not finished, by their deadlines."""

_FINISHED_KEY: Final = f"{PREFIX}:finished"
_BYTES_KEY: Final = f"{PREFIX}:finished-bytes"


def new_job_id(tenant: str, idempotency_key: str | None) -> str:
    """An id that nobody can guess, or the one that the tenant's own key always gives."""
    if idempotency_key is None:
        return secrets.token_hex(16)
    whole = b"%d:%b%b" % (len(tenant), tenant.encode(), idempotency_key.encode())
    return hashlib.sha256(whole).hexdigest()[:32]


def new_run() -> str:
    """What tells one beginning of a job from the others under the same id."""
    return secrets.token_hex(8)


def digest_of(body: bytes) -> str:
    """By what two requests under one key are told apart."""
    return hashlib.sha256(body).hexdigest()


def record_key(job: str) -> str:
    """The hash with what is known of the job."""
    return f"{PREFIX}:job:{job}"


def results_key(begun: JobRun) -> str:
    """The stream of its verdicts."""
    return f"{PREFIX}:results:{begun.job}:{begun.run}"


def finishing_keys(begun: JobRun) -> list[str]:
    """What the scripts that may finish a job touch, in their order."""
    places = f"{PREFIX}:places:{begun.job}:{begun.run}"
    record, results = record_key(begun.job), results_key(begun)
    return [record, results, places, LANDINGS_KEY, _FINISHED_KEY, _BYTES_KEY, RUNNING_KEY]
