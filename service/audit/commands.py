"""The command line of the audit: `audit export | flags | flagged`."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from service.audit.exporting import CannotExport, check_target, export
from service.audit.reading import Found, NoAudit, Query, read
from service.audit.telemetry import as_json, as_table, counts, shown
from service.settings import Settings

__all__ = ["AUDIT_ERRORS", "add_audit"]

AUDIT_ERRORS = (CannotExport, NoAudit)
"""What stops these commands with a message that says what to change."""

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_audit(commands: _Commands) -> None:
    """Add the commands to those of the service."""
    command = commands.add_parser("audit", help="what was graded, and which flags were raised")
    parts = command.add_subparsers(required=True, metavar="PART")

    part = parts.add_parser("export", help="all that was written, as JSON lines or Parquet")
    _add_query(part)
    part.add_argument("--tenant", type=_name, metavar="NAME", help="of this API key alone")
    part.add_argument("--flag", type=_name, help="with this flag alone")
    part.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="OUT.jsonl or OUT.parquet"
    )
    part.set_defaults(command=_export)

    part = parts.add_parser("flags", help="how many flags each grader raised over time")
    _add_query(part)
    part.add_argument("--by", choices=("hour", "day"), default="day", help="spans, in UTC (day)")
    part.add_argument("--json", action="store_true", help="a JSON object a line, not a table")
    part.set_defaults(command=_flags)

    part = parts.add_parser("flagged", help="the newest transcripts with flags")
    _add_query(part)
    part.add_argument("--flag", type=_name, help="with this flag alone")
    part.add_argument("-n", type=_count, default=20, metavar="N", help="transcripts to show (20)")
    part.add_argument(
        "--chars", type=_count, default=2_000, metavar="N", help="most of a text (2000)"
    )
    part.set_defaults(command=_flagged)


def _add_query(part: argparse.ArgumentParser) -> None:
    part.add_argument("--dir", type=Path, help="folder of the audit (TOUCHSTONE_AUDIT_DIR)")
    part.add_argument("--from", dest="since_ms", type=_time, metavar="TIME", help="not before it")
    part.add_argument("--to", dest="until_ms", type=_time, metavar="TIME", help="before it alone")
    part.add_argument(
        "--grader", type=_name, metavar="NAME", help="with a grade of this grader alone"
    )


def _name(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!a} is no UTF-8 text") from None
    return text


def _time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 2026-01-31 or 2026-01-31T12:30:00+01:00; it is UTC"
            " unless it says otherwise"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return min(int(text), sys.maxsize)


def _export(options: argparse.Namespace) -> int:
    check_target(options.output)
    query = Query(
        since_ms=options.since_ms,
        until_ms=options.until_ms,
        tenant=options.tenant,
        grader=options.grader,
        flag=options.flag,
    )
    count = export(_found(options, query), options.output)
    sys.stdout.write(f"{count} transcripts in {options.output}\n")
    return 0


def _flags(options: argparse.Namespace) -> int:
    query = _flagged_query(options)
    counted = counts(_found(options, query), by=options.by, grader=options.grader)
    text = as_json(counted) if options.json else as_table(counted)
    sys.stdout.write(text + "\n" if text else "")
    return 0


def _flagged(options: argparse.Namespace) -> int:
    query = _flagged_query(options)._replace(flag=options.flag, newest_first=True)
    some = False
    for found in itertools.islice(_found(options, query), options.n):
        some = True
        sys.stdout.write(shown(found, chars=options.chars) + "\n\n")
    if not some:
        _complain("no transcripts")
    return 0


def _flagged_query(options: argparse.Namespace) -> Query:
    return Query(
        since_ms=options.since_ms, until_ms=options.until_ms, grader=options.grader, flagged=True
    )


def _found(options: argparse.Namespace, query: Query) -> Iterator[Found]:
    since_ms, until_ms = query.since_ms, query.until_ms
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise NoAudit("--from is not before --to, and so there are no transcripts: swap them")
    folder = options.dir or Settings().audit_dir
    if folder is None:
        raise NoAudit("name the folder of the audit: set TOUCHSTONE_AUDIT_DIR, or write --dir DIR")
    return read(folder, query, _complain)


def _complain(message: str) -> None:
    sys.stderr.write(f"touchstone: {message}\n")
