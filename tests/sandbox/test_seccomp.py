"""The filter as a program for either machine, walked by a small interpreter."""

from __future__ import annotations

import errno
import struct
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.seccomp import CONDITIONAL, FORBIDDEN, MACHINES, NEWEST, filter_program

ALLOW: Final = 0x7FFF_0000
KILL: Final = 0x8000_0000
ERROR: Final = 0x0005_0000
RETURN: Final = 0x06
FOREIGN: Final = (0x4000_0003, 0x4000_0028, 0)  # AUDIT_ARCH_I386, AUDIT_ARCH_ARM, none

machines = st.sampled_from(sorted(MACHINES))
words = st.integers(0, 2**32 - 1)


def _verdict(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter returns: a tiny interpreter of the six instructions that it uses."""
    mark = MACHINES[machine].audit_arch if arch is None else arch
    six = [argument % 2**64 for argument in (*arguments, *[0] * 6)][:6]
    data = struct.pack("=IIQ6Q", number, mark, 0, *six)
    steps = list(struct.iter_unpack("=HBBI", filter_program(machine)))
    value = place = 0
    while True:
        code, yes, no, operand = steps[place]
        place += 1
        if code == RETURN:
            return int(operand)
        if code == 0x20:
            (value,) = struct.unpack_from("=I", data, operand)
        elif code == 0x54:
            value &= operand
        else:
            place += yes if {0x15: value == operand, 0x35: value >= operand}[code] else no


def _named(calls: str) -> list[tuple[str, dict[str, int]]]:
    """Each name, with its number on the machines that have it."""
    words = calls.split()
    found = []
    for name, numbers in zip(words[::2], words[1::2], strict=True):
        pairs = zip(("x86_64", "aarch64"), numbers.split("/"), strict=True)
        found.append((name, {machine: int(number) for machine, number in pairs if number != "-"}))
    return found


REFUSED: Final = [
    (machine, name, number, error)
    for error, reasons in FORBIDDEN.items()
    for calls in reasons.values()
    for name, numbers in _named(calls)
    for machine, number in numbers.items()
]
LOOKED_AT: Final = {
    (machine, name): number
    for calls in CONDITIONAL
    for name, numbers in _named(calls)
    for machine, number in numbers.items()
}


@pytest.mark.parametrize("machine", MACHINES)
def test_every_path_ends_in_a_return(machine: str) -> None:
    program = filter_program(machine)
    steps = list(struct.iter_unpack("=HBBI", program))
    assert len(steps) * 8 == len(program)
    assert len(steps) < 160  # translated once per run
    assert steps[-1][0] == RETURN
    for place, (code, yes, no, _) in enumerate(steps[:-1]):
        assert place + 1 + max(yes, no) < len(steps)  # and there is no jump back
        assert code in {0x20, 0x54, 0x15, 0x35, RETURN}
    reached = {0}
    for place, (code, yes, no, _) in enumerate(steps):
        if place in reached and code != RETURN:
            reached |= {place + 1 + yes, place + 1 + no} if code in {0x15, 0x35} else {place + 1}
    assert reached == set(range(len(steps)))


@pytest.mark.parametrize("machine", MACHINES)
def test_no_number_is_written_down_twice(machine: str) -> None:
    numbers = [number for where, _, number, _ in REFUSED if where == machine]
    numbers += [number for (where, _), number in LOOKED_AT.items() if where == machine]
    assert len(numbers) == len(set(numbers))
    assert max(numbers) <= NEWEST


def test_each_forbidden_call_is_refused_for_its_reason() -> None:
    wrong = [row for row in REFUSED if _verdict(row[0], row[2]) != ERROR | row[3]]
    assert wrong == []


@pytest.mark.parametrize("machine", MACHINES)
def test_all_else_that_is_known_is_allowed(machine: str) -> None:
    first, last = MACHINES[machine].unassigned
    refused = {number for where, _, number, _ in REFUSED if where == machine}
    looked_at = {number for (where, _), number in LOOKED_AT.items() if where == machine}
    refused |= looked_at | set(range(first, last + 1))
    for number in set(range(NEWEST + 1)) - refused:
        assert _verdict(machine, number) == ALLOW, number


@given(machines, st.integers(NEWEST + 1, 2**30 - 1), st.lists(words, max_size=6))
def test_numbers_of_a_newer_kernel_are_not_implemented(
    machine: str, number: int, arguments: list[int]
) -> None:
    assert _verdict(machine, number, *arguments) == ERROR | errno.ENOSYS


@given(st.integers(2**30, 2**32 - 1))
def test_x32_numbers_kill(number: int) -> None:
    assert _verdict("x86_64", number) == KILL
    assert _verdict("aarch64", number) == ERROR | errno.ENOSYS


@given(machines, words, words)
def test_another_architecture_kills(machine: str, number: int, arch: int) -> None:
    if arch != MACHINES[machine].audit_arch:
        assert _verdict(machine, number, arch=arch) == KILL
    for foreign in FOREIGN:
        assert _verdict(machine, number, arch=foreign) == KILL


def test_an_unknown_machine_is_named() -> None:
    with pytest.raises(OSError, match="riscv64"):
        filter_program("riscv64")


# name, arguments, error (0: allowed)
ARGUMENTS: Final[list[tuple[str, tuple[int, ...], int]]] = [
    ("clone", (17,), 0),
    ("clone", (0x003D_0F00,), 0),  # a thread of glibc
    ("clone", (0x4111,), 0),  # vfork of posix_spawn
    *[("clone", (flag | 17,), errno.EPERM) for flag in (
        0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000
    )],
    *[(name, place, error) for kind, error in (
        (0o644, 0), (0o100644, 0), (0o010644, 0), (0o140644, 0),
        (0o020644, errno.EPERM), (0o060644, errno.EPERM), (0o120644, errno.EPERM),
        (0o200000_020644, errno.EPERM),  # the kernel takes sixteen bits
    ) for name, place in (("mknod", (0, kind)), ("mknodat", (0, 0, kind)))],
    *[("personality", (value,), 0) for value in (0xFFFF_FFFF, 0, 0x4_0000, 2**32)],
    *[("personality", (value,), errno.EPERM) for value in (8, 0x40_0000, 0x4_0001)],
    *[("fcntl", (0, command), 0) for command in (0, 1, 2, 3, 4, 5, 6, 7, 37, 1025, 1030, 1031)],
    *[("fcntl", (0, command), errno.EPERM) for command in (1024, 1026, 1040, 2**32 + 1024)],
    *[("ioctl", (0, command), 0) for command in (0x5401, 0x5413, 0x541B, 0x5421, 0x8912)],
    *[("ioctl", (0, command), errno.EPERM) for command in (0x5412, 0x541C, 0x5423, 2**40 | 0x5412)],
    *[(name, (family, kind, protocol), error)
      for name in ("socket", "socketpair")
      for family, kind, protocol, error in (
        (1, 1, 0, 0), (1, 5, 0, 0), (2, 1, 6, 0), (2, 2, 17, 0), (10, 1, 0, 0), (10, 2, 58, 0),
        (2, 0o2004001, 6, 0),  # SOCK_CLOEXEC and SOCK_NONBLOCK
        *[(other, 1, 0, errno.EAFNOSUPPORT) for other in (0, 3, 4, 9, 11, 16, 17, 29, 38, 40, 44)],
        (2, 3, 1, errno.EPERM), (10, 3, 58, errno.EPERM), (2, 10, 0, errno.EPERM),
        (2, 0o2000003, 1, errno.EPERM),
        *[(2, 1, other, errno.EPROTONOSUPPORT) for other in (33, 115, 132, 136, 262, 255)],
      )],
]  # fmt: skip


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_decide_some_calls(machine: str) -> None:
    rows = [row for row in ARGUMENTS if (machine, row[0]) in LOOKED_AT]
    assert {row[0] for row in rows} == {name for where, name in LOOKED_AT if where == machine}
    for name, arguments, error in rows:
        verdict = _verdict(machine, LOOKED_AT[machine, name], *arguments)
        assert verdict == (ERROR | error if error else ALLOW), (name, arguments)


@given(machines, st.sampled_from(ARGUMENTS), st.lists(words, min_size=6, max_size=6))
def test_high_words_change_nothing(
    machine: str, row: tuple[str, tuple[int, ...], int], high: list[int]
) -> None:
    name, arguments, _ = row
    number = LOOKED_AT.get((machine, name), LOOKED_AT[machine, "fcntl"])
    raised = [low % 2**32 | word << 32 for low, word in zip(arguments, high, strict=False)]
    assert _verdict(machine, number, *raised) == _verdict(machine, number, *arguments)
