"""Configurations as YAML: the one a user writes, and the effective one that a run keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from trainer_client.train.config import RunConfig
from trainer_client.train.errors import BadConfig, MissingExtra

__all__ = ["KEPT_CONFIG", "keep_config", "parse_scalar", "read_file", "without_secret"]

KEPT_CONFIG: Final = "config.yaml"
_NOT_KEPT: Final = frozenset({"api_key", "resume"})


def read_file(path: Path) -> object:
    """What a YAML (or JSON) file holds."""
    yaml = _yaml()
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise BadConfig(f"{path} is not YAML: {error}") from error


def parse_scalar(text: str) -> object:
    """One value of a flag, as it would be read in a file; what is no YAML is a text."""
    yaml = _yaml()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def keep_config(config: RunConfig, folder: Path) -> None:
    """Write the effective configuration, without the service's key, for use from any folder."""
    kept = {
        one.name: _plain(getattr(config, one.name))
        for one in fields(config)
        if one.name not in _NOT_KEPT
    }
    kept |= {"model": _located(config.model), "dataset": _located(config.dataset)}
    kept["url"] = without_secret(config.url)
    text = _yaml().safe_dump(kept, sort_keys=False, allow_unicode=True)
    (folder / KEPT_CONFIG).write_text(text, encoding="utf-8")


def without_secret(url: str) -> str:
    """The address without a user's name and secret."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _located(name: str) -> str:
    """The absolute path of what is on this disk; a hub id as it is."""
    path = Path(name).expanduser()
    return str(path.absolute()) if path.exists() else name


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value.absolute())
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _yaml() -> ModuleType:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtra(
            "pyyaml is not installed: pip install 'touchstone-rewards[trl]'"
        ) from error
    return yaml
