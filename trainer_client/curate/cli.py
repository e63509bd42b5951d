"""The command line: `python -m trainer_client.curate filter | difficulty | best-of | dedup`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import stat
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from trainer_client.client import AsyncClient
from trainer_client.curate.errors import BadFlags, CurateError
from trainer_client.curate.flags import parser
from trainer_client.curate.inputs import Input
from trainer_client.curate.judging import Judge, ServiceJudge, judged_by_column, no_judge
from trainer_client.curate.notes import why_lines
from trainer_client.curate.outputs import Ledger
from trainer_client.curate.piped import Pipe
from trainer_client.curate.plans import (
    Plan,
    Service,
    by_prompt,
    no_file,
    outputs_of,
    plan_of,
    settings_of,
)
from trainer_client.curate.runs import Task, go_through
from trainer_client.errors import (
    RequestRefused,
    ServiceUnavailable,
    TooManyFailures,
    TouchstoneError,
)
from trainer_client.progress import Progress

__all__ = ["main"]

_OK: Final = 0
_WRONG: Final = 2
_AGAIN: Final = 3
_INTERRUPTED: Final = 130
_LONGEST_DEADLINE_S: Final = 3_600.0  # of a service with default settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = parser().parse_args(arguments)
    logging.basicConfig(format="touchstone: %(message)s", level=logging.WARNING)
    pipe = no_file(options)
    resumable = pipe is None
    again = "; the same command with --resume goes on" if resumable else ""
    try:
        if options.resume and not resumable:
            raise BadFlags(f"--resume needs a file as input and as output, not {pipe}")
        return _carry_out(options, resumable=resumable)
    except BrokenPipeError:
        # Whoever read the output has enough; the interpreter must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _WRONG
    except (ServiceUnavailable, TooManyFailures) as error:
        return _complain(str(error).rstrip(".") + again, _AGAIN)
    except OSError as error:
        return _complain(f"{error.filename or options.output}: {error.strerror}", _WRONG)
    except RequestRefused as error:
        remedy = " (--api-key-file FILE)" if error.status in {401, 403} else ""
        return _complain(f"{error}{remedy}", _WRONG)
    except (CurateError, TouchstoneError) as error:
        return _complain(str(error), _WRONG)
    except KeyboardInterrupt:
        return _complain(f"interrupted{again}", _INTERRUPTED)


def _carry_out(options: argparse.Namespace, *, resumable: bool) -> int:
    journal = Path(f"{options.output}.progress") if resumable else None
    ledger = Ledger(outputs_of(options), journal, settings_of(options))
    with closing(ledger):
        # Before the service is asked: what cannot be written need not be graded.
        ledger.begin(resume=options.resume)
        with _opened(options.input, whole=by_prompt(options)) as stream:
            plan = plan_of(options)
            source = Input(stream, options.input, plan.parse, plan.by_prompt, options.skip_bad)
            with closing(source):
                _run(plan, source, ledger)
    return _report(plan.task, ledger, sys.stderr if options.output == "-" else sys.stdout)


def _run(plan: Plan, source: Input, ledger: Ledger) -> None:
    start = ledger.state.progressed
    source.begin(start, plan.replay)
    # How many bytes the prompts hold that are done is not known.
    told = not (plan.by_prompt and start.units)
    progress = Progress(
        sys.stderr,
        total_bytes=_size(source.stream) if told else None,
        done_bytes=0 if plan.by_prompt else start.place.offset,
    )
    try:
        asyncio.run(_go_through(plan, source, ledger, progress=progress))
    finally:
        progress.clear()


async def _go_through(plan: Plan, source: Input, ledger: Ledger, *, progress: Progress) -> None:
    async with AsyncExitStack() as stack:
        if isinstance(source.stream, Pipe):
            stack.callback(source.stream.let_go)
        judge: Judge = no_judge
        if plan.reward is not None:
            judge = judged_by_column(plan.reward)
        elif plan.service is not None:
            judge = await stack.enter_async_context(_asked(plan.service))
        await go_through(
            source, ledger, task=plan.task, judge=judge, pace=plan.pace, progress=progress
        )


@asynccontextmanager
async def _asked(service: Service) -> AsyncIterator[ServiceJudge]:
    deadline_s = min(0.9 * service.timeout_s, _LONGEST_DEADLINE_S)
    async with AsyncClient(
        service.url, api_key=service.api_key, timeout_s=service.timeout_s
    ) as client:
        yield ServiceJudge(client, service.graders, service.references, deadline_s)


@contextmanager
def _opened(name: str, *, whole: bool) -> Iterator[BinaryIO]:
    """IN; what comes through a pipe is put into a file first if it is needed as a whole."""
    with ExitStack() as stack:
        piped_in = name == "-"
        stream = sys.stdin.buffer if piped_in else stack.enter_context(Path(name).open("rb"))
        if _size(stream) is not None:
            yield stream
        elif whole:
            with tempfile.TemporaryFile() as copy:
                shutil.copyfileobj(stream, copy)
                copy.seek(0)
                yield copy
        elif sys.platform == "win32":
            yield stream
        else:
            with Pipe(stream.fileno()) as pipe:
                yield pipe


def _size(stream: BinaryIO) -> int | None:
    status = os.fstat(stream.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _report(task: Task, ledger: Ledger, stream: TextIO) -> int:
    tally = defaultdict(float, ledger.state.tally)
    lines = [*task.report(tally), *why_lines(tally)]
    if tally["skipped"]:
        lines.append(f"  lines left out because they cannot be used: {tally['skipped']:,.0f}")
    for line in lines:
        stream.write(line + "\n")
    if not tally["failed"]:
        return _OK
    remedy = "run the same command with --resume to have them" if ledger.can_mend else "have them"
    return _complain(
        f"the service failed {tally['failed']:,.0f} of {tally['completions']:,.0f} completions: "
        f"{remedy} graded again",
        _AGAIN,
    )


def _complain(message: str, status: int) -> int:
    sys.stderr.write(f"touchstone: {message}\n")
    return status
