"""The command line: `python -m service serve | api | worker | grade | validate | doctor`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from graders.contract import Lane
from service import __version__
from service.broker import QueueFull, QueueUnavailable
from service.doctor import examine, table
from service.embedded_redis import RedisStartFailed
from service.grade_file import BadGraders, SameFile, grade_file, is_same, read_graders
from service.logs import set_up_logging
from service.processes import run_worker
from service.reference_report import report
from service.reference_rows import BadColumns, BadFile, columns_of, read_rows
from service.serve import PortTaken, serve, serve_api
from service.settings import Settings
from service.streams import LANES
from service.validate_file import check_graders, validate_rows, write_verdicts
from service.worker import NoLaneLeft

__all__ = ["main"]

_USAGE: Final = 2
_SOME_UNGRADABLE: Final = 1
_SOME_FAILED: Final = 3
_INTERRUPTED: Final = 130


class _Usage(Exception):
    """The command cannot be carried out as it was given; the message says what to change."""


_EXPLAINED: Final = (
    BadColumns,
    BadFile,
    BadGraders,
    NoLaneLeft,
    OSError,
    PortTaken,
    RedisStartFailed,
    SameFile,
    _Usage,
)
"""What stops a command with a message that says what to change."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    set_up_logging()
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ValidationError as error:
        return _complain(*_setting_problems(error))
    except _EXPLAINED as error:
        return _complain(str(error))
    except QueueFull as error:
        return _complain(f"{error}, or raise TOUCHSTONE_QUEUE_CHUNKS")
    except QueueUnavailable as error:
        return _complain(f"Redis is away ({error}): look at TOUCHSTONE_REDIS_URL")
    except KeyboardInterrupt:
        _complain("interrupted")
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Touchstone: says what model completions are worth.",
        epilog="Every setting is an environment variable TOUCHSTONE_<NAME>; the README lists them.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", help="API, workers and a private Redis, all in one")
    command.add_argument("--host", help="address to listen on (127.0.0.1)")
    command.add_argument("--port", type=int, help="port to listen on (8000)")
    command.add_argument("--workers", type=int, help="worker processes (one per core)")
    command.add_argument("--state", type=Path, metavar="DIR", help="keep the queue in this folder")
    command.set_defaults(command=_serve)

    command = commands.add_parser("api", help="the API alone, on TOUCHSTONE_REDIS_URL")
    command.add_argument("--host", help="address to listen on (127.0.0.1)")
    command.add_argument("--port", type=int, help="port to listen on (8000)")
    command.set_defaults(command=_api)

    command = commands.add_parser("worker", help="one worker process, on TOUCHSTONE_REDIS_URL")
    command.add_argument("--lanes", type=_lanes, default=LANES, help="light,code (both)")
    command.add_argument("--slots", type=int, help="chunks of lane light graded at once (1)")
    command.set_defaults(command=_worker)

    command = commands.add_parser("grade", help="grade a file of Items, one JSON object a line")
    command.add_argument("items", type=Path, metavar="IN.jsonl")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.jsonl")
    command.add_argument("--graders", metavar="JSON", help='for items that name none: "math"')
    command.set_defaults(command=_grade)

    _add_validate(commands)

    command = commands.add_parser("doctor", help="what this host gives and what is missing")
    command.set_defaults(command=_doctor)
    return parser


def _add_validate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("validate", help="find the rows that cannot be graded")
    command.add_argument("data", type=Path, nargs="+", metavar="DATA.jsonl", help="gzip will do")
    command.add_argument("--graders", default="math", metavar="JSON", help="for all rows: math")
    command.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="[KEY=]NAME",
        help="where the reference's KEY is, if not in a column of its name",
    )
    command.add_argument("--limit", type=int, default=20, metavar="N", help="rows to show (20)")
    command.add_argument("-o", "--output", type=Path, metavar="OUT.jsonl", help="a verdict a row")
    command.set_defaults(command=_validate)


def _lanes(text: str) -> tuple[Lane, ...]:
    chosen = tuple(lane for lane in LANES if lane in text.split(","))
    if not chosen or set(text.split(",")) - set(LANES):
        raise argparse.ArgumentTypeError(f"write {' or '.join(LANES)}, or both joined by a comma")
    return chosen


def _settings(options: argparse.Namespace, *names: str) -> Settings:
    """The settings of the environment, with the flags that were given put over them."""
    given = {name: getattr(options, name) for name in names}
    return Settings(**{name: value for name, value in given.items() if value is not None})


def _serve(options: argparse.Namespace) -> int:
    options.state_dir = options.state
    serve(_settings(options, "host", "port", "workers", "state_dir"))
    return 0


def _api(options: argparse.Namespace) -> int:
    settings = _settings(options, "host", "port")
    serve_api(settings, _redis_url(settings))
    return 0


def _worker(options: argparse.Namespace) -> int:
    settings = _settings(options, "slots")
    run_worker(_redis_url(settings), lanes=options.lanes, settings=settings)
    return 0


def _redis_url(settings: Settings) -> str:
    if settings.redis_url is None:
        raise _Usage("set TOUCHSTONE_REDIS_URL, or use `serve`, which brings a Redis of its own")
    return settings.redis_url


def _grade(options: argparse.Namespace) -> int:
    settings = _settings(options)
    graders = read_graders(options.graders)
    failed = asyncio.run(
        grade_file(options.items, options.output, graders=graders, settings=settings)
    )
    if failed:
        _complain(f"{failed} items failed: that is our fault, grade them again")
    return _SOME_FAILED if failed else 0


def _validate(options: argparse.Namespace) -> int:
    settings = _settings(options)
    graders = read_graders(options.graders)
    check_graders(graders)
    if options.output is not None and any(is_same(data, options.output) for data in options.data):
        raise SameFile(f"{options.output} holds the rows: name another file for the verdicts")
    if options.output is not None and not options.output.absolute().parent.is_dir():
        raise _Usage(f"there is no folder {options.output.absolute().parent}: make it first")
    columns = columns_of(options.column, graders)
    rows = read_rows(options.data, columns, settings=settings)
    verdicts = asyncio.run(validate_rows(rows, graders=graders, settings=settings))
    if options.output is not None:
        with options.output.open("wb") as out:
            write_verdicts(out, rows.rows, verdicts)
    sys.stdout.write(report(rows, verdicts, limit=max(0, options.limit)) + "\n")
    outcomes = {verdict.outcome for verdict in verdicts}
    if "failed" in outcomes:
        _complain("some rows failed: that is our fault, validate them again")
        return _SOME_FAILED
    return _SOME_UNGRADABLE if "ungradable" in outcomes else 0


def _doctor(options: argparse.Namespace) -> int:
    findings = examine(_settings(options))
    sys.stdout.write(table(findings) + "\n")
    return 1 if any(finding.state == "missing" for finding in findings) else 0


def _setting_problems(error: ValidationError) -> list[str]:
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in problem["loc"]).upper()
        variable = f"TOUCHSTONE_{name}: " if name else ""
        problems.append(variable + problem["msg"].removeprefix("Value error, "))
    return problems


def _complain(*messages: str) -> int:
    for message in messages:
        sys.stderr.write(f"touchstone: {message}\n")
    return _USAGE
