"""Files in and files out: plain names, regular files, bounded, and read when all is dead."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Final, Literal

from sandbox.contract import Backend, Ending, Job, Limits, Unfetched
from sandbox.selfcheck.check import ROOMY, Check, Proof, breaches, described, run

__all__ = ["CHECKS"]

_CAP: Final = 10_000
_CAPPED: Final = Limits(cpu_s=10, wall_s=30, fetch_bytes=_CAP)
_ALL_BYTES: Final = bytes(range(256)) * 2

_MAKE_ODD: Final = """
import os
os.mkfifo("fifo")
os.mkdir("folder")
os.symlink("/etc/passwd", "link")
os.symlink("main.py", "link_within")
os.symlink("/etc", "linked_folder")
os.mkdir("real_folder")
open("real_folder/some", "w").write("some")
os.symlink("real_folder", "folder_link")
os.symlink("/proc/self/environ", "environ")
import socket
socket.socket(socket.AF_UNIX).bind("socket")
"""
_ODD: Final[dict[str, tuple[Unfetched, ...]]] = {
    "fifo": ("not_regular",),
    "folder": ("not_regular",),
    "link": ("not_regular",),
    "link_within": ("not_regular",),
    "linked_folder/passwd": ("not_regular", "missing"),
    "folder_link/some": ("not_regular", "missing"),
    "environ": ("not_regular",),
    "socket": ("not_regular",),
    "nothing": ("missing",),
    "main.py/below": ("not_regular", "missing"),
}

_MAKE_DEVICE: Final = """
import os, stat
try:
    os.mknod("device", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    print("a device")
except OSError:
    pass
print("end")
"""

_HARD_LINK: Final = """
import os
for name in (TARGET, "/etc/passwd", "/etc/hostname", os.__file__):
    try:
        os.link(name, "out")
        break
    except OSError:
        pass
print("end")
"""

# The threads go on while the program ends, and so does the child after it.
_RACE: Final = """
import os, threading, time
def flip():
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for flipped in (
            lambda: os.symlink(TARGET, "next"),
            lambda: os.rename("next", "out"),
            lambda: open("mine", "w").write("mine"),
            lambda: os.rename("mine", "out"),
            lambda: os.rename("folder", "aside"),
            lambda: os.symlink(os.path.dirname(TARGET), "folder"),
            lambda: os.unlink("folder"),
            lambda: os.rename("aside", "folder"),
        ):
            try:
                flipped()
            except OSError:
                pass
os.mkdir("folder")
open("folder/" + os.path.basename(TARGET), "w").write("mine")
if os.fork() == 0:
    os.setsid()
    flip()
    os._exit(0)
threading.Thread(target=flip, daemon=True).start()
time.sleep(0.2)
print("end", flush=True)
os._exit(0)
"""

_UNSAFE_NAMES: Final = (
    "../out",
    "/out",
    "a/../../out",
    "..",
    ".",
    "",
    "a//b",
    "a/",
    "a/./b",
    "a\0b",
    "a" * 300,
)


def _files_in(backend: Backend) -> str | None:
    source = """
import os
for name in ("some", "a/b/c/deep", "ü 日"):
    print(open(name, "rb").read() == bytes(range(256)) * 2, os.access(name, os.X_OK))
open("some", "w").write("anew")
os.unlink("a/b/c/deep")
"""
    files = dict.fromkeys(("some", "a/b/c/deep", "ü 日"), _ALL_BYTES)
    ending = run(backend, Job(source=source, files=files, limits=ROOMY))
    return None if ending.stdout == b"True True\n" * 3 and not ending.status else described(ending)


def _files_out(backend: Backend) -> str | None:
    source = """
import os
os.makedirs("a/b")
for name in ("some", "a/b/deep", "empty", "ü 日"):
    open(name, "wb").write(bytes(range(256)) * 2 if name != "empty" else b"")
os.chmod("some", 0o400)
"""
    names = ("some", "a/b/deep", "empty", "ü 日", "given")
    ending = run(backend, Job(source=source, files={"given": b"given"}, fetch=names, limits=ROOMY))
    expected = dict.fromkeys(names, _ALL_BYTES) | {"empty": b"", "given": b"given"}
    if dict(ending.files) == expected and not ending.unfetched:
        return None
    return f"{described(ending)}, fetched {sorted(ending.files)} and not {dict(ending.unfetched)}"


def _fetch_of(*sizes: int) -> Job:
    source = "".join(f"open('f{n}', 'wb').write(bytes({size}))\n" for n, size in enumerate(sizes))
    names = tuple(f"f{number}" for number in range(len(sizes)))
    return Job(source=source, fetch=names, limits=_CAPPED)


def _fetch_limit(backend: Backend) -> str | None:
    for sizes in ((_CAP - 1,), (_CAP,), (_CAP // 2, _CAP - _CAP // 2)):
        ending = run(backend, _fetch_of(*sizes))
        if [len(content) for content in ending.files.values()] != list(sizes):
            return f"files of {sizes} bytes were not fetched: {dict(ending.unfetched)}"
    return _too_large(backend, _CAP + 1) or _too_large(backend, _CAP // 2, _CAP // 2 + 1)


def _too_large(backend: Backend, *sizes: int) -> str | None:
    ending = run(backend, _fetch_of(*sizes))
    are_whole = all(len(content) in sizes for content in ending.files.values())
    total = sum(len(content) for content in ending.files.values())
    if are_whole and total <= _CAP and "too_large" in ending.unfetched.values():
        return None
    return f"of files of {sizes} bytes came {total} bytes, and {dict(ending.unfetched)}"


def _odd_outputs(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_MAKE_ODD, fetch=tuple(_ODD), limits=ROOMY))
    if ending.status != 0:
        return described(ending)
    if ending.files:
        return f"fetched {sorted(ending.files)}"
    for name, reasons in _ODD.items():
        if ending.unfetched.get(name) not in reasons:
            return f"{name} is {ending.unfetched.get(name)}, not {' or '.join(reasons)}"
    return None


def _device_output(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_MAKE_DEVICE, fetch=("device",), limits=ROOMY))
    return breaches(ending) or (f"fetched {sorted(ending.files)}" if ending.files else None)


def _never_fetched(source: str, secret: str) -> Proof:
    """A proof that a file of this host is not fetched, however the program points there."""

    def prove(backend: Backend) -> str | None:
        with tempfile.NamedTemporaryFile(prefix="touchstone-selfcheck-") as file:
            Path(file.name).write_text(secret, encoding="utf-8")
            Path(file.name).chmod(0o644)
            names = ("out", f"folder/{Path(file.name).name}")
            job = Job(source=f"TARGET = {file.name!r}\n{source}", fetch=names, limits=ROOMY)
            return _foreign(run(backend, job))

    return prove


def _foreign(ending: Ending) -> str | None:
    foreign = {name: content for name, content in ending.files.items() if content != b"mine"}
    return f"fetched {foreign!r:.200}" if any(foreign.values()) else breaches(ending)


def _unsafe_names(kind: Literal["files", "fetch"]) -> Proof:
    def prove(_: Backend) -> str | None:
        for name in _UNSAFE_NAMES:
            try:
                if kind == "files":
                    Job(source="", files={name: b""})
                else:
                    Job(source="", fetch=(name,))
            except ValueError:
                continue
            return f"a Job takes the name {name[:20]!r}"
        return None

    return prove


def _nothing_written_outside(backend: Backend) -> str | None:
    name = f"touchstone-selfcheck-{secrets.token_hex(6)}"
    folders = {Path(tempfile.gettempdir()), Path.cwd(), Path("/")}
    files = {name: b"", f"{name}.d/below": b""}
    job = Job(source=f"open({name!r}); print('end')", files=files, limits=ROOMY)
    ending = run(backend, job)
    found = [str(folder / name) for folder in folders if os.path.lexists(folder / name)]
    return f"a file of a job is at {', '.join(found)} of this host" if found else breaches(ending)


CHECKS: Final = (
    Check("files in", "contract", _files_in, "Files of the job lie there, writable, executable."),
    Check("files out", "contract", _files_out, "Files are fetched as they are, folders and all."),
    Check("fetch limit", "contract", _fetch_limit, "One byte more than the limit is too large."),
    Check("odd outputs", "contract", _odd_outputs, "Regular files only, and through no link."),
    Check("device output", "capabilities", _device_output, "A device is neither made nor read."),
    Check(
        "hard link output",
        "root",
        _never_fetched(_HARD_LINK, "secret-of-the-host"),
        "A file from elsewhere cannot be linked into the work folder.",
    ),
    Check(
        "symlink race",
        "contract",
        _never_fetched(_RACE, "secret-of-the-host"),
        "Swapping files for links all the time gets nothing from elsewhere.",
    ),
    Check("names of files in", "contract", _unsafe_names("files"), "No name leads out of it."),
    Check("names of files out", "contract", _unsafe_names("fetch"), "No name leads out of it."),
    Check(
        "files stay in the box",
        "scratch",
        _nothing_written_outside,
        "Files of a job are not written beside this process.",
    ),
)
