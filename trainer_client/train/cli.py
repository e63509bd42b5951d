"""`python -m trainer_client.train`: flags over a YAML file, exit statuses, and errors as lines."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from trainer_client.errors import TouchstoneError
from trainer_client.train.config import DEFAULT_URL, read_run_config
from trainer_client.train.config_file import KEPT_CONFIG, parse_scalar, read_file
from trainer_client.train.console import Console
from trainer_client.train.errors import BadConfig, Stopped, TrainError

__all__ = ["main"]

_STOPPED: Final = 1
_NOT_BEGUN: Final = 2
_INTERRUPTED: Final = 130
_DEMO_OUTPUT: Final = Path("demo_run")

_EPILOG: Final = """\
A file for --config has the same settings by name, such as
  model: Qwen/Qwen2.5-0.5B-Instruct
  dataset: train.jsonl
  columns: {prompt: question}
  graders: [{name: math}, {name: format, weight: 0.25}]
  grpo: {learning_rate: 1.0e-6, max_steps: 200}
exit status: 0 done; 1 stopped; 2 not begun; 130 Ctrl-C; 143 SIGTERM; 129 SIGHUP.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit status."""
    options = _parser().parse_args(arguments)
    # Said by one library to another: whoever runs a training cannot act on it.
    warnings.simplefilter("ignore", FutureWarning)
    console = Console()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Lines(console)])
    try:
        if options.demo:
            _demo(options, console)
        else:
            _train(options, console)
    except TrainError as error:
        return _complain(str(error), _NOT_BEGUN)
    except TouchstoneError as error:
        return _complain(str(error), _STOPPED)
    except Stopped as error:
        return _complain(str(error), error.status)
    except KeyboardInterrupt:
        return _complain("interrupted before the first step", _INTERRUPTED)
    return 0


def _complain(message: str, status: int) -> int:
    sys.stderr.write(f"error: {message}\n")
    return status


def _train(options: argparse.Namespace, console: Console) -> None:
    config = read_run_config(_settings(options))
    from trainer_client.train.run import train

    train(config, console=console)


def _demo(options: argparse.Namespace, console: Console) -> None:
    from trainer_client.demo.run import run_demo

    run_demo(
        output=options.output or _DEMO_OUTPUT,
        url=options.url,
        serve=options.serve,
        seed=options.seed or 0,
        console=console,
    )


def _settings(options: argparse.Namespace) -> dict[str, object]:
    """The file's settings with the flags that were given put over them."""
    settings = _from_file(options)
    for name in _PLAIN_FLAGS:
        if (value := getattr(options, name)) is not None:
            settings[name] = value
    if options.graders is not None:
        settings["graders"] = _graders(options.graders)
    for name in ("columns", "grpo", "reward"):
        if flags := getattr(options, name):
            below = settings.get(name) or {}
            if not isinstance(below, Mapping):
                raise BadConfig(f"{name} is {below!r}: give names with values")
            settings[name] = {**below, **dict(flags)}
    settings["resume"] = options.resume
    return settings


def _from_file(options: argparse.Namespace) -> dict[str, object]:
    path: Path | None = options.config
    if path is None and options.resume and options.output is not None:
        # A run keeps its own settings, so that it is gone on with by its folder alone.
        kept: Path = options.output / KEPT_CONFIG
        path = kept if kept.is_file() else None
    found = {} if path is None else read_file(path)
    if not isinstance(found, dict):
        raise BadConfig(f"{path} holds no settings: write one `name: value` a line")
    return {str(name): value for name, value in found.items()}


def _graders(text: str) -> object:
    """Graders as JSON, in a file, or as bare names."""
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except ValueError as error:
            raise BadConfig(f"graders is not JSON: {error}") from error
    path = Path(text)
    if path.suffix in {".json", ".yaml", ".yml"} or path.is_file():
        return read_file(path)
    return [name.strip() for name in text.split(",")]


class _Lines(logging.Handler):
    """Warnings as lines of the console, so that they do not run into the living one."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.line(self.format(record))


class _Pairs(argparse.Action):
    """Collects key=value; `type` reads the value."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        found: list[tuple[str, object]] = getattr(namespace, self.dest) or []
        several = self.dest == "columns"
        for pair in str(values).split(",") if several else [str(values)]:
            key, equals, value = pair.partition("=")
            if not equals or not key.strip():
                parser.error(f"{option_string} {pair!r}: write KEY=VALUE")
            found.append((key.strip(), value.strip() if several else parse_scalar(value)))
        setattr(namespace, self.dest, found)


_PLAIN_FLAGS: Final = (
    "model", "dataset", "url", "output", "api_key_file", "system_prompt",
    "resample_rounds", "limit", "seed",
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(f"{message} (--help lists the flags)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m trainer_client.train",
        description="Train a model by GRPO (TRL) with rewards from a Touchstone service.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--config", type=Path, metavar="FILE", help="settings as YAML; flags win over it")
    add("--model", metavar="PATH|ID", help="folder or hub id of the model")
    add("--dataset", metavar="FILE|ID", help=".jsonl, .parquet, or a hub id as ID#CONFIG:SPLIT")
    add("--columns", action=_Pairs, metavar="K=COLUMN,..",
        help="prompt=COLUMN, and the column of a reference where it has another name")  # fmt: skip
    add("--graders", metavar="NAMES|JSON|FILE", help='"math,format", JSON, or a file of it')
    add("--url", help=f"the service ({DEFAULT_URL})")
    add("--api-key-file", type=Path, metavar="FILE", help="holds the service's key")
    add("--output", type=Path, metavar="DIR", help="where the run is kept")
    add("--system-prompt", metavar="TEXT", help="makes messages of all prompts")
    add("--resample", type=int, dest="resample_rounds", metavar="N",
        help="rounds in which groups without spread are drawn anew (0)")  # fmt: skip
    add("--limit", type=int, metavar="N", help="first rows of the dataset to use (all)")
    add("--seed", type=int, metavar="N", help="of sampling and training (0)")
    add("--grpo", action=_Pairs, metavar="K=VALUE", help="a setting of TRL's GRPOConfig; repeat it")
    add("--reward", action=_Pairs, metavar="K=VALUE", help="a RemoteReward argument; repeat it")
    add("--resume", action="store_true", help="go on from the newest checkpoint of --output")
    add("--demo", action="store_true", help="train a tiny model here, without hub and GPU")
    add("--serve", action="store_true", help="with --demo: start a service for it")
    return parser
