"""The flags of the four commands, as argparse reads them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from trainer_client.curate.rows import NOTE_KEY
from trainer_client.items import GraderCall

__all__ = ["parser"]

T = TypeVar("T")

_EPILOG: Final = (
    "exit status: 0 all done; 2 the flags or the input are wrong; 3 the service failed some rows "
    "or is away: run the same command with --resume; 130 interrupted: --resume goes on."
)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    whole = argparse.ArgumentParser(
        prog="python -m trainer_client.curate",
        description="Turns completions into datasets, by the verdicts of a Touchstone service.",
        epilog=_EPILOG,
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _filter(_command(commands, "filter", "keep the completions that are right"))
    _difficulty(_command(commands, "difficulty", "rate prompts by how often they are passed"))
    _best_of(_command(commands, "best-of", "choose one completion per prompt; tell pass@k"))
    _dedup(_command(commands, "dedup", "keep the first of equal or nearly equal rows"))
    return whole


def _command(
    # argparse does not name this type in public.
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    says: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=says, description=says, epilog=_EPILOG)
    add = command.add_argument
    add("input", metavar="IN.jsonl", help="rows, one JSON object a line; - is the standard input")
    add("-o", "--output", required=True, metavar="OUT.jsonl", help="- is the standard output")
    add("--resume", action="store_true", help="go on where an earlier run stopped, or begin")
    add("--skip-bad", action="store_true", help="leave out and count lines that cannot be used")
    add("--completion", metavar="COLUMN", help="column of a row's one completion (completion)")
    add("--completions", metavar="COLUMN", help="column of a list of them (completions)")
    add("--prompt", default="prompt", metavar="COLUMN", help="column of the prompt (prompt)")
    add("--group", metavar="COLUMN", help="column that rows of one prompt share (the prompt)")
    add("--batch", type=_count, default=256, metavar="N", help="completions per request (256)")
    note = command.add_mutually_exclusive_group()
    note.add_argument("--key", default=NOTE_KEY, help=f"key for what is added ({NOTE_KEY})")
    note.add_argument("--bare", action="store_true", help="add nothing to the rows")
    return command


def _graded(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--url", default="http://127.0.0.1:8000", help="the service (http://127.0.0.1:8000)")
    add("--api-key-file", type=Path, metavar="FILE", help="file that holds the service's key")
    add(
        "--graders",
        type=_graders,
        default=[{"name": "math"}],
        metavar="JSON|FILE",
        help='a name, [{"name": ...}, ...] or a file that holds it (math)',
    )
    add(
        "--columns",
        type=_mapping,
        nargs="+",
        default=[],
        metavar="KEY=COLUMN",
        help="columns of the references whose names are others: answer=solution",
    )
    add("--prefill", default="", help='what the chat template has written, such as "<think>"')
    add("--in-flight", type=_count, default=4, metavar="N", help="requests at once (4)")
    add("--timeout", type=_seconds, default=600.0, metavar="S", help="seconds for a request (600)")
    add("--reward", metavar="COLUMN", help="take rewards from here and ask no service")
    add("--min-reward", type=float, metavar="R", help="least reward of a right completion (1.0)")
    add("--ungraded", type=Path, metavar="FILE", help="where rows without a reward go")


def _filter(command: argparse.ArgumentParser) -> None:
    _graded(command)
    add = command.add_argument
    add("--max-per-prompt", type=_count, metavar="N", help="keep at most N right ones of a prompt")
    add(
        "--prefer",
        choices=("first", "shortest", "diverse"),
        default="first",
        help="which of them (first)",
    )
    add("--rejected", type=Path, metavar="FILE", help="where graded rows that are not right go")


def _difficulty(command: argparse.ArgumentParser) -> None:
    _graded(command)
    add = command.add_argument
    add("--min-pass-rate", type=_share, default=0.01, metavar="P", help="drop below (0.01)")
    add("--max-pass-rate", type=_share, default=0.95, metavar="P", help="drop above (0.95)")
    add("--keep-all", action="store_true", help="drop nothing, write the rates only")
    add("--rejected", type=Path, metavar="FILE", help="where dropped prompts go")


def _best_of(command: argparse.ArgumentParser) -> None:
    _graded(command)
    add = command.add_argument
    add("--strategy", choices=("reward", "majority"), default="reward", help="(reward)")
    add("--prefer", choices=("first", "shortest"), default="first", help="which of a tie (first)")
    add("--k", type=_counts, default=(1,), metavar="K,K,...", help="ks of pass@k (1)")


def _dedup(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--on", type=_names, metavar="COLUMN,...", help="columns to compare (the completion)")
    add(
        "--scope",
        choices=("prompt", "file"),
        help="compare rows of one prompt, or all (prompt; file where --on names the prompt)",
    )
    add("--near", type=_nearness, metavar="S", help="drop rows as similar as S, 0.3 to 0.99, too")
    add("--ngram", type=_count, default=3, metavar="N", help="words that are compared at once (3)")
    add("--ignore-case", action="store_true", help="see no difference between A and a")
    add("--rejected", type=Path, metavar="FILE", help="where the doubles go")


def _graders(text: str) -> list[GraderCall]:
    if not text.lstrip().startswith(("[", "{", '"')) and (path := Path(text)).suffix:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise argparse.ArgumentTypeError(f"{path} cannot be read: {error}") from error
    elif text.replace("_", "").isalnum():
        return [{"name": text}]
    try:
        told = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f'no JSON ({error}): write math, or [{{"name": "math"}}] in single quotes'
        ) from error
    calls = told if isinstance(told, list) else [told]
    named: list[GraderCall] = []
    for call in calls:
        full = {"name": call} if isinstance(call, str) else call
        if not isinstance(full, dict) or not isinstance(full.get("name"), str):
            raise argparse.ArgumentTypeError('each grader is an object with a "name"')
        named.append(full)  # type: ignore[arg-type]  # the service checks the rest
    if not named:
        raise argparse.ArgumentTypeError('the list is empty: write [{"name": "math"}]')
    return named


def _mapping(text: str) -> tuple[str, str]:
    key, equals, column = text.partition("=")
    if not (key and equals and column):
        raise argparse.ArgumentTypeError(f"{text!r} is no KEY=COLUMN, such as answer=solution")
    return key, column


def _number(
    kind: Callable[[str], T], accepts: Callable[[T], bool], wanted: str
) -> Callable[[str], T]:
    def read(text: str) -> T:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not accepts(value):
            raise argparse.ArgumentTypeError(f"{text!r}: give {wanted}")
        return value

    return read


_count: Final = _number(int, lambda count: count >= 1, "a whole number of 1 or more")
_share: Final = _number(float, lambda share: 0 <= share <= 1, "a share from 0 to 1")
_seconds: Final = _number(float, lambda s: 0 < s < float("inf"), "seconds above 0")
_nearness: Final = _number(float, lambda near: 0.3 <= near <= 0.99, "a similarity of 0.3 to 0.99")


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted({_count(part) for part in text.split(",")}))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)
