"""The scratch folders: limited in bytes and inodes, all together; nothing else is writable."""

from __future__ import annotations

from typing import Final

from sandbox.contract import Backend, Job, Limits
from sandbox.selfcheck.check import MIB, Check, contained, described, prints, run

__all__ = ["CHECKS"]

_DISK: Final = 8 * MIB
_INODES: Final = 200
_LIMITS: Final = Limits(cpu_s=10, wall_s=30, disk_bytes=_DISK, inodes=_INODES)

_UNDER: Final = f"""
for folder in ("/work", "/tmp", "/dev/shm"):
    content = b"x" * ({_DISK} // 4)
    open(f"{{folder}}/some", "wb").write(content)
    print(open(f"{{folder}}/some", "rb").read() == content)
"""

# A process may well write more files than one, and a file have a limit of its own.
_FILL: Final = f"""
written = 0
for folder in FOLDERS:
    for number in range(64):
        try:
            with open(f"{{folder}}/fill{{number}}", "wb", buffering=0) as file:
                for _ in range(16):
                    if written < 2 * {_DISK}:
                        written += file.write(bytes(1 << 16))
        except OSError:
            pass
print(written)
"""

_ALLOCATE: Final = f"""
import os
def allocate(name, size):
    try:
        os.posix_fallocate(os.open(name, os.O_RDWR | os.O_CREAT), 0, size)
        return size
    except OSError:
        return 0
if allocate("/work/one", 2 * {_DISK}):
    print("twice the limit, in one file")
parts = sum(allocate(f"{{folder}}/part", {_DISK} // 2) for folder in ("/work", "/tmp", "/dev/shm"))
if parts > {_DISK}:
    print("three halves of the limit, in three folders")
print("end")
"""

_SPARSE: Final = """
import os
for size in (1 << 33, 1 << 40):
    try:
        os.truncate(os.open("/work/sparse", os.O_RDWR | os.O_CREAT), size)
    except OSError:
        pass
open("/work/small", "w").write("small")
"""

_MAKE_FILES: Final = f"""
import os
made = 0
try:
    while made < 3 * {_INODES}:
        os.close(os.open(f"{{FOLDERS[made % len(FOLDERS)]}}/f{{made}}", os.O_WRONLY | os.O_CREAT))
        made += 1
except OSError:
    pass
print(made)
"""

_DEEP: Final = """
import os
depth = 0
try:
    while depth < 3000:
        os.mkdir("d")
        os.chdir("d")
        depth += 1
except OSError:
    pass
print(depth)
"""

_ELSEWHERE: Final = """
import os, time
SCRATCH = {"/work", "/tmp", "/dev/shm"}
# These hold no files but what the kernel shows.
SHOWN = {"/proc", "/sys", "/dev/mqueue", "/dev/pts", "/dev/fd"}
until = time.monotonic() + 5
for folder, below, _ in os.walk("/"):
    below[:] = [b for b in below if os.path.join(folder, b) not in SCRATCH | SHOWN]
    if os.access(folder, os.W_OK):
        print(folder)
    if time.monotonic() > until:
        break
print("end")
"""

_READ_ONLY: Final = """
import os, sys
places = ["/", "/bin", "/dev", "/etc", "/home", "/lib", "/opt", "/root", "/run", "/usr", "/usr/bin"]
places += ["/usr/lib", "/var", "/var/lib"]
places += [sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)]
for place in places:
    name = f"{place}/touchstone-selfcheck"
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except OSError:
        continue
    os.unlink(name)
    print(place)
for name in (sys.executable, os.__file__, "/bin/sh", "/etc/passwd", "/etc/hosts"):
    try:
        os.close(os.open(name, os.O_RDWR))
    except OSError:
        continue
    print(name)
print("end")
"""


def _with_folders(source: str, *folders: str) -> str:
    return f"FOLDERS = {folders!r}\n{source}"


def _count(backend: Backend, source: str) -> int:
    return int(run(backend, Job(source=source, limits=_LIMITS)).stdout)


def _fill_work(backend: Backend) -> str | None:
    written = _count(backend, _with_folders(_FILL, "/work"))
    if 0.85 * _DISK <= written <= _DISK:
        return None
    return f"{written} bytes went into /work, where the limit is {_DISK}"


def _fill_all(backend: Backend) -> str | None:
    written = _count(backend, _with_folders(_FILL, "/dev/shm", "/tmp", "/work"))  # noqa: S108
    if written <= _DISK:
        return None
    return f"{written} bytes went into the three folders, where the limit is {_DISK}"


def _sparse(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_SPARSE, limits=_LIMITS, fetch=("sparse", "small")))
    if ending.files.get("small") != b"small" or ending.status != 0:
        return f"{described(ending)}, and fetched {sorted(ending.files)}"
    if len(ending.files.get("sparse", b"")) > _LIMITS.fetch_bytes:
        return "a sparse file was fetched, beyond the limit"
    return None


def _inodes(backend: Backend) -> str | None:
    made = _count(backend, _with_folders(_MAKE_FILES, "/work"))
    if 0.8 * _INODES <= made <= _INODES:
        return None
    return f"{made} files went into /work, where the limit is {_INODES}"


def _inodes_all(backend: Backend) -> str | None:
    made = _count(backend, _with_folders(_MAKE_FILES, "/work", "/tmp", "/dev/shm"))  # noqa: S108
    if made <= _INODES:
        return None
    return f"{made} files went into the three folders, where the limit is {_INODES}"


def _deep(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_DEEP, fetch=("d/d/d",)))
    if ending.kind != "exited" or ending.unfetched.get("d/d/d") != "not_regular":
        return described(ending)
    return prints("import os; print('d' in os.listdir('.'))", "False\n")(backend)


CHECKS: Final = (
    Check(
        "disk under the limit",
        "contract",
        prints(_UNDER, "True\nTrue\nTrue\n", limits=_LIMITS),
        "Three quarters of the limit can be written, a third of it in each scratch folder.",
    ),
    Check("disk fill", "scratch", _fill_work, "The work folder takes no more than the limit."),
    Check(
        "disk fill over all folders",
        "scratch",
        _fill_all,
        "/work, /tmp and /dev/shm together take no more than the limit.",
    ),
    Check(
        "fallocate",
        "scratch",
        contained(_ALLOCATE, limits=_LIMITS),
        "No more can be allocated than the limit.",
    ),
    Check("sparse file", "scratch", _sparse, "A file with a hole of a terabyte costs nothing."),
    Check("inode fill", "scratch", _inodes, "The work folder takes no more files than the limit."),
    Check(
        "inode fill over all folders",
        "scratch",
        _inodes_all,
        "/work, /tmp and /dev/shm together take no more files than the limit.",
    ),
    Check("deep directory tree", "scratch", _deep, "A tree 3,000 deep is cleaned away."),
    Check(
        "writable folders",
        "root",
        contained(_ELSEWHERE),
        "No folder is writable but the scratch folders.",
    ),
    Check(
        "read-only root",
        "root",
        contained(_READ_ONLY),
        "The system's and the interpreter's folders cannot be written.",
    ),
)
