"""The host: its files, environment, descriptors and processes are out of sight."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from sandbox.contract import Backend, Job
from sandbox.selfcheck.check import ROOMY, Check, breaches, contained, described, run

__all__ = ["CHECKS"]

_CANARY: Final = ".touchstone-selfcheck-"
_LOOK_FOR: Final = """
import os
roots = ["", "/proc/self/root", "/../../.."]
roots += [f"/proc/{p}/{d}" for p in (1, os.getppid()) for d in ("root", "cwd", "root/..")]
for path in PATHS:
    for root in roots:
        if os.path.lexists(root + path):
            print(root + path)
print("end")
"""

# The same folder has the same numbers in every mount namespace.
_SAME_FOLDERS: Final = """
import os
for path, numbers in FOLDERS.items():
    try:
        status = os.stat(path)
    except OSError:
        continue
    if (status.st_dev, status.st_ino) == numbers:
        print(path)
print("end")
"""
# Of /usr, which /bin and /lib may lead to, the box may well show the host's.
_OF_THE_HOST: Final = (
    *("/", "/boot", "/etc", "/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/var"),
    *("/var/lib", "/var/log", "/dev"),
)

_KEPT_FILES: Final = """
import glob, os
for pattern in (
    "/etc/shadow*", "/etc/gshadow*", "/etc/sudoers", "/etc/ssh/*key", "/etc/krb5.keytab",
    "/etc/ssl/private/*", "/boot/*", "/root/.ssh/*", "/root/.*history", "/home/*/.ssh/*",
    "/var/lib/docker/*", "/var/run/secrets/*", "/run/secrets/*", "/etc/kubernetes/*",
):
    for path in glob.glob(pattern):
        if os.access(path, os.R_OK):
            print(path)
for pattern in (
    "/run/*.sock", "/run/*/*.sock", "/run/dbus/*", "/run/systemd/*", "/var/run/*.sock",
    "/tmp/.X11-unix/*", "/run/user/*",
):
    for path in glob.glob(pattern):
        print(path)
print("end")
"""

_HOMES: Final = """
import glob, os, sys
# The interpreter may live there, as pyenv has it; nothing beside it is to be seen.
needed = [os.path.realpath(p) + "/" for p in (sys.base_prefix, sys.prefix, sys.executable)]
for home in {*HOMES, *glob.glob("/home/*")} - {"/work"}:
    try:
        below = os.listdir(home)
    except OSError:
        continue
    for name in below:
        path = os.path.join(home, name)
        if not any(n.startswith(path + "/") for n in needed) and os.access(path, os.R_OK):
            print(path)
print("end")
"""

_ENVIRONMENTS: Final = """
import glob, json, os
entries = {f"{name}={value}" for name, value in os.environ.items()}
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        entries |= {e.decode(errors="replace") for e in open(path, "rb").read().split(b"\\0")}
    except OSError:
        pass
