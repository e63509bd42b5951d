"""Flags into what a run needs: a task, where rewards come from, and what may not change later."""

from __future__ import annotations

import argparse
import stat
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trainer_client.client import Client
from trainer_client.curate.best_of import BestOf
from trainer_client.curate.dedup import Dedup, Seen, text_of
from trainer_client.curate.difficulty import Difficulty
from trainer_client.curate.errors import BadFlags
from trainer_client.curate.filtering import Filtering
from trainer_client.curate.inputs import Unit
from trainer_client.curate.jsonl import Line
from trainer_client.curate.judging import References, check_reward
from trainer_client.curate.rows import NOTE_KEY, Candidate, Columns, Writer, candidates_of
from trainer_client.curate.runs import Pace, Task
from trainer_client.curate.sinks import Sink
from trainer_client.errors import ServiceUnavailable
from trainer_client.items import GraderCall
from trainer_client.remote_reward.references import reference_keys

__all__ = ["Plan", "Service", "by_prompt", "no_file", "outputs_of", "plan_of", "settings_of"]

_FIRST_CONTACT_S: Final = 20.0
_DEDUP_BATCH: Final = 4_096
_NOT_SETTINGS: Final = frozenset(
    {"input", "output", "rejected", "ungraded", "resume", "skip_bad", "batch"}
    | {"url", "api_key_file", "in_flight", "timeout"}
)


@dataclass(frozen=True, slots=True)
class Service:
    """Whom to ask, and how."""

    url: str
    api_key: str | None
    graders: Sequence[GraderCall]
    references: References
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One run as it is to be; `replay` shows a task with a memory what was done before."""

    task: Task
    parse: Callable[[Line], tuple[Candidate, ...]]
    pace: Pace
    by_prompt: bool = False
    service: Service | None = None
    reward: str | None = None
    replay: Callable[[Unit], object] | None = None


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan of these flags; asks the service what its graders read."""
    columns = Columns(options.completion, options.completions, options.prompt, options.group)
    writer = Writer(columns, None if options.bare else options.key)
    if options.command == "dedup":
        return _dedup_plan(options, columns, writer)
    grouped = by_prompt(options)
    task = _task(options, writer, _min_reward(options))
    service = _service(options) if options.reward is None else None
    reads = {options.reward} if service is None else service.references.reads
    _check_key(options, columns, reads)
    # A prompt's row holds no completion: only what is set aside does.
    writes_one = options.command != "difficulty" or options.ungraded is not None

    def parse(line: Line) -> tuple[Candidate, ...]:
        found = candidates_of(line, columns, grouped=grouped, completes=True)
        if writes_one:
            writer.check(found[0])
        if service is not None:
            service.references.check(found[0].row)
        else:
            for candidate in found:
                check_reward(candidate, options.reward)
        return found

    pace = Pace(options.batch, options.in_flight)
    return Plan(task, parse, pace, by_prompt=grouped, service=service, reward=options.reward)


def by_prompt(options: argparse.Namespace) -> bool:
    """Whether all rows of a prompt are needed at once."""
    if options.command == "filter":
        return options.max_per_prompt is not None or options.group is not None
    return options.command in {"difficulty", "best-of"}


def outputs_of(options: argparse.Namespace) -> dict[Sink, Path | None]:
    """The files that are written; None is the standard output."""
    files: dict[Sink, Path | None] = {
        "out": None if options.output == "-" else Path(options.output)
    }
    sides: tuple[Sink, ...] = ("rejected", "ungraded")
    for sink in sides:
        if (path := getattr(options, sink, None)) is not None:
            files[sink] = path
    named = [Path(options.input).resolve()] if options.input != "-" else []
    named += [path.resolve() for path in files.values() if path is not None]
    if len(set(named)) < len(named):
        raise BadFlags(
            "one file is named twice: the input and each output need a name of their own"
        )
    return files


def no_file(options: argparse.Namespace) -> str | None:
    """What of the input and the outputs is a pipe or a device, so that a run cannot go on."""
    sides = (getattr(options, name, None) for name in ("rejected", "ungraded"))
    names = [options.input, options.output, *(str(path) for path in sides if path is not None)]
    return next((name for name in names if _is_no_file(name)), None)


