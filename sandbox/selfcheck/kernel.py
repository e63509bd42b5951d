"""System calls that no program under test needs: each is refused, or kills who makes it.

The arguments are such that a call that is not refused does nothing: it fails with another error.
"""

from __future__ import annotations

from typing import Final

from sandbox.contract import LayerName
from sandbox.selfcheck.check import Check, contained

__all__ = ["CHECKS"]

_ATTEMPT: Final = """
import ctypes, errno, mmap, os, platform, time

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
COLUMN = {"x86_64": 0, "aarch64": 1}[platform.machine()]
REFUSED = {errno.EPERM, errno.ENOSYS, errno.EACCES}

def attempt(name, what):
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if what() else 7)
        except OSError as error:
            os._exit(0 if error.errno in REFUSED else 7)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7:
        print(name)

def call(name, numbers, *arguments):
    number = numbers[COLUMN]
    words = [a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    def refused():
        result = libc.syscall(ctypes.c_long(number), *words)
        return result == -1 and ctypes.get_errno() in REFUSED
    if number is not None:
        attempt(name, refused)
"""


def _refused(name: str, layer: LayerName, attempts: str, *, promise: str) -> Check:
    return Check(name, layer, contained(f"{_ATTEMPT}{attempts}\nprint('end')"), promise)


_IO_URING: Final = """
call("io_uring_setup", (425, 425), 8, 0)
call("io_uring_enter", (426, 426), -1, 0, 0, 0, 0, 0)
call("io_uring_register", (427, 427), -1, 0, 0, 0)
"""

_KEYRINGS: Final = """
call("keyctl", (250, 219), 0, -4, 0)
call("keyctl join", (250, 219), 1, 0)
call("add_key", (248, 217), 0, 0, 0, 0, -4)
call("request_key", (249, 218), 0, 0, 0, 0)
"""

_TRACING: Final = """
call("ptrace traceme", (101, 117), 0, 0, 0, 0)
call("ptrace seize", (101, 117), 0x4206, os.getppid(), 0, 0)
call("process_vm_readv", (310, 270), os.getpid(), 0, 0, 0, 0, 0)
call("process_vm_writev", (311, 271), os.getpid(), 0, 0, 0, 0, 0)
call("pidfd_getfd", (438, 438), -1, 0, 0)
call("kcmp", (312, 272), os.getpid(), os.getpid(), 0, 0, 0)
"""

_KERNEL_TOOLS: Final = """
call("bpf", (321, 280), 0, 0, 0)
call("perf_event_open", (298, 241), 0, 0, -1, -1, 0)
call("userfaultfd", (323, 282), 1)
call("modify_ldt", (154, None), 0, 0, 0)
call("syslog", (103, 116), 10, 0, 0)
"""

_MOUNTS: Final = """
os.mkdir("below")
call("mount", (165, 40), b"none", b"/work/below", b"no-such-file-system", 0, 0)
call("umount2", (166, 39), b"/work/below", 0)
call("pivot_root", (155, 41), b"/work/below", b"/work/below")
call("open_tree", (428, 428), -1, b"no-such-file", 0)
call("move_mount", (429, 429), -1, b"", -1, b"", 0)
call("fsopen", (430, 430), b"no-such-file-system", 0)
call("fspick", (433, 433), -1, b"no-such-file", 0)
call("mount_setattr", (442, 442), -1, b"no-such-file", 0, 0, 0)
"""

_NAMESPACES: Final = """
for name, flag in {
    "user": 0x1000_0000, "mount": 0x2_0000, "pid": 0x2000_0000, "network": 0x4000_0000,
    "ipc": 0x800_0000, "uts": 0x400_0000, "cgroup": 0x200_0000,
}.items():
    call("unshare " + name, (272, 97), flag)
    # Refused before the rest is looked at, or EINVAL: these two flags exclude each other.
    call("clone " + name, (56, 220), flag | 0x200 | 0x2_0000 | 0x11, 0, 0, 0, 0)
call("setns", (308, 268), -1, 0)
"""