print(json.dumps(sorted(entries - {""})))
"""
_NAMES_AT_MOST: Final = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "USER", "LOGNAME", "HOSTNAME", "TZ"}
    | {"PWD", "OLDPWD", "SHLVL", "_"}
)
_PREFIX_AT_MOST: Final = "PYTHON"
_TELL_NOTHING: Final = (
    "PATH=",
    "LANG=",
    "LC_",
    "PYTHON",
    "TZ=",
    "TMPDIR=",
    "HOME=",
    "SHLVL=",
    "_=",
)

_DESCRIPTORS: Final = """
import os, resource
names = os.listdir("/proc/self/fd")
for name in names:
    if int(name) > 2:
        try:
            print(name, os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            pass
for descriptor in {*range(3, 4096), WANTED}:
    try:
        os.fstat(descriptor)
        print("descriptor", descriptor)
    except OSError:
        pass
print("end")
"""

_PROCESSES: Final = """
import os
seen = [name for name in os.listdir("/proc") if name.isdigit()] if os.path.isdir("/proc") else []
if len(seen) > 4:
    print(len(seen), "processes")
print("end")
"""

_OTHER_PROCESSES: Final = """
import os
for name in os.listdir("/proc"):
    if not name.isdigit() or int(name) == os.getpid():
        continue
    for what in ("mem", "maps", "auxv"):
        try:
            if os.read(os.open(f"/proc/{name}/{what}", os.O_RDONLY), 9):
                print(name, what)
        except OSError:
            pass
    try:
        descriptors = os.listdir(f"/proc/{name}/fd")
    except OSError:
        continue
    for descriptor in descriptors:
        path = f"/proc/{name}/fd/{descriptor}"
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            if os.readlink(path) != "/dev/null":
                print(path, os.readlink(path))
        except OSError:
            pass
print("end")
"""

# Signal 0 asks whether a process could be signalled, and does nothing to it. SIGKILL is sent to
# all only where this is another pid namespace than the owner's, and a small one.
_SIGNALS: Final = """
import os, signal
own = {os.getpid(), os.getppid(), 1}
seen = {int(name) for name in os.listdir("/proc") if name.isdigit()}
for process in (seen | {*range(2, 400)}) - own:
    try:
        os.kill(process, 0)
        print("process", process, "can be signalled")
    except OSError:
        pass
if os.readlink("/proc/self/ns/pid") == NAMESPACE:
    print("the owner's pid namespace")
elif len(seen) <= 4:
    for target in (-1, os.getppid(), 1):
        if target != 0:
            try:
                os.kill(target, signal.SIGKILL)
            except OSError:
                pass
print("end")
"""


def _canaries(backend: Backend) -> str | None:
    folders = {tempfile.gettempdir(), str(Path.cwd()), "/var/tmp", "/dev/shm"}  # noqa: S108
    with ExitStack() as stack:
        paths = []
        for folder in sorted(folders):
            with suppress(OSError):
                file = stack.enter_context(tempfile.NamedTemporaryFile(prefix=_CANARY, dir=folder))
                Path(file.name).chmod(0o644)
                paths.append(file.name)
        return _look_for(backend, paths)


def _host_folders(backend: Backend) -> str | None:
    folders = {}
    for path in (*_OF_THE_HOST, tempfile.gettempdir(), str(Path(__file__).resolve().parents[2])):
        with suppress(OSError):
            status = Path(path).stat()
            folders[path] = (status.st_dev, status.st_ino)
    source = f"FOLDERS = {folders!r}\n{_SAME_FOLDERS}"
    return breaches(run(backend, Job(source=source, limits=ROOMY)))


def _look_for(backend: Backend, paths: list[str]) -> str | None:
    return breaches(run(backend, Job(source=f"PATHS = {paths!r}\n{_LOOK_FOR}", limits=ROOMY)))


def _own_source(backend: Backend) -> str | None:
    project = Path(__file__).resolve().parents[2]
    names = ("sandbox/contract.py", "pyproject.toml", ".git", "service/__init__.py", ".venv/bin")
    needed = [Path(sys.prefix).resolve(), Path(sys.executable).resolve()]
    paths = [
        str(project / name)
        for name in names
        if not any(place.is_relative_to(project / name) for place in needed)
    ]
    return _look_for(backend, paths)


def _homes(backend: Backend) -> str | None:
    homes = {"/root"}
    # A user without an entry in passwd has no home.
    with suppress(RuntimeError, KeyError):
        homes.add(str(Path.home()))
    return breaches(run(backend, Job(source=f"HOMES = {sorted(homes)!r}\n{_HOMES}", limits=ROOMY)))


def _environment(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_ENVIRONMENTS, limits=ROOMY))
    if ending.status != 0:
        return described(ending)
    for entry in json.loads(ending.stdout):
        name, _, value = entry.partition("=")
        if name not in _NAMES_AT_MOST and not name.startswith(_PREFIX_AT_MOST):
            return f"the program has the variable {name}"
        if name == "HOME" and value != "/work":
            return f"HOME is {value}, not /work"
    return None


def _owners_environment(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_ENVIRONMENTS, limits=ROOMY))
    if ending.status != 0:
        return described(ending)
    own = set(Path("/proc/self/environ").read_text("utf-8", "replace").split("\0")) - {""}
    telling = {entry for entry in own if not entry.startswith(_TELL_NOTHING)}
    seen = sorted(telling.intersection(json.loads(ending.stdout)))
    return f"the program has the owner's {seen[0].partition('=')[0]}" if seen else None


_HIGH: Final = 500
"""A number that is open nowhere by accident, and below what any shell allows."""


def _descriptors(backend: Backend) -> str | None:
    with tempfile.TemporaryFile() as file:
        os.set_inheritable(file.fileno(), True)
        high = fcntl.fcntl(file.fileno(), fcntl.F_DUPFD, _HIGH)
        try:
            source = f"WANTED = {high}\n{_DESCRIPTORS}"
            return breaches(run(backend, Job(source=source, limits=ROOMY)))
        finally:
            os.close(high)


def _signals(backend: Backend) -> str | None:
    namespace = str(Path("/proc/self/ns/pid").readlink())
    job = Job(source=f"NAMESPACE = {namespace!r}\n{_SIGNALS}", limits=ROOMY)
    return breaches(run(backend, job)) or breaches(run(backend, Job(source="print('end')")))


CHECKS: Final = (
    Check("host files", "root", _canaries, "A file of this host is nowhere to be found."),
    Check("host folders", "root", _host_folders, "No folder of the host but its programs'."),
    Check("secret files", "root", contained(_KEPT_FILES), "No shadow file, key or socket."),
    Check("own source", "root", _own_source, "The source of this project is not there."),
    Check("home folders", "root", _homes, "No home folder can be looked into."),
    Check("environment", "environment", _environment, "PATH, HOME, LANG and a few more, no other."),
    Check(
        "environment of the owner",
        "environment",
        _owners_environment,
        "No process of the box has a variable of the process that started it.",
    ),
    Check("inherited descriptors", "descriptors", _descriptors, "Descriptors 0, 1 and 2 only."),
    Check("other processes", "pids", contained(_PROCESSES), "Only the run's own can be seen."),
    Check(
        "memory of other processes",
        "uid",
        contained(_OTHER_PROCESSES),
        "No process has memory or descriptors that another opens.",
    ),
    Check("signals to everybody", "pids", _signals, "Signals reach the run's own processes only."),
)
