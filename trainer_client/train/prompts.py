"""The rows of a dataset, as Python values from first to last.

A JSONL file is not read through Arrow: that would unite the objects of a column, so that each row
would carry the keys of all.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from trainer_client.train.config import RunConfig
from trainer_client.train.errors import BadDataset, MissingExtra

__all__ = ["Prompt", "Row", "Task", "columns_of", "read_tasks", "reward_column"]

Prompt: TypeAlias = str | list[dict[str, str]]
Row: TypeAlias = Mapping[str, object]

_FILES: Final = frozenset({".jsonl", ".json", ".parquet"})
# TRL hands these to a reward function itself, or passes no column of the name on.
_TAKEN: Final = frozenset(
    {"prompt", "prompts", "completion", "completions", "completion_ids", "trainer_state",
     "log_extra", "log_metric", "environments"}
)  # fmt: skip
_HUB_HINT: Final = "a hub id is NAME, NAME:SPLIT or NAME#CONFIG:SPLIT"


class Task(NamedTuple):
    """One prompt and what its completions are graded by."""

    prompt: Prompt
    columns: Row


def read_tasks(config: RunConfig) -> list[Task]:
    """The tasks of the run's dataset, with the run's system prompt."""
    column = config.columns.get("prompt", "prompt")
    try:
        with closing(_rows(config.dataset)) as rows:
            numbered = enumerate(islice(rows, config.limit), start=1)
            tasks = [_task(row, place, column, config) for place, row in numbered]
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataset(f"dataset {config.dataset} cannot be read: {error}") from error
    if not tasks:
        raise BadDataset(f"{config.dataset} holds no rows")
    if len({isinstance(task.prompt, str) for task in tasks}) > 1:
        raise BadDataset(
            f"{config.dataset}: some prompts are texts and some lists of messages: give "
            "system_prompt, which makes messages of all, or make them alike"
        )
    return tasks


def columns_of(tasks: Sequence[Task]) -> dict[str, list[object]]:
    """The tasks' columns as a trainer hands them to a reward; None where a row lacks one."""
    names = dict.fromkeys(name for task in tasks for name in task.columns)
    return {name: [task.columns.get(name) for task in tasks] for name in names}


def reward_column(name: str) -> str:
    """What a reward is handed the dataset's column as."""
    return f"dataset.{name}" if name in _TAKEN else name


def _task(row: Row, place: int, column: str, config: RunConfig) -> Task:
    where = f"{config.dataset} row {place}"
    if column not in row:
        raise BadDataset(
            f"{where} has no column {column!r} for the prompt: give --columns prompt=<column>; "
            f"it has {', '.join(row) or 'none'}"
        )
    prompt = _prompt(row[column], f"{where}, column {column!r}")
    if config.system_prompt is not None:
        prompt = [{"role": "system", "content": config.system_prompt}, *_turns(prompt)]
    return Task(prompt, {reward_column(key): row[key] for key in row if key != column})


def _turns(prompt: Prompt) -> list[dict[str, str]]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [message for message in prompt if message["role"] != "system"]


def _prompt(value: object, where: str) -> Prompt:
    if isinstance(value, str) and value:
        return value
    messages = []
    for message in value if isinstance(value, list) else []:
        match message:
            case {"role": str(role), "content": str(content)}:
                messages.append({"role": role, "content": content})
            case _:
                raise BadDataset(f"{where} holds a message without a text as role and content")
    if not messages:
        raise BadDataset(f"{where} is neither a text nor a list of messages, or it is empty")
    return messages


def _rows(name: str) -> Generator[Row, None, None]:
    path = Path(name).expanduser()
    if path.suffix not in _FILES:
        if path.exists():
            raise BadDataset(f"dataset {name} is neither .jsonl nor .parquet")
        yield from _hub_rows(name)
    elif not path.is_file():
        raise BadDataset(f"dataset {name} is no file: give a .jsonl or .parquet file, or a hub id")
    else:
        yield from _parquet_rows(path) if path.suffix == ".parquet" else _json_rows(path)


def _json_rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as lines:  # as text, the line at fault would not be known
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise BadDataset(f"{path}:{number} is not UTF-8: convert the file") from error
            except (ValueError, RecursionError) as error:
                raise BadDataset(f"{path}:{number} is not JSON: give one object a line") from error
            if not isinstance(row, dict):
                raise BadDataset(f"{path}:{number} is no JSON object: give one object a line")
            yield row


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise _missing("pyarrow") from error
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=1024):
                yield from batch.to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise BadDataset(f"{path} is no Parquet file: {error}") from error


def _hub_rows(name: str) -> Iterator[Row]:
    try:
        import datasets
    except ImportError as error:
        raise _missing("datasets") from error
    rest, _, split = name.partition(":")
    identity, _, configuration = rest.partition("#")
    try:
        rows: Iterable[Row] = datasets.load_dataset(
            identity, configuration or None, split=split or "train"
        )
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise BadDataset(
            f"dataset {name} is no file, and the hub does not give it: {error} ({_HUB_HINT})"
        ) from error
    return iter(rows)


def _missing(package: str) -> MissingExtra:
    return MissingExtra(f"{package} is not installed: pip install 'touchstone-rewards[trl]'")
