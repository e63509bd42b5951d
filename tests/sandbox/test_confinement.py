"""What a process does to itself, done by real processes."""

from __future__ import annotations

import ast
import errno
import json
import platform
import resource
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "sandbox" / "confinement.py"

PRELUDE: Final = f"""
import ctypes, json, os, resource, sys
sys.path.insert(0, {str(ROOT)!r})
from sandbox import confinement, seccomp

def state():
    with open("/proc/self/status") as status:
        lines = [line.split() for line in status]
    return {{line[0][:-1]: line[1] for line in lines if len(line) == 2}}
"""


def _child(code: str, given: object = None) -> Any:  # whatever JSON the code writes
    """What the code writes to stdout, run in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-I", "-c", PRELUDE + code],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def test_it_stands_alone() -> None:
    text = SOURCE.read_text(encoding="utf-8")
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module))
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    code = text + "\nforbid_new_privileges()\nclose_descriptors(3)\n"
    subprocess.run([sys.executable, "-I", "-S", "-"], input=code, text=True, check=True, timeout=60)


UNLIMITED: Final = resource.RLIM_INFINITY


def test_limits_are_lowered_and_never_raised() -> None:
    code = """
number = resource.RLIMIT_CPU
resource.setrlimit(number, (60, resource.getrlimit(number)[1]))
seen = []
for value in json.load(sys.stdin):
    confinement.limit_resources({number: value, resource.RLIMIT_CORE: 0})
    seen.append([*resource.getrlimit(number), *resource.getrlimit(resource.RLIMIT_CORE)])
json.dump(seen, sys.stdout)
"""
    given = [UNLIMITED, 500, 501, UNLIMITED, 499]
    first = resource.getrlimit(resource.RLIMIT_CPU)[1]
    assert first == UNLIMITED, "the tests are run with a limit on CPU time"
    expected = [[limit, limit, 0, 0] for limit in (UNLIMITED, 500, 500, 500, 499)]
    assert _child(code, given) == expected


SETS: Final = ("CapInh", "CapPrm", "CapEff", "CapAmb")


def test_capabilities_are_dropped_also_where_none_is_left() -> None:
    code = """
before = state()
if int(before["CapPrm"], 16) & 1:  # the permitted set as the inheritable one, one of it ambient
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    held = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.capget(header, held)
    held[2], held[5] = held[1], held[4]
    libc.capset(header, held)
    assert libc.prctl(47, 2, 0, 0, 0) == 0, ctypes.get_errno()
    assert int(state()["CapAmb"], 16) == 1
confinement.drop_capabilities()
after = state()
confinement.drop_capabilities()
json.dump([before, after, state()], sys.stdout)
"""
    before, after, again = _child(code)
    may_drop = int(before["CapEff"], 16) >> 8 & 1  # CAP_SETPCAP
    for now in (after, again):
        assert {int(now[name], 16) for name in SETS} == {0}
        assert int(now["CapBnd"], 16) == (0 if may_drop else int(before["CapBnd"], 16))


def test_the_bounding_set_is_emptied_before_a_change_of_user() -> None:
    code = """
before = state()
confinement.empty_bounding_set()
json.dump([before, state()], sys.stdout)
"""
    before, after = _child(code)
    if int(before["CapEff"], 16) >> 8 & 1:
        assert int(after["CapBnd"], 16) == 0
    assert {after[name] == before[name] for name in SETS} == {True}


def test_privileges_and_syscalls_are_forbidden() -> None:
    code = """
program = seccomp.filter_program()
if json.load(sys.stdin):
    confinement.prepare(program)
before = state()
confinement.forbid_new_privileges()
confinement.forbid_syscalls(program)
json.dump([[now["NoNewPrivs"], now["Seccomp"]] for now in (before, state())], sys.stdout)
"""
    for is_prepared in (False, True):
        (privileges, _), after = _child(code, is_prepared)
        assert (privileges, after) == ("0", ["1", "2"])


def test_descriptors_are_closed_from_the_first_on() -> None:
    code = """
pairs = [os.pipe() for _ in range(20)]
kept = pairs[9][1]
confinement.close_descriptors(kept + 1)
confinement.close_descriptors(5000)
json.dump([kept, max(map(int, os.listdir("/proc/self/fd"))), os.fstat(kept).st_nlink], sys.stdout)
"""
    kept, highest, links = _child(code)
    assert highest in {kept, kept + 1}  # the one that lists
    assert links == 1


def _refusing(number: int) -> bytes:
    """A filter under which this one call fails with EIO."""
    return struct.pack("=HBBIHBBIHBBIHBBI", *(
        0x20, 0, 0, 0, 0x15, 0, 1, number, 0x06, 0, 0, 0x0005_0000 | errno.EIO,
        0x06, 0, 0, 0x7FFF_0000,
    ))  # fmt: skip


COLUMN: Final = ("x86_64", "aarch64").index(platform.machine())
FAILING: Final = [
    ("forbid_new_privileges()", (157, 167)[COLUMN], "forbid_new_privileges"),
    ("forbid_syscalls(b'')", (157, 167)[COLUMN], "forbid_syscalls"),
    ("empty_bounding_set()", (157, 167)[COLUMN], "empty_bounding_set"),
    ("drop_capabilities()", (126, 91)[COLUMN], "drop_capabilities"),
    ("close_descriptors(3)", 436, "close_descriptors"),
]


@pytest.mark.parametrize(("call", "number", "step"), FAILING)
def test_a_step_that_fails_is_named(call: str, number: int, step: str) -> None:
    code = f"""
confinement.forbid_new_privileges()
confinement.forbid_syscalls(bytes.fromhex({_refusing(number).hex()!r}))
try:
    confinement.{call}
except OSError as error:
    json.dump([error.errno, str(error)], sys.stdout)
"""
    number, message = _child(code)
    assert number == errno.EIO
    assert step in message


def test_a_file_that_may_not_be_read_is_missing(tmp_path: Path) -> None:
    (tmp_path / "shut").write_bytes(b"")
    (tmp_path / "shut").chmod(0)
    code = """
confinement.drop_capabilities()
folder = os.open(json.load(sys.stdin), os.O_RDONLY)
json.dump(confinement.collect(folder, ["shut"], most_bytes=9), sys.stdout)
"""
    assert _child(code, str(tmp_path)) == [{}, {"shut": "missing"}]
