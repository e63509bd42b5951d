"""Every setting of a run, from a mapping whose keys and types are checked by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, cast

from trainer_client.train.errors import BadConfig
from trainer_client.train.nearest import unknown

__all__ = ["DEFAULT_URL", "RunConfig", "read_run_config"]

DEFAULT_URL: Final = "http://127.0.0.1:8000"

# YAML 1.1 reads 1e-5 as a text, for want of a dot.
_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """A run, whole: what is trained, on what, graded by whom, and where it is kept.

    `columns` names the dataset's columns: `prompt` the prompts', any other key that of a reference.
    `reward` are further arguments of RemoteReward, `grpo` those of TRL's GRPOConfig.
    """

    model: str
    dataset: str
    output: Path
    graders: tuple[Mapping[str, object], ...]
    url: str = DEFAULT_URL
    columns: Mapping[str, str] = field(default_factory=dict)
    system_prompt: str | None = None
    api_key: str | None = field(default=None, repr=False)
    api_key_file: Path | None = None
    reward: Mapping[str, object] = field(default_factory=dict)
    grpo: Mapping[str, object] = field(default_factory=dict)
    resample_rounds: int = 0
    limit: int | None = None
    seed: int = 0
    resume: bool = False


def read_run_config(given: Mapping[str, object]) -> RunConfig:
    """The configuration of these settings, or a BadConfig that names the one at fault."""
    for name in given:
        if name not in _READERS:
            raise BadConfig(unknown("setting", name, _READERS))
    for name in ("model", "dataset", "output"):
        if given.get(name) is None:
            raise BadConfig(f"{name} is not given: give --{name}, or {name}: in the --config file")
    if not given.get("graders") and "graders_column" not in _mapping(
        "reward", given.get("reward", {})
    ):
        raise BadConfig("graders is not given: give --graders math, or graders: [{name: math}]")
    settings = {
        name: _READERS[name](name, value) for name, value in given.items() if value is not None
    }
    settings.setdefault("graders", ())
    if "api_key" not in settings and "api_key_file" in settings:
        settings["api_key"] = _key_in(cast(Path, settings["api_key_file"]))
    # Each value went through the reader of its field's type.
    return RunConfig(**settings)  # type: ignore[arg-type]


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise BadConfig(f"{name} is {value!r}: give a text")
    return value


def _path(name: str, value: object) -> Path:
    return value if isinstance(value, Path) else Path(_text(name, value)).expanduser()


def _claim(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadConfig(f"{name} is {value!r}: give true or false")
    return value


def _at_least(least: int) -> Callable[[str, object], int]:
    def read(name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise BadConfig(f"{name} is {value!r}: give a whole number from {least} up")
        return value

    return read


def _mapping(name: str, value: object) -> dict[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadConfig(f"{name} is {value!r}: give names with values")
    return {key: _number(one) for key, one in value.items()}


def _number(value: object) -> object:
    return float(value) if isinstance(value, str) and _SCIENTIFIC.fullmatch(value) else value


def _columns(name: str, value: object) -> dict[str, str]:
    return {key: _text(f"{name}.{key}", one) for key, one in _mapping(name, value).items()}


def _graders(name: str, value: object) -> tuple[Mapping[str, object], ...]:
    listed = list(value) if isinstance(value, list | tuple) else [value]
    calls = []
    for index, one in enumerate(listed):
        call = {"name": one} if isinstance(one, str) else one
        if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
            raise BadConfig(
                f"{name}[{index}] is {one!r}: give a grader's name, or {{name: math, weight: 1.0}}"
            )
        calls.append(dict(call))
    return tuple(calls)


def _key_in(path: Path) -> str:
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"api_key_file {path} cannot be read: {error}") from error
    if not key:
        raise BadConfig(f"api_key_file {path} is empty: write the service's key into it")
    return key


_READERS: Final[Mapping[str, Callable[[str, object], object]]] = {
    "model": _text,
    "dataset": _text,
    "output": _path,
    "graders": _graders,
    "url": _text,
    "columns": _columns,
    "system_prompt": _text,
    "api_key": _text,
    "api_key_file": _path,
    "reward": _mapping,
    "grpo": _mapping,
    "resample_rounds": _at_least(0),
    "limit": _at_least(1),
    "seed": _at_least(0),
    "resume": _claim,
}

if set(_READERS) != {one.name for one in fields(RunConfig)}:  # pragma: no cover
    raise AssertionError("every field of RunConfig needs a reader")
