"""The demo from beginning to end: three stages, and how good the model is after each."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from trainer_client.client import Client
from trainer_client.demo.scale import Scale
from trainer_client.demo.serving import serving
from trainer_client.demo.sums import split
from trainer_client.errors import TouchstoneError
from trainer_client.train.config import DEFAULT_URL
from trainer_client.train.config_file import without_secret
from trainer_client.train.console import Console
from trainer_client.train.errors import BadConfig, MissingExtra, NotReady, OutputInUse, Stopped

__all__ = ["run_demo"]

_WHOLE: Final = Scale()
_LOG: Final = "service.log"


def run_demo(
    *,
    output: Path,
    url: str | None,
    serve: bool,
    seed: int,
    console: Console,
    scale: Scale = _WHOLE,
) -> None:
    """Teach a tiny model to add, and tell on the console and in `demo.md` what came of it.

    The rewards come from the service at `url`, or with `serve` from one of the demo's own, which
    ends with the demo however that ends.
    """
    if serve and url is not None:
        # The address may hold a secret.
        raise BadConfig("--serve starts a service of its own and --url names another: give one")
    _refuse_used(output)
    try:
        with _service(url, serve=serve, output=output, console=console) as address:
            _tell(address, output=output, seed=seed, console=console, scale=scale)
    except Stopped:
        raise
    except KeyboardInterrupt:
        raise Stopped(signal.SIGINT) from None


@contextmanager
def _service(url: str | None, *, serve: bool, output: Path, console: Console) -> Iterator[str]:
    """The address of a service that is ready."""
    if serve:
        log = output / _LOG
        output.mkdir(parents=True, exist_ok=True)
        console.line(f"starting a service, which logs to {log}")
        with serving(log=log) as address:
            yield address
        return
    address = url or DEFAULT_URL
    if not _is_ready(address):
        raise NotReady(
            f"no service is ready at {without_secret(address)}: give --serve and the demo starts "
            "one, or run `make serve` in a checkout of Touchstone"
        )
    output.mkdir(parents=True, exist_ok=True)
    yield address


def _is_ready(address: str) -> bool:
    try:
        with Client(address) as client:
            return client.ready()
    except TouchstoneError as error:
        raise NotReady(str(error)) from error
    except ValueError as error:
        raise BadConfig(f"--url: {error}") from error


def _refuse_used(output: Path) -> None:
    # A service that did not start leaves its log, and the next run its own in that place.
    unused = not output.exists() or (
        output.is_dir() and {one.name for one in output.iterdir()} <= {_LOG}
    )
    if not unused:
        raise OutputInUse(
            f"{output} is there already and is kept: give another --output, or remove it"
        )


def _tell(address: str, *, output: Path, seed: int, console: Console, scale: Scale) -> None:
    try:
        from trainer_client.demo.lessons import teach
        from trainer_client.demo.stages import Course
    except ImportError as error:
        raise MissingExtra(
            f"the demo needs {error.name}: pip install 'touchstone-rewards[trl]'"
        ) from error
    with Client(address) as client:
        problems = split(scale.trained, scale.held_out, seed=seed)
        told = teach(Course(output, address, client, problems, scale, seed, console))
    page = f"{told}\n\n![reward and its parts at each step of stage 2](grpo/reward.png)\n"
    (output / "demo.md").write_text(page, encoding="utf-8")
    console.line("\n" + told)
