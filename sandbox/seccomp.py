"""The system call filter of a program, as classic BPF and without a system library.

What is not named here is allowed: the layers around the program take care of it, and a program of
any language is to run as it is.
The filter is translated once per run, so it is a search tree over ranges of numbers: the kernel
walks it for each number it knows, and few instructions are few to translate.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

__all__ = [
    "CONDITIONAL",
    "FORBIDDEN",
    "MACHINES",
    "NEWEST",
    "filter_program",
    "lock_filter_program",
]


class Machine(NamedTuple):
    """One architecture: its mark in `seccomp_data`, its column below, numbers of another ABI."""

    audit_arch: int
    column: int
    unassigned: tuple[int, int]
    """Numbers below the newest that mean nothing today."""
    foreign: int | None = None
    """The lowest number of another ABI under the same mark."""


MACHINES: Final[dict[str, Machine]] = {
    "x86_64": Machine(0xC000003E, 0, (337, 423), foreign=0x4000_0000),  # x32
    "aarch64": Machine(0xC00000B7, 1, (295, 423)),
}
NEWEST: Final = 471
"""rseq_slice_yield, of Linux 7.0: what came later is unknown here."""

FORBIDDEN: Final[dict[int, dict[str, str]]] = {
    errno.EPERM: {
        "reads or steers another process": """
            ptrace 101/117  process_vm_readv 310/270  process_vm_writev 311/271  kcmp 312/272
            process_madvise 440/440  pidfd_getfd 438/438
        """,
        "kernel keyrings outlive the run and are shared by uid": """
            add_key 248/217  request_key 249/218  keyctl 250/219
        """,
        "large attack surface of the kernel, of no use to a program under test": """
            bpf 321/280  perf_event_open 298/241  userfaultfd 323/282  lookup_dcookie 212/18
            memfd_secret 447/447  vmsplice 278/75  modify_ldt 154/-
        """,
        "mounts": """
            mount 165/40  umount2 166/39  pivot_root 155/41  chroot 161/51  open_tree 428/428
            move_mount 429/429  fsopen 430/430  fsconfig 431/431  fsmount 432/432  fspick 433/433
            mount_setattr 442/442  statmount 457/457  listmount 458/458  open_tree_attr 467/467
        """,
        "namespaces": "setns 308/268  unshare 272/97  listns 470/470",
        "administers the host": """
            kexec_load 246/104  kexec_file_load 320/294  reboot 169/142  swapon 167/224
            swapoff 168/225  init_module 175/105  finit_module 313/273  delete_module 176/106
            iopl 172/-  ioperm 173/-  settimeofday 164/170  clock_settime 227/112
            clock_adjtime 305/266  adjtimex 159/171  sethostname 170/161  setdomainname 171/162
            acct 163/89  quotactl 179/60  quotactl_fd 443/443  syslog 103/116  vhangup 153/58
        """,
        "opens a file past its path, or watches files of others": """
            name_to_handle_at 303/264  open_by_handle_at 304/265  fanotify_init 300/262
            fanotify_mark 301/263  cachestat 451/451
        """,
        "places memory on nodes, which the run shares with others": """
            mbind 237/235  set_mempolicy 238/237  migrate_pages 256/238  move_pages 279/239
            set_mempolicy_home_node 450/450
        """,
        "obsolete": """
            uselib 134/-  ustat 136/-  sysfs 139/-  _sysctl 156/-  create_module 174/-
            get_kernel_syms 177/-  query_module 178/-  nfsservctl 180/42
        """,
    },
    errno.ENOSYS: {
        "its flags are out of the reach of a filter: clone takes its place": "clone3 435/435",
        "does work that no filter sees": """
            io_uring_setup 425/425  io_uring_enter 426/426  io_uring_register 427/427
        """,
        "a channel between runs, through a file that both may read": """
            inotify_init 253/-  inotify_init1 294/26  inotify_add_watch 254/27
            inotify_rm_watch 255/28
        """,
    },
}
"""By error and by reason, each call as `name x86_64/aarch64`; ENOSYS lets libraries fall back."""

_WORD: Final = 0xFFFF_FFFF


class Check(NamedTuple):
    """A test of one argument: masked, it must not be (or it must be) one of the values.

    Only the low word is looked at, as the kernel takes each of these as an `int` or narrower, and
    clone, whose flags are a `long`, drops the high word itself.
    """

    argument: int
    values: tuple[int, ...]
    error: int
    mask: int = _WORD
    values_pass: bool = False


_NEW_NAMESPACES: Final = 0x7E02_0000  # every CLONE_NEW*
_FILE_TYPE: Final = 0o170000
# A regular file (also as 0), a FIFO, a socket; what is left are devices.
_PLAIN_FILES: Final = (0, 0o100000, 0o010000, 0o140000)
_SOCKETS: Final = (
    # AF_UNIX, AF_INET, AF_INET6: every other family is attack surface, and AF_VSOCK has no
    # namespace.
    Check(0, (1, 2, 10), errno.EAFNOSUPPORT, values_pass=True),
    # SOCK_RAW, SOCK_PACKET; above the mask are SOCK_CLOEXEC and SOCK_NONBLOCK.
    Check(1, (3, 10), errno.EPERM, mask=0xF),
    # The default, ICMP, TCP, UDP, ICMPv6: any other loads a kernel module.
    Check(2, (0, 1, 6, 17, 58), errno.EPROTONOSUPPORT, values_pass=True),
)
CONDITIONAL: Final[dict[str, tuple[Check, ...]]] = {
    "clone 56/220": (Check(0, (0,), errno.EPERM, mask=_NEW_NAMESPACES, values_pass=True),),
    "mknod 133/-": (Check(1, _PLAIN_FILES, errno.EPERM, mask=_FILE_TYPE, values_pass=True),),
    "mknodat 259/33": (Check(2, _PLAIN_FILES, errno.EPERM, mask=_FILE_TYPE, values_pass=True),),
    # The query, the default, and ADDR_NO_RANDOMIZE, for debuggers and sanitizers.
    "personality 135/92": (Check(0, (0xFFFF_FFFF, 0, 0x004_0000), errno.EPERM, values_pass=True),),
    # F_SETLEASE, F_NOTIFY, F_SETDELEG: channels between runs, as file events are.
    "fcntl 72/25": (Check(1, (1024, 1026, 1040), errno.EPERM),),
    # TIOCSTI and TIOCLINUX type into a terminal, TIOCSETD loads a kernel module.
    "ioctl 16/29": (Check(1, (0x5412, 0x541C, 0x5423), errno.EPERM),),
    "socket 41/198": _SOCKETS,
    "socketpair 53/199": _SOCKETS,
}

_LOAD: Final = 0x20
_MASK: Final = 0x54
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06
_NUMBER_AT: Final = 0
_ARCH_AT: Final = 4
_ARGUMENTS_AT: Final = 16
_ALLOW: Final = 0x7FFF_0000
_KILL: Final = 0x8000_0000
_ERROR: Final = 0x0005_0000


class _Instruction(NamedTuple):
    """One instruction, whose jumps go to the first one of a label, or to the next for ""."""

    code: int
    value: int
    yes: str = ""
    no: str = ""
    label: str = ""


class _Range(NamedTuple):
    """Numbers from the first one up to the next range, and the label where they are decided."""

    first: int
    label: str


def filter_program(machine: str | None = None) -> bytes:
    """The filter for the machine, this one by default; an OSError where that is not known."""
    here = _machine(machine)
    return _assemble(
        [
            _Instruction(_LOAD, _ARCH_AT),
            _Instruction(_EQUAL, here.audit_arch, no="kill"),
            _Instruction(_LOAD, _NUMBER_AT),
            *_search(_ranges(here), label=""),
            *_conditions(here),
            *_returns(),
        ]
    )


def lock_filter_program(machine: str | None = None) -> bytes:
    """One to be attached beside it where two runs see the same inodes: locks are a channel then."""
    (number,) = _numbers("flock 73/32", _machine(machine))
    return _assemble(
        [
            _Instruction(_LOAD, _NUMBER_AT),
            _Instruction(_EQUAL, number, no="allow"),
            _Instruction(_RETURN, _ERROR | errno.ENOSYS),
            _Instruction(_RETURN, _ALLOW, label="allow"),
        ]
    )


def _machine(name: str | None) -> Machine:
    name = name or platform.machine()
    if name not in MACHINES:
        known = " and ".join(MACHINES)
        raise OSError(f"no system call filter for the machine {name!r}, only for {known}")
    return MACHINES[name]


def _ranges(machine: Machine) -> list[_Range]:
    labels = dict.fromkeys(range(NEWEST + 1), "allow")
    first, last = machine.unassigned
    labels |= dict.fromkeys(range(first, last + 1), _error_label(errno.ENOSYS))
    for error, reasons in FORBIDDEN.items():
        for number in _numbers(" ".join(reasons.values()), machine):
            labels[number] = _error_label(error)
    for call, checks in CONDITIONAL.items():
        for number in _numbers(call, machine):
            labels[number] = _check_label(checks, 0)
    labels[NEWEST + 1] = _error_label(errno.ENOSYS)
    if machine.foreign is not None:
        labels[machine.foreign] = "kill"
    ranges: list[_Range] = []
    for number in sorted(labels):
        if not ranges or ranges[-1].label != labels[number]:
            ranges.append(_Range(number, labels[number]))
    return ranges


def _numbers(calls: str, machine: Machine) -> list[int]:
    columns = [numbers.split("/")[machine.column] for numbers in calls.split()[1::2]]
    return [int(number) for number in columns if number != "-"]


def _error_label(error: int) -> str:
    return f"error {error}"


def _check_label(checks: Sequence[Check], index: int) -> str:
    return f"check {checks[index:]}" if index < len(checks) else "allow"


def _search(ranges: Sequence[_Range], *, label: str) -> Iterator[_Instruction]:
    """A balanced tree; a range at a leaf is jumped to, and costs no instruction."""
    middle = len(ranges) // 2
    lower, upper = ranges[:middle], ranges[middle:]
    first = upper[0].first
    no = lower[0].label if len(lower) == 1 else ""
    yes = upper[0].label if len(upper) == 1 else f"from {first}" if len(lower) > 1 else ""
    yield _Instruction(_AT_LEAST, first, yes, no, label)
    if len(lower) > 1:
        yield from _search(lower, label="")
    if len(upper) > 1:
        yield from _search(upper, label=f"from {first}")


def _conditions(machine: Machine) -> Iterator[_Instruction]:
    present = (checks for call, checks in CONDITIONAL.items() if _numbers(call, machine))
    for checks in dict.fromkeys(present):
        for index, check in enumerate(checks):
            label = _check_label(checks, index)
            # Both machines are little-endian: the low word is the first one.
            yield _Instruction(_LOAD, _ARGUMENTS_AT + 8 * check.argument, label=label)
            if check.mask != _WORD:
                yield _Instruction(_MASK, check.mask)
            error, onward = _error_label(check.error), _check_label(checks, index + 1)
            found, exhausted = (onward, error) if check.values_pass else (error, onward)
            *earlier, last = check.values
            for value in earlier:
                yield _Instruction(_EQUAL, value, yes=found)
            yield _Instruction(_EQUAL, last, yes=found, no=exhausted)


def _returns() -> Iterator[_Instruction]:
    errors = {check.error for checks in CONDITIONAL.values() for check in checks}
    for error in sorted(errors.union(FORBIDDEN)):
        yield _Instruction(_RETURN, _ERROR | error, label=_error_label(error))
    yield _Instruction(_RETURN, _ALLOW, label="allow")
    yield _Instruction(_RETURN, _KILL, label="kill")


def _assemble(instructions: Sequence[_Instruction]) -> bytes:
    places = {step.label: place for place, step in enumerate(instructions) if step.label}
    program = bytearray()
    for here, step in enumerate(instructions):
        yes, no = (places[label] - here - 1 if label else 0 for label in (step.yes, step.no))
        program += struct.pack("=HBBI", step.code, yes, no, step.value)
    return bytes(program)
