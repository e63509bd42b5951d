"""Kinds of values that settings have, each checked as it is read."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from service.wires.presets import read_presets

__all__ = ["FileOrNone", "Folders", "PemOrNone", "PresetsOrNone", "is_loopback"]


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_name(value: object) -> object:
    # As Path, no name at all would be the current folder.
    return None if value == "" else value


def _no_content(file: Path | None) -> Path | None:
    # A key that was put here is not said again.
    if file is not None and "-----BEGIN" in str(file):
        raise ValueError("this is PEM text: write it to a file, and name that here")
    return file


def _of_presets(file: Path | None) -> Path | None:
    if file is not None:
        read_presets(file)
    return file


def _split(value: object) -> object:
    return tuple(filter(None, value.split(":"))) if isinstance(value, str) else value


def _below_the_root(folders: tuple[str, ...]) -> tuple[str, ...]:
    for folder in folders:
        parts = Path(folder).parts
        if not folder.startswith("/") or len(parts) == 1 or ".." in parts:
            raise ValueError(
                f"{folder!r} is no absolute folder below /: write it as in /opt/jdk:/opt/go"
            )
    return folders


FileOrNone = Annotated[Path | None, BeforeValidator(_no_name)]
PemOrNone = Annotated[FileOrNone, AfterValidator(_no_content)]
PresetsOrNone = Annotated[FileOrNone, AfterValidator(_of_presets)]
Folders = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_below_the_root)]
