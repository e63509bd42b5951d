"""The command line: `python -m service serve | api | worker | grade | validate | audit | ...`."""

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
from service.audit.commands import AUDIT_ERRORS, add_audit
from service.audit.folder import UnusableFolder, check_folder
from service.broker import QueueFull, QueueUnavailable
from service.doctor import examine, table
from service.embedded_redis import RedisStartFailed
from service.grade_file import BadGraders, SameFile, grade_file, is_same, read_graders
from service.keys import SCOPES, BadKey, make_key
from service.logs import set_up_logging
from service.printed_settings import as_json, as_table, printed, unknown_variables
from service.processes import run_worker
from service.reference_report import report
from service.reference_rows import BadColumns, BadFile, columns_of, read_rows
from service.serve import BadCertificate, PortTaken, serve, serve_api
from service.setting_problems import setting_problems
from service.settings import Settings
from service.streams import LANES
from service.tracing import TracingUnavailable
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
    *AUDIT_ERRORS,
    BadCertificate,
    BadColumns,
    BadFile,
    BadGraders,
    BadKey,
    NoLaneLeft,
    OSError,
    PortTaken,
    RedisStartFailed,
    SameFile,
    TracingUnavailable,
    UnusableFolder,
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
        return _complain(*setting_problems(error))
    except _EXPLAINED as error:
        return _complain(str(error))
    except QueueFull as error:
        return _complain(f"{error}, or raise TOUCHSTONE_QUEUE_CHUNKS")
    except QueueUnavailable as error:
        return _complain(f"{error}; look at TOUCHSTONE_REDIS_URL")
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
    _add_tls(command)
    command.set_defaults(command=_serve)

    command = commands.add_parser("api", help="the API alone, on TOUCHSTONE_REDIS_URL")
    command.add_argument("--host", help="address to listen on (127.0.0.1)")
    command.add_argument("--port", type=int, help="port to listen on (8000)")
    _add_tls(command)
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

    _add_upkeep(commands)
    add_audit(commands)
    return parser


def _add_upkeep(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("config", help="every setting, its value and where it is from")
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(command=_config)

    command = commands.add_parser("key", help="make an API key, and the line that lets it in")
    command.add_argument("name", metavar="NAME", help="what logs and metrics call it")
    command.add_argument(
        "--scope", action="append", choices=SCOPES, help="grade (usual) or admin; may be repeated"
    )
    command.set_defaults(command=_key)

    command = commands.add_parser("doctor", help="what this host gives and what is missing")
    command.set_defaults(command=_doctor)


def _add_tls(command: argparse.ArgumentParser) -> None:
    command.add_argument("--tls-cert", type=Path, metavar="PEM", help="speak HTTPS with this")
    command.add_argument("--tls-key", type=Path, metavar="PEM", help="private key of --tls-cert")


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
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    set_up_logging(settings.logs, settings.log_level)
    _complain(*(f"{name} is no setting: is it misspelt?" for name in unknown_variables()))
    return settings


def _running(options: argparse.Namespace, *names: str) -> Settings:
    """As `_settings`, for what grades: an audit that could not be kept is said before that."""
    settings = _settings(options, *names)
    if settings.audit != "off" and settings.audit_dir is not None:
        check_folder(settings.audit_dir)
    return settings


def _serve(options: argparse.Namespace) -> int:
    options.state_dir = options.state
    serve(_running(options, "host", "port", "workers", "state_dir", "tls_cert", "tls_key"))
    return 0


def _api(options: argparse.Namespace) -> int:
    settings = _running(options, "host", "port", "tls_cert", "tls_key")
    serve_api(settings, _redis_url(settings))
    return 0


def _worker(options: argparse.Namespace) -> int:
    if options.slots is not None and "light" not in options.lanes:
        raise _Usage("--slots is for lane light: set TOUCHSTONE_SANDBOX_SLOTS for lane code")
    settings = _running(options, "slots")
    run_worker(_redis_url(settings), lanes=options.lanes, settings=settings)
    return 0


def _redis_url(settings: Settings) -> str:
    if settings.redis_url is None:
        raise _Usage("set TOUCHSTONE_REDIS_URL, or use `serve`, which brings a Redis of its own")
    return settings.redis_url


def _grade(options: argparse.Namespace) -> int:
    settings = _running(options)
    graders = read_graders(options.graders)
    if options.graders is not None:
        check_graders(graders)
    if not options.items.exists():
        raise _Usage(f"there is no file {options.items}: name the one with the items")
    _check_folder_of(options.output)
    ended = asyncio.run(
        grade_file(options.items, options.output, graders=graders, settings=settings)
    )
    counts = ", ".join(f"{ended[how]} {how}" for how in ("graded", "ungradable"))
    _complain(f"{ended.total()} items: {counts}")
    if ended["ungradable"]:
        _complain(f"of what is ungradable, `reason` and `detail` in {options.output} say why")
    if failed := ended["failed"]:
        _complain(f"{failed} items failed: that is our fault, grade them again")
    return _SOME_FAILED if failed else 0


def _check_folder_of(output: Path) -> None:
    if not output.absolute().parent.is_dir():
        raise _Usage(f"there is no folder {output.absolute().parent}: make it first")


def _validate(options: argparse.Namespace) -> int:
    settings = _running(options)
    graders = read_graders(options.graders)
    check_graders(graders)
    if options.output is not None and any(is_same(data, options.output) for data in options.data):
        raise SameFile(f"{options.output} holds the rows: name another file for the verdicts")
    if options.output is not None:
        _check_folder_of(options.output)
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


def _config(options: argparse.Namespace) -> int:
    rows = printed(_settings(options))
    sys.stdout.write((as_json(rows) if options.json else as_table(rows)) + "\n")
    return 0


def _key(options: argparse.Namespace) -> int:
    key = make_key(options.name, options.scope or ("grade",))
    sys.stdout.write(
        f"for the client, shown this once:\n  {key.secret}\n"
        f"for TOUCHSTONE_API_KEYS or a line of TOUCHSTONE_API_KEYS_FILE:\n  {key.line}\n"
    )
    return 0


def _doctor(options: argparse.Namespace) -> int:
    findings = examine(_settings(options))
    sys.stdout.write(table(findings) + "\n")
    return 1 if any(finding.state == "missing" for finding in findings) else 0


def _complain(*messages: str) -> int:
    for message in messages:
        sys.stderr.write(f"touchstone: {message}\n")
    return _USAGE
