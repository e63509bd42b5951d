"""Privileges: a run has none, cannot get any, and cannot lift its own limits."""

from __future__ import annotations

from typing import Final

from sandbox.selfcheck.check import Check, contained

__all__ = ["CHECKS"]

_NOT_ROOT: Final = """
import os
for name, value in (("uid", os.getresuid()), ("gid", os.getresgid())):
    if 0 in value:
        print(name, *value)
NOBODY = 65534
for group in {*os.getgroups()} - {os.getgid(), NOBODY}:
    print("group", group)
print("end")
"""

_BECOME: Final = """
import os
for name, become in {
    "setuid": lambda: os.setuid(0),
    "setgid": lambda: os.setgid(0),
    "setreuid": lambda: os.setreuid(0, 0),
    "setresuid": lambda: os.setresuid(0, 0, 0),
    "setresgid": lambda: os.setresgid(0, 0, 0),
    "setgroups": lambda: os.setgroups([0]),
    "another uid": lambda: os.setuid(os.getuid() + 1),
    "chown": lambda: os.chown("/work/main.py", 0, 0),
}.items():
    child = os.fork()
    if child == 0:
        try:
            become()
        except OSError:
            os._exit(0)
        os._exit(1)
    if os.waitpid(child, 0)[1]:
        print(name)
print("end")
"""

_CAPABILITIES: Final = """
import ctypes, os
for line in open("/proc/self/status"):
    name, _, value = line.partition(":")
    if name.startswith("Cap") and int(value, 16):
        print(line.strip())
prctl = ctypes.CDLL(None).prctl
for capability in range(64):
    if prctl(23, capability, 0, 0, 0) == 1:
        print("bounding set:", capability)
print("end")
"""

_NO_NEW_PRIVILEGES: Final = """
import ctypes
if ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) != 1:
    print("new privileges")
for line in open("/proc/self/status"):
    if line.startswith("NoNewPrivs") and line.split()[1] != "1":
        print(line.strip())
print("end")
"""

_LIMITS: Final = """
import resource
for name in ("NPROC", "FSIZE", "AS", "CPU", "CORE", "NOFILE", "MEMLOCK", "MSGQUEUE"):
    number = getattr(resource, "RLIMIT_" + name, 12)
    hard = resource.getrlimit(number)[1]
    try:
        resource.setrlimit(number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        continue
    print(name, "has no limit" if hard == resource.RLIM_INFINITY else "was raised")
print("end")
"""

_PRIORITY: Final = """
import os
def real_time():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
for name, raise_it in {"nice": lambda: os.nice(-5), "real time": real_time}.items():
    child = os.fork()
    if child == 0:
        try:
            raise_it()
        except OSError:
            os._exit(0)
        os._exit(1)
    if os.waitpid(child, 0)[1]:
        print(name)
print("end")
"""

_CORE: Final = """
import os, resource
if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):
    print("limit", resource.getrlimit(resource.RLIMIT_CORE))
before = {*os.listdir("/work"), *os.listdir("/tmp")}
child = os.fork()
if child == 0:
    os.abort()
if os.WCOREDUMP(os.waitpid(child, 0)[1]):
    print("a core was dumped")
for name in {*os.listdir("/work"), *os.listdir("/tmp")} - before:
    print(name)
print("end")
"""

# TIOCSTI would type into a terminal of the owner: where there is one, that is enough.
_TERMINAL: Final = """
import fcntl, os
for descriptor in (0, 1, 2):
    if os.isatty(descriptor):
        print("descriptor", descriptor)
        continue
    try:
        fcntl.ioctl(descriptor, 0x5412, b"x")
        print("typed into", descriptor)
    except OSError:
        pass
try:
    os.close(os.open("/dev/tty", os.O_RDWR))
    print("/dev/tty")
except OSError:
    pass
if open("/proc/self/stat").read().rpartition(")")[2].split()[4] != "0":
    print("a controlling terminal")
print("end")
"""

