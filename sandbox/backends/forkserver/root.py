"""The root that programs see: the host's /usr, read-only, a few devices, and nothing of anybody."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox.backends.forkserver import kernel

__all__ = ["HOME", "SCRATCH", "build_root"]

HOME: Final = "/work"
SCRATCH: Final = "/scratch"
"""Where a run's tmpfs is mounted; only root may enter, its folders are bound where they belong."""

_PRIVATE: Final = ("/dev", "/proc", "/sys", "/tmp", HOME, SCRATCH)  # noqa: S108 - not to be used
_READ_ONLY: Final = kernel.RDONLY | kernel.NOSUID | kernel.NODEV
_DEVICE: Final = kernel.NOSUID | kernel.NOEXEC
_READ_ONLY_DEVICES: Final = kernel.RDONLY | _DEVICE
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_FOLDERS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr")
# What installed tools are configured with: Debian's alternatives, Java.
_CONFIGURATION: Final = ("alternatives", "java-*")
_LINKER_CACHE: Final = Path("/etc/ld.so.cache")
_FOR_ALL: Final = 0o666
_LINKS: Final = {
    "dev/fd": "/proc/self/fd",
    "dev/stdin": "/proc/self/fd/0",
    "dev/stdout": "/proc/self/fd/1",
    "dev/stderr": "/proc/self/fd/2",
    "var/tmp": "/tmp",  # noqa: S108 - the program's own
}
_BUILT_ON: Final = Path("/sys")
"""A folder that every host has and nothing is read from: the new root is built over it."""


def build_root(*, readable: Sequence[str], uid: int, gid: int, whole_host: bool = False) -> bool:
    """Make a minimal root and leave the host's for good; this mount namespace must be one's own.

    `readable` are folders of the host that programs see besides /usr, at their own paths.
    `whole_host` shows every other folder, too: for the tests that prove that this would be noticed.
    Returns whether the inodes of some folder are shared with other slots.
    """
    for path in readable:
        _require_readable(Path(path))
    kernel.private_mounts()
    kernel.mount("tmpfs", str(_BUILT_ON), flags=kernel.NOSUID, options="mode=0755,size=16m")
    for folder in ("dev", "etc", "old", "proc", "tmp", HOME.strip("/"), SCRATCH.strip("/")):
        (_BUILT_ON / folder).mkdir()
    folders = [Path("/", name) for name in _FOLDERS]
    folders += [folder for pattern in _CONFIGURATION for folder in Path("/etc").glob(pattern)]
    shared = [_show(folder) for folder in (*folders, *map(Path, readable))]
    _configure(uid, gid)
    _make_devices()
    for name, target in _LINKS.items():
        _made(_BUILT_ON / name).symlink_to(target)
    if whole_host:
        _show_the_rest()
    _move_in(for_good=not whole_host)
    return any(shared)


def _move_in(*, for_good: bool) -> None:
    os.chdir(_BUILT_ON)
    kernel.pivot_root(".", "old")
    kernel.mount("proc", "/proc", flags=kernel.NOSUID | kernel.NODEV | kernel.NOEXEC)
    kernel.unmount("/old")
    os.chdir("/")
    if for_good:
        Path("/old").rmdir()
        kernel.restrict("/dev", flags=_READ_ONLY_DEVICES, below=False)
        kernel.restrict("/", flags=_READ_ONLY, below=False)


def _require_readable(folder: Path) -> None:
    if not folder.is_dir():
        raise OSError(f"{folder}, which programs are to read, is no folder of this host")
    if any(folder.is_relative_to(own) for own in _PRIVATE):
        raise OSError(
            f"{folder} cannot be shown to programs: they have a {folder.parts[1]} of their own"
        )


def _show(path: Path) -> bool:
    """The folder or link at this path, also in the new root, unless it is absent or there already.

    Returns whether other slots share its inodes.
    """
    target = _BUILT_ON / path.relative_to("/")
    if target.is_symlink() or (target.is_dir() and any(target.iterdir())):
        return False
    if path.is_symlink():
        _made(target).symlink_to(path.readlink())
    elif path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return _show_folder(str(path), str(target))
    return False


def _show_folder(path: str, target: str) -> bool:
    """Through an overlay of this slot's own where that can be, else as it is.

    Locks and file events belong to an overlay's own inodes, so that they are no channel to the
    programs of other slots, which see the same files.
    """
    if not any(mark in path for mark in ",:\\") and not _has_mounts_below(path):
        # The second layer is an empty folder: without a writable layer, one is too few.
        layers = f"lowerdir={path}:{_BUILT_ON}{SCRATCH}"
        # Refused where the kernel has none, or has none upon what this host's files lie on.
        with suppress(OSError):
            kernel.mount("overlay", target, flags=_READ_ONLY, options=layers)
            return False
    kernel.bind(path, target, flags=_READ_ONLY)
    return True


def _has_mounts_below(path: str) -> bool:
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return any(line.split()[4].startswith(f"{path}/") for line in mounts)


def _bind_file(path: Path, *, flags: int) -> None:
    target = _made(_BUILT_ON / path.relative_to("/"))
    target.touch()
    kernel.bind(str(path), str(target), flags=flags)


def _configure(uid: int, gid: int) -> None:
    if _LINKER_CACHE.exists():
        (_BUILT_ON / _LINKER_CACHE.relative_to("/")).write_bytes(_LINKER_CACHE.read_bytes())
    texts = {
        "passwd": f"root:x:0:0::/:/usr/sbin/nologin\nsandbox:x:{uid}:{gid}::{HOME}:/bin/sh\n",
        "group": f"root:x:0:\nsandbox:x:{gid}:\n",
        "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    for name, text in texts.items():
        _made(_BUILT_ON / "etc" / name).write_text(text)


def _make_devices() -> None:
    """In a filesystem of this slot's own, as locks on a device are a channel, too."""
    kernel.mount("tmpfs", f"{_BUILT_ON}/dev", flags=_DEVICE, options="mode=0755,size=64k")
    for name in _DEVICES:
        device, target = Path("/dev") / name, _BUILT_ON / "dev" / name
        try:
            os.mknod(target, stat.S_IFCHR, device.stat().st_rdev)
            target.chmod(_FOR_ALL)
        except PermissionError:
            # A user namespace may make none, and has to show the host's.
            _bind_file(device, flags=_DEVICE)
    (_BUILT_ON / "dev/shm").mkdir()


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
