"""A service of the demo's own, started from the checkout and gone with the demo."""

from __future__ import annotations

import ctypes
import re
import signal
import subprocess  # the one program that the client starts
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from trainer_client.client import Client
from trainer_client.train.errors import TrainError

__all__ = ["CannotServe", "serving"]

_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_COMMAND: Final = (sys.executable, "-m", "service", "serve", "--host", "127.0.0.1", "--port", "0")
_ADDRESS: Final = re.compile(r"listening on (http://\S+)")
_START_S: Final = 60.0
_STOP_S: Final = 30.0
_PR_SET_PDEATHSIG: Final = 1


class CannotServe(TrainError):
    """There is no service to start here, or it did not start."""


@contextmanager
def serving(*, log: Path, checkout: Path = _CHECKOUT) -> Iterator[str]:
    """The address of a service on a free port of this host, ready until the end of the block.

    What it says goes to the log.
    """
    if not (checkout / "service" / "__main__.py").is_file():
        raise CannotServe(
            f"--serve: there is no service/ in {checkout}, as the trainer's package does not hold "
            "it: run `make serve` in a checkout of Touchstone, and give its address by --url"
        )
    with log.open("wb") as stream:
        process = subprocess.Popen(
            _COMMAND,
            cwd=checkout,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            # Its own session: Ctrl-C is for the demo, which stops the service last.
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )
        try:
            yield _address(process, log)
        finally:
            _stop(process)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    limit = time.monotonic() + _START_S
    while time.monotonic() < limit and process.poll() is None:
        found = _ADDRESS.search(log.read_text(errors="replace"))
        if found and _is_ready(found.group(1)):
            return found.group(1)
        time.sleep(0.05)
    said = log.read_text(errors="replace").strip().splitlines()
    raise CannotServe(
        f"--serve: the service did not start ({said[-1] if said else 'it said nothing'}): {log} "
        "holds all it said; `make serve` in the checkout installs what it needs"
    )


def _is_ready(address: str) -> bool:
    with Client(address) as client:
        return client.ready()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_with_parent() -> Callable[[], None] | None:
    """Where the kernel can: SIGTERM for the service when the demo is killed outright."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask_kernel