# Of the first, the mere opening asks for the right to write; nothing is written.
_SETTINGS: Final = """
import glob, os
for path in (
    "/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger",
    "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/fs/file-max",
    "/proc/1/oom_score_adj", "/proc/irq/default_smp_affinity", "/proc/mtrr", "/proc/kcore",
):
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        continue
    print(path)
try:
    with open("/proc/self/oom_score_adj", "r+") as file:
        if int(file.read()) > -1000:
            file.seek(0)
            file.write("-1000")
            file.flush()
            print("oom_score_adj")
except OSError:
    pass
print("end")
"""

_SYS: Final = """
import itertools, os
files = (os.path.join(f, name) for f, _, names in os.walk("/sys") for name in names)
for path in itertools.islice(files, 20_000):
    if os.access(path, os.W_OK):
        print(path)
if os.path.isdir("/sys") and os.listdir("/sys"):
    if not os.statvfs("/sys").f_flag & os.ST_RDONLY:
        print("/sys is not read-only")
print("end")
"""

_READ_KERNEL: Final = """
import os
for path in ("/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
             "/proc/1/environ", "/sys/firmware/dmi/tables/DMI", "/sys/kernel/debug/sched/debug"):
    try:
        if os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 9) and "environ" not in path:
            print(path)
    except OSError:
        pass
if os.path.exists("/proc/kallsyms"):
    if any(line.split()[0].strip("0") for line in open("/proc/kallsyms")):
        print("addresses of the kernel")
print("end")
"""

_DEVICES: Final = """
import glob, os, stat
for path in (
    "/dev/kvm", "/dev/kmsg", "/dev/mem", "/dev/port", "/dev/vda", "/dev/sda", "/dev/nvme0n1",
    "/dev/fuse", "/dev/loop0", "/dev/loop-control", "/dev/net/tun", "/dev/vsock",
    "/dev/vhost-vsock", "/dev/uinput", "/dev/nvidia0", "/dev/nvidiactl", "/dev/dri/card0",
    "/dev/snd/seq", "/dev/hwrng", "/dev/rtc0", "/dev/userfaultfd",
):
    for mode in (os.O_RDONLY, os.O_RDWR):
        try:
            os.close(os.open(path, mode | os.O_NONBLOCK))
            print(path)
        except OSError:
            pass
# null, zero, full, random, urandom, tty, console, ptmx; 136 and on are pseudo-terminals.
HARMLESS = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)}
for folder, _, names in os.walk("/dev"):
    for name in names:
        status = os.lstat(os.path.join(folder, name))
        number = os.major(status.st_rdev), os.minor(status.st_rdev)
        if stat.S_ISBLK(status.st_mode):
            print(os.path.join(folder, name))
        elif stat.S_ISCHR(status.st_mode) and number not in HARMLESS and number[0] != 136:
            print(os.path.join(folder, name))
print("end")
"""

CHECKS: Final = (
    Check("not root", "uid", contained(_NOT_ROOT), "Neither uid, gid nor any group is root's."),
    Check("become root", "capabilities", contained(_BECOME), "No other user can be become."),
    Check("capabilities", "capabilities", contained(_CAPABILITIES), "All five sets are empty."),
    Check(
        "no new privileges",
        "no_new_privs",
        contained(_NO_NEW_PRIVILEGES),
        "Set-uid bits and file capabilities mean nothing.",
    ),
    Check("raise own limits", "rlimits", contained(_LIMITS), "Each is finite and stays."),
    Check("raise priority", "capabilities", contained(_PRIORITY), "No run goes before others."),
    Check("core dumps", "rlimits", contained(_CORE), "A crash leaves no core."),
    Check("terminal", "descriptors", contained(_TERMINAL), "The owner's terminal is not there."),
    Check("kernel settings", "root", contained(_SETTINGS), "/proc changes nothing of the host."),
    Check("sys and cgroups", "root", contained(_SYS), "/sys is not there, or read-only."),
    Check("kernel memory", "root", contained(_READ_KERNEL), "/proc shows no kernel memory."),
    Check("devices", "root", contained(_DEVICES), "No device but null, zero, random and tty."),
)
