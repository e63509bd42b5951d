"""The filter as the kernel of this host takes it, attached to real processes."""

from __future__ import annotations

import errno
import json
import platform
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from sandbox.seccomp import NEWEST
from tests.sandbox.test_seccomp import ARGUMENTS, LOOKED_AT, REFUSED

ROOT: Final = Path(__file__).parents[2]
PRELUDE: Final = f"""
import ctypes, json, os, resource, sys
sys.path.insert(0, {str(ROOT)!r})
from sandbox import confinement, seccomp
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.syscall.argtypes = [ctypes.c_long] + [ctypes.c_ulong] * 6
confinement.limit_resources({{resource.RLIMIT_CORE: 0}})
confinement.drop_capabilities()
confinement.forbid_new_privileges()
confinement.forbid_syscalls(seccomp.filter_program())
"""


def _filtered(code: str, folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """What became of the code under the filter."""
    return subprocess.run(
        [sys.executable, "-I", "-c", PRELUDE + code],
        input=given,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=60,
        check=False,
    )


def test_the_kernel_refuses_each_forbidden_call(tmp_path: Path) -> None:
    here = platform.machine()
    asked: list[tuple[str, int, list[int], int]] = []
    asked += [(name, number, [], error) for where, name, number, error in REFUSED if where == here]
    asked += [
        (name, LOOKED_AT[here, name], list(arguments), error)
        for name, arguments, error in ARGUMENTS
        if error and (here, name) in LOOKED_AT
    ]
    asked += [(f"number {n}", n, [], errno.ENOSYS) for n in (NEWEST + 1, 2**30 - 1)]
    code = """
for name, number, arguments, error in json.load(sys.stdin):
    ctypes.set_errno(0)
    answer = libc.syscall(number, *(arguments + [0] * 6)[:6])
    if (answer, ctypes.get_errno()) != (-1, error):
        print(name, arguments, answer, ctypes.get_errno())
"""
    ended = _filtered(code, tmp_path, json.dumps(asked))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


X32: Final = "libc.syscall(0x40000000 + 39, 0, 0, 0, 0, 0, 0)"
# mov eax, 20 (getpid); int 0x80; ret
COMPAT: Final = """
import mmap
memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write(bytes.fromhex("b814000000cd80c3"))
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()
"""
FATAL: Final = {"x86_64": [X32, COMPAT]}.get(platform.machine(), [])


def test_the_kernel_kills_for_calls_of_another_abi(tmp_path: Path) -> None:
    for code in FATAL:
        ended = _filtered(code, tmp_path)
        assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGSYS, "", ""), code


ORDINARY: Final = {
    "threads": """
import threading
seen = []
for thread in (threads := [threading.Thread(target=seen.append, args=(i,)) for i in range(8)]):
    thread.start()
for thread in threads:
    thread.join()
assert sorted(seen) == list(range(8))
""",
    "subprocess": """
import subprocess
for close_fds in (True, False):
    command = ["/bin/sh", "-c", "echo hi | cat"]
    assert subprocess.check_output(command, close_fds=close_fds) == b"hi\\n"
assert os.posix_spawn("/bin/sh", ["sh", "-c", "true"], {}) > 0
assert os.wait()[1] == 0
""",
    "fork": """
if (pid := os.fork()) == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
""",
    "multiprocessing": """
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(abs, [-1, -2, 3]) == [1, 2, 3]
    pool.close()
    pool.join()
""",
    "loopback": """
import socket
for family, kind, address in [
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
    (socket.AF_UNIX, socket.SOCK_STREAM, "s"),
]:
    with socket.socket(family, kind) as server, socket.socket(family, kind) as client:
        server.bind(address)
        server.listen()
        client.connect(server.getsockname())
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"hi")
            assert client.recv(9) == b"hi"
assert socket.getaddrinfo("127.0.0.1", 80)
""",
    "asyncio": """
import asyncio
async def main():
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", "exit 3")
    return await process.wait()
assert asyncio.run(main()) == 3
""",
    "files": """
import fcntl, mmap, shutil, tempfile
os.mkfifo("fifo")
os.mknod("plain")
with tempfile.TemporaryFile() as file:
    file.write(b"hi")
    file.flush()
    fcntl.lockf(file, fcntl.LOCK_EX)
    with mmap.mmap(file.fileno(), 2) as memory:
        assert memory[:] == b"hi"
with tempfile.NamedTemporaryFile(dir=".") as file:
    shutil.copy(file.name, "copy")
os.link("copy", "again")
os.symlink("copy", "link")
""",
    "sqlite3": """
import sqlite3
for mode in ("delete", "wal"):
    with sqlite3.connect(f"{mode}.db") as base:
        assert base.execute(f"pragma journal_mode={mode}").fetchall() == [(mode,)]
        base.execute("create table t(x)")
        base.execute("insert into t values (1)")
        base.commit()
        assert base.execute("select * from t").fetchall() == [(1,)]
    base.close()
""",
    "time and chance": """
import random, secrets, signal, time
time.sleep(0.001)
signal.setitimer(signal.ITIMER_REAL, 9)
assert time.time() > 1e9 and time.monotonic() > 0 and time.process_time() > 0 and time.localtime()
assert len(os.urandom(8)) == len(secrets.token_bytes(8)) == 8
assert random.SystemRandom().random() < 1
os.nice(1), os.sched_getaffinity(0), os.uname(), os.getloadavg()
""",
    "another filter on top": "confinement.forbid_syscalls(seccomp.filter_program())",
}


@pytest.mark.parametrize("code", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_programs_run(code: str, tmp_path: Path) -> None:
    ended = _filtered(code, tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_the_second_filter_refuses_locks_and_nothing_else(tmp_path: Path) -> None:
    code = """
import fcntl
with open("lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    confinement.forbid_syscalls(seccomp.lock_filter_program())
    try:
        fcntl.flock(lock, fcntl.LOCK_UN)
    except OSError as error:
        print(error.errno)
    fcntl.lockf(lock, fcntl.LOCK_EX)
"""
    done = _filtered(code, tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{errno.ENOSYS}\n"), done.stderr
