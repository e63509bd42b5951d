"""The root that programs see: the host's /usr, read-only, a few devices, and nothing of anybody."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox.backends.forkserver import kernel

__all__ = ["HOME", "SCRATCH", "build_root"]

HOME: Final = "/work"
SCRATCH: Final = "/scratch"
"""Where a run's tmpfs is mounted; only root may enter, its folders are bound where they belong."""

_READ_ONLY: Final = kernel.RDONLY | kernel.NOSUID | kernel.NODEV
_DEVICE: Final = kernel.NOSUID | kernel.NOEXEC
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_FOLDERS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr")
# What installed tools are configured with: Debian's alternatives, Java.
_CONFIGURATION: Final = ("alternatives", "java-*")
_LINKER_CACHE: Final = Path("/etc/ld.so.cache")
_LINKS: Final = {
    "dev/fd": "/proc/self/fd",
    "dev/stdin": "/proc/self/fd/0",
    "dev/stdout": "/proc/self/fd/1",
    "dev/stderr": "/proc/self/fd/2",
    "var/tmp": "/tmp",  # noqa: S108 - the program's own
}
_BUILT_ON: Final = Path("/sys")
"""A folder that every host has and nothing is read from: the new root is built over it."""


def build_root(*, readable: Sequence[str], uid: int, gid: int, whole_host: bool = False) -> None:
    """Make a minimal root and leave the host's for good; this mount namespace must be one's own.

    `readable` are folders of the host that programs see besides /usr, at their own paths.
    `whole_host` shows every other folder, too: for the tests that prove that this would be noticed.
    """
    kernel.private_mounts()
    kernel.mount("tmpfs", str(_BUILT_ON), flags=kernel.NOSUID, options="mode=0755,size=1m")
    for path in (*(f"/{name}" for name in _FOLDERS), *readable):
        _show(Path(path))
    _configure(uid, gid)
    for name in _DEVICES:
        _bind_file(Path("/dev") / name, flags=_DEVICE)
    for name, target in _LINKS.items():
        _made(_BUILT_ON / name).symlink_to(target)
    for folder in ("proc", "old", "dev/shm", "tmp", HOME, SCRATCH):
        (_BUILT_ON / folder.strip("/")).mkdir(parents=True, exist_ok=True)
    if whole_host:
        _show_the_rest()
    os.chdir(_BUILT_ON)
    kernel.pivot_root(".", "old")
    kernel.mount("proc", "/proc", flags=kernel.NOSUID | kernel.NODEV | kernel.NOEXEC)
    kernel.unmount("/old")
    os.chdir("/")
    if not whole_host:
        Path("/old").rmdir()
        kernel.restrict("/", flags=_READ_ONLY, below=False)


def _show(path: Path) -> None:
    """The folder or link at this path, also in the new root; one that is absent is left out."""
    target = _BUILT_ON / path.relative_to("/")
    if target.is_symlink() or (target.is_dir() and any(target.iterdir())):
        return
    if path.is_symlink():
        _made(target).symlink_to(path.readlink())
    elif path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        kernel.bind(str(path), str(target), flags=_READ_ONLY)


def _bind_file(path: Path, *, flags: int) -> None:
    target = _made(_BUILT_ON / path.relative_to("/"))
    target.touch()
    kernel.bind(str(path), str(target), flags=flags)


def _configure(uid: int, gid: int) -> None:
    for pattern in _CONFIGURATION:
        for folder in Path("/etc").glob(pattern):
            _show(folder)
    if _LINKER_CACHE.exists():
        _bind_file(_LINKER_CACHE, flags=_READ_ONLY)
    texts = {
        "passwd": f"sandbox:x:{uid}:{gid}::{HOME}:/bin/sh\n",
        "group": f"sandbox:x:{gid}:\n",
        "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    for name, text in texts.items():
        _made(_BUILT_ON / "etc" / name).write_text(text)


def _show_the_rest() -> None:
    for path in Path("/").iterdir():
        with suppress(OSError):
            _show(path)
    for path in Path("/etc").iterdir():
        target = _BUILT_ON / "etc" / path.name
        if path.is_file() and not target.exists():
            _bind_file(path, flags=_READ_ONLY)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
