"""How files go into a work folder and come out of it, whatever a program made of it."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox.confinement import collect, write_files

MOST: Final = 1000


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    open_before = _descriptors()
    try:
        yield descriptor
        assert _descriptors() == open_before  # nothing is left open
    finally:
        os.close(descriptor)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    with _opened(folder) as descriptor:
        write_files(descriptor, files, uid=os.geteuid(), gid=os.getegid())


def _collect(folder: Path, *names: str, most_bytes: int = MOST) -> tuple[Any, Any]:
    with _opened(folder) as descriptor:
        return collect(descriptor, names, most_bytes=most_bytes)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_written_files_are_executable_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    files = {"a": b"", "b.py": b"x" * 100_000, "c/d/e": b"e", "c/d/f": b"f", "c/ä b": b"\0"}
    before = os.umask(umask)
    try:
        _write(tmp_path, files)
    finally:
        os.umask(before)
    written = {
        path.relative_to(tmp_path).as_posix(): path
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert {name: path.read_bytes() for name, path in written.items()} == files
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {0o755}
    assert _collect(tmp_path, *files, most_bytes=10**6) == (files, {})


def test_written_files_are_given_away(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "shut").mkdir()
    files = {"a": b"a", "new/b": b"b", "old/c": b"c"}
    with _opened(tmp_path) as descriptor:
        if os.geteuid() == 0:
            write_files(descriptor, files, uid=1234, gid=5678)
            owners = {name: (tmp_path / name).stat() for name in (*files, "new", "old")}
            assert owners.pop("old").st_uid == 0
            assert {(one.st_uid, one.st_gid) for one in owners.values()} == {(1234, 5678)}
        else:
            with pytest.raises(OSError, match="write_files: 'a'"):
                write_files(descriptor, files, uid=1234, gid=5678)


def _populate(folder: Path) -> Path:
    """Every kind of thing that a program may leave behind; gives a folder outside."""
    work, outside = folder / "work", folder / "outside"
    (work / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (work / "plain").write_bytes(b"plain")
    (work / "empty").write_bytes(b"")
    (work / "sub" / "inner").write_bytes(b"inner")
    (work / "hard").hardlink_to(work / "plain")
    (work / "link").symlink_to(outside / "secret")
    (work / "link-inside").symlink_to("plain")
    (work / "dangling").symlink_to("nowhere")
    (work / "loop").symlink_to("loop")
    (work / "away").symlink_to(outside)
    (work / "sub" / "up").symlink_to("..")
    os.mkfifo(work / "fifo")
    with (work / "giant").open("wb") as giant:
        giant.truncate(2**33)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(work / "socket"))
    return work


COLLECTED: Final[list[tuple[str, bytes | str]]] = [
    ("plain", b"plain"),
    ("empty", b""),
    ("sub/inner", b"inner"),
    ("hard", b"plain"),
    ("nowhere", "missing"),
    ("no/where", "missing"),
    ("sub", "not_regular"),
    ("plain/below", "not_regular"),
    ("link", "not_regular"),
    ("link-inside", "not_regular"),
    ("dangling", "not_regular"),
    ("loop", "not_regular"),
    ("loop/below", "not_regular"),
    ("away/secret", "not_regular"),
    ("sub/up/plain", "not_regular"),
    ("fifo", "not_regular"),
    ("fifo/below", "not_regular"),
    ("socket", "not_regular"),
    ("giant", "too_large"),
]


@pytest.mark.timeout(10)
def test_only_regular_files_come_out(tmp_path: Path) -> None:
    work = _populate(tmp_path)
    fetched, unfetched = _collect(work, *[name for name, _ in COLLECTED])
    assert fetched | unfetched == dict(COLLECTED)
    assert all(isinstance(content, bytes) for content in fetched.values())


def test_a_device_does_not_come_out() -> None:
    assert _collect(Path("/dev"), "null") == ({}, {"null": "not_regular"})


@pytest.mark.parametrize(("size", "fits"), [(MOST - 1, True), (MOST, True), (MOST + 1, False)])
def test_all_files_together_are_bounded(tmp_path: Path, size: int, fits: bool) -> None:
    files = {"a": b"a" * 600, "b": b"b" * (size - 600), "c": b""}
    _write(tmp_path, files)
    fetched, unfetched = _collect(tmp_path, *files, "a")
    assert unfetched == ({} if fits else {"b": "too_large"})
    assert fetched == {name: files[name] for name in files if name not in unfetched}


def test_a_file_that_is_larger_than_it_says_is_bounded_too() -> None:
    assert _collect(Path("/proc/self"), "status", most_bytes=99)[1] == {"status": "too_large"}
    assert b"Seccomp" in _collect(Path("/proc/self"), "status", most_bytes=99_999)[0]["status"]


@pytest.mark.parametrize("name", ["plain", "link", "dangling", "away/new", "plain/new", "fifo"])
def test_nothing_is_written_over_or_through_a_link(tmp_path: Path, name: str) -> None:
    work = _populate(tmp_path)
    with pytest.raises(OSError, match=f"write_files: '{name}'"):
        _write(work, {name: b"new"})
    assert (work / "plain").read_bytes() == b"plain"
    assert {path.name: path.read_bytes() for path in (tmp_path / "outside").iterdir()} == {
        "secret": b"secret"
    }


def test_a_step_with_files_that_fails_is_named() -> None:
    with pytest.raises(OSError, match="collect: 'a'"):
        collect(-7, ["a"], most_bytes=MOST)
    with pytest.raises(OSError, match="write_files: 'a'"):
        write_files(-7, {"a": b""}, uid=0, gid=0)