def settings_of(options: argparse.Namespace) -> dict[str, object]:
    """What must be the same when a run goes on."""
    settings = {name: v for name, v in vars(options).items() if name not in _NOT_SETTINGS}
    return settings | {"outputs": sorted(outputs_of(options))}


def _is_no_file(name: str) -> bool:
    if name == "-":
        return True
    try:
        mode = Path(name).stat().st_mode
    except OSError:
        return False  # what is wrong with it is told when it is opened
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _check_key(options: argparse.Namespace, columns: Columns, reads: Collection[str]) -> None:
    names = {columns.one, columns.several, columns.prompt, columns.group or "", *reads}
    if options.key != NOTE_KEY:  # under which an earlier run's findings stand, to be read
        names |= {name.partition(".")[0] for name in names}
    if options.key in names and not options.bare:
        raise BadFlags(
            f"--key {options.key} names a column that is read, which what is added would replace: "
            "name another key"
        )


def _dedup_plan(options: argparse.Namespace, columns: Columns, writer: Writer) -> Plan:
    on = options.on or (columns.one,)
    _check_key(options, columns, on)
    scope = options.scope or ("file" if columns.prompt in on else "prompt")
    task = Dedup(
        writer,
        Seen(options.near, options.ngram),
        on=on,
        within_prompt=scope == "prompt",
        ignore_case=options.ignore_case,
    )

    def parse(line: Line) -> tuple[Candidate, ...]:
        found = candidates_of(line, columns, grouped=scope == "prompt", completes=columns.one in on)
        writer.check(found[0])
        text_of(found[0], on, columns.one)
        return found

    pace = Pace(_DEDUP_BATCH, 1)
    return Plan(task, parse, pace, replay=lambda unit: task.decide(unit, ()))


def _task(options: argparse.Namespace, writer: Writer, min_reward: float) -> Task:
    match options.command:
        case "filter":
            return Filtering(writer, min_reward, options.max_per_prompt, options.prefer)
        case "difficulty":
            return Difficulty(
                writer,
                min_reward,
                options.min_pass_rate,
                options.max_pass_rate,
                options.keep_all,
            )
        case _:
            votes = options.reward is None
            if options.strategy == "majority" and not votes:
                raise BadFlags("--strategy majority votes on what graders read: drop --reward")
            return BestOf(
                writer, min_reward, options.strategy, options.prefer, options.k, votes=votes
            )


def _min_reward(options: argparse.Namespace) -> float:
    if options.min_reward is not None:
        return float(options.min_reward)
    terms = [call for call in options.graders if call.get("role", "term") == "term"]
    if options.reward is None and (len(terms) != 1 or terms[0].get("weight", 1.0) != 1.0):
        raise BadFlags(
            "with several graders or a weight, a reward of 1 may be a wrong answer in the right "
            "form: say with --min-reward which reward is right, or make the others gates"
        )
    return 1.0


def _service(options: argparse.Namespace) -> Service:
    api_key = None
    if options.api_key_file is not None:
        api_key = options.api_key_file.read_text(encoding="utf-8").strip()
    mapped = dict(options.columns)
    try:
        # A few tries only: a service that was never there is most likely a wrong --url.
        with Client(
            options.url, api_key=api_key, timeout_s=_FIRST_CONTACT_S, max_attempts=3
        ) as client:
            offered = client.graders()
        keys = reference_keys(offered, [call["name"] for call in options.graders])
        if unread := sorted(mapped.keys() - keys.readers.keys()):
            known = ", ".join(sorted(keys.readers)) or "nothing"
            raise BadFlags(f"--columns maps {unread[0]!r}, and the graders read {known}")
    except ServiceUnavailable as error:
        raise ServiceUnavailable(
            f"no service answers at {options.url}: start one with `python -m service serve`, "
            f"or name another with --url ({error})",
            error.status,
        ) from error
    except ValueError as error:
        raise BadFlags(str(error)) from error
    references = References(keys, mapped, options.prefill)
    return Service(options.url, api_key, options.graders, references, options.timeout)