# The size is too small for the kernel to look further.
_CLONE3: Final = """
call("clone3", (435, 435), 0, 0)
"""

_CHROOT: Final = """
attempt("chroot", lambda: os.chroot("/tmp"))
"""

_MKNOD: Final = """
attempt("character device", lambda: os.mknod("/tmp/c", 0o020666, os.makedev(1, 3)))
attempt("block device", lambda: os.mknod("/tmp/b", 0o060666, os.makedev(7, 0)))
"""

_ADMINISTER: Final = """
call("kexec_load", (246, 104), 0, 0, 0, -1)
call("kexec_file_load", (320, 294), -1, -1, 0, 0, -1)
call("reboot", (169, 142), 0, 0, 0, 0)
call("swapon", (167, 224), b"/no-such-file", 0)
call("swapoff", (168, 225), b"/no-such-file")
call("init_module", (175, 105), 0, 0, 0)
call("finit_module", (313, 273), -1, 0, 0)
call("delete_module", (176, 106), b"no-such-module", 0)
call("acct", (163, 89), b"/no-such-file")
call("sethostname", (170, 161), b"", -1)
call("setdomainname", (171, 162), b"", -1)
call("iopl", (172, None), 3)
call("ioperm", (173, None), 0, 1, 1)
"""

_CLOCK: Final = """
attempt("clock_settime", lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()))
call("settimeofday", (164, 170), 0, 0)
"""

_FILE_HANDLES: Final = """
call("open_by_handle_at", (304, 265), -1, 0, 0)
call("name_to_handle_at", (303, 264), -1, 0, 0, 0, 0)
call("fanotify_init", (300, 262), -1, 0)
"""

# getpid by another entrance: mov eax, 20; int 0x80; ret, which is writev to nowhere elsewhere.
_FOREIGN: Final = """
def by_interrupt():
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)() <= 0
def by_x32():
    return libc.syscall(ctypes.c_long(0x4000_0000 | 39)) <= 0
if COLUMN == 0:
    attempt("int 0x80", by_interrupt)
    attempt("x32", by_x32)
"""

_PERSONALITY: Final = """
call("read-implies-exec", (135, 92), 0x40_0000)
call("32 bit", (135, 92), 8)
"""

_TYPING: Final = """
import fcntl
def type_into_own():
    main, own = os.openpty()
    fcntl.ioctl(own, 0x5412, b"x")
def attempt_typing():
    try:
        main, own = os.openpty()
    except OSError:
        return
    os.close(main), os.close(own)
    attempt("TIOCSTI", type_into_own)
attempt_typing()
"""

CHECKS: Final = (
    _refused("io_uring", "seccomp", _IO_URING, promise="No call is made where no filter sees it."),
    _refused("keyrings", "seccomp", _KEYRINGS, promise="No key outlives its run."),
    _refused("tracing", "seccomp", _TRACING, promise="No process reads or steers another."),
    _refused("kernel tools", "seccomp", _KERNEL_TOOLS, promise="No bpf, perf or userfaultfd."),
    _refused("mounts", "seccomp", _MOUNTS, promise="Nothing is mounted or unmounted."),
    _refused("namespaces", "seccomp", _NAMESPACES, promise="No new one is made, none is entered."),
    _refused("clone3", "seccomp", _CLONE3, promise="No clone whose flags a filter cannot see."),
    _refused("chroot", "capabilities", _CHROOT, promise="The root stays where it is."),
    _refused("device nodes", "capabilities", _MKNOD, promise="No device is made."),
    _refused("administration", "capabilities", _ADMINISTER, promise="No module, swap or reboot."),
    _refused("clock set", "capabilities", _CLOCK, promise="The clock cannot be set."),
    _refused("file handles", "seccomp", _FILE_HANDLES, promise="No file is opened past its path."),
    _refused("foreign calls", "seccomp", _FOREIGN, promise="No 32-bit and no x32 system call."),
    _refused("personality", "seccomp", _PERSONALITY, promise="Memory protection stays as it is."),
    _refused("typing into a terminal", "seccomp", _TYPING, promise="TIOCSTI is refused."),
)
