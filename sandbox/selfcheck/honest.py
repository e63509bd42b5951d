"""Honest programs: what programs do that solve tasks works as on any machine."""

from __future__ import annotations

from typing import Final

from sandbox.contract import Limits
from sandbox.selfcheck.check import Check, prints

__all__ = ["CHECKS"]

_PLENTY: Final = Limits(cpu_s=10, wall_s=30, processes=64)


def _works(name: str, source: str, expected: str, promise: str) -> Check:
    return Check(name, "contract", prints(source, expected, limits=_PLENTY), promise)


_THREADS: Final = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda x: x * x, range(100))))
"""

_RECURSION: Final = """
import sys, threading
sys.setrecursionlimit(300_000)
threading.stack_size(1 << 28)
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)
thread = threading.Thread(target=lambda: print(depth(100_000)))
thread.start()
thread.join()
"""

_POOL: Final = """
from multiprocessing import Pool
def square(x):
    return x * x
if __name__ == "__main__":
    with Pool(2) as pool:
        print(sum(pool.map(square, [1, 2, 3])))
"""

_MULTIPROCESSING: Final = """
import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor
def add(total, lock, queue):
    for _ in range(100):
        with lock:
            total.value += 1
    queue.put(1)
if __name__ == "__main__":
    total, lock, queue = mp.Value("i", 0), mp.Lock(), mp.Queue()
    processes = [mp.Process(target=add, args=(total, lock, queue)) for _ in range(3)]
    [process.start() for process in processes]
    print(sum(queue.get() for _ in processes))
    [process.join() for process in processes]
    print(total.value)
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(abs, [-1, -2])))
"""

_SPAWN: Final = """
import multiprocessing as mp
def shout(queue):
    queue.put("spawned")
if __name__ == "__main__":
    context = mp.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=shout, args=(queue,))
    process.start()
    print(queue.get(timeout=20))
    process.join()
"""

_INTERPRETER: Final = """
import subprocess, sys
print(subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True).stdout)
"""

_SHELL: Final = """
import os, subprocess
print(subprocess.run("echo one two | tr a-z A-Z | cut -d' ' -f2", shell=True,
                     capture_output=True, text=True).stdout.strip())
print(os.popen("printf 'b\\\\na\\\\n' | sort | head -n 1").read().strip(), os.system("exit 3") >> 8)
with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
    print(cat.communicate(b"through")[0].decode())
"""

_LOOPBACK: Final = """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
def serve():
    connection, _ = server.accept()
    connection.sendall(connection.recv(9).upper())
    connection.close()
threading.Thread(target=serve).start()
client = socket.create_connection(server.getsockname())
client.sendall(b"ok")
print(client.recv(9).decode())
one, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
one.bind(("127.0.0.1", 0))
other.sendto(b"udp", one.getsockname())
print(one.recv(9).decode())
"""

_LOCALHOST: Final = """
import socket
with socket.create_server(("localhost", 0)) as server:
    with socket.create_connection(("localhost", server.getsockname()[1])):
        print("connected")
"""

_UNIX_SOCKETS: Final = """
import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind("/work/named")
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect("/work/named")
client.sendall(b"named")
print(server.accept()[0].recv(9).decode())
one, other = socket.socketpair()
one.sendall(b"pair")
print(other.recv(9).decode())
"""

_ASYNCIO: Final = """
import asyncio
async def twice(x):
    await asyncio.sleep(0.01)
    return 2 * x
async def main():
    print(await asyncio.gather(twice(1), twice(2)), await asyncio.to_thread(sum, [1, 2]))
    process = await asyncio.create_subprocess_exec("echo", "child", stdout=asyncio.subprocess.PIPE)
    print((await process.communicate())[0].decode().strip())
asyncio.run(main())
"""

_SQLITE: Final = """
import sqlite3
for place in (":memory:", "/work/base.db", "/tmp/base.db"):
    with sqlite3.connect(place) as base:
        base.execute("create table t (x)")
        base.executemany("insert into t values (?)", [(1,), (2,)])
        base.commit()
        print(base.execute("select sum(x) from t").fetchone()[0])
"""

_TEMPORARY: Final = """
import os, tempfile
with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w+") as file:
    file.write("kept")
    file.flush()
    print(open(file.name).read(), os.listdir(folder), os.path.dirname(file.name))
"""

_PICKLE: Final = """
import copy, dataclasses, enum, inspect, pickle, typing
@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: "typing.Optional[int]" = None
class Colour(enum.Enum):
    RED = 1
print(pickle.loads(pickle.dumps(Point(1, 2))), pickle.loads(pickle.dumps(Colour.RED)))
print(Point.__module__, Point, typing.get_type_hints(Point)["x"], copy.deepcopy(Point(3)))
print(inspect.getsource(Point).splitlines()[1])
import __main__
print(__main__.Point is Point)
"""
_PICKLED: Final = """Point(x=1, y=2) Colour.RED
__main__ <class '__main__.Point'> <class 'int'> Point(x=3, y=None)
class Point:
True
"""

_LOCKS: Final = """
import errno, fcntl
first, second = open("lock", "w"), open("lock", "w")
try:
    fcntl.flock(first, fcntl.LOCK_EX)
    try:
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        print("not kept out")
    except BlockingIOError:
        fcntl.flock(first, fcntl.LOCK_UN)
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError as error:
    if error.errno != errno.ENOSYS:
        raise
print("end")
"""

_SPECIAL_FILES: Final = """
import os
open("/dev/null", "w").write("gone")
print(repr(open("/dev/null").read()), open("/dev/zero", "rb").read(3))
print(len(open("/dev/urandom", "rb").read(4)), len(open("/dev/random", "rb").read(4)))
try:
    open("/dev/full", "w").write("x" * 10_000)
except OSError as error:
    print(error.errno)
reading, writing = os.pipe()
os.write(writing, b"by number")
os.close(writing)
print(open(f"/dev/fd/{reading}").read(), flush=True)
open("/dev/stdout", "a").write("to stdout\\n")
open("/dev/stderr", "a").write("to stderr\\n")
"""
_SPECIAL: Final = "'' b'\\x00\\x00\\x00'\n4 4\n28\nby number\nto stdout\n"

_MODULES: Final = """
import array, bisect, bz2, cmath, collections, ctypes, csv, decimal, difflib, fractions, functools
import gzip, hashlib, heapq, itertools, json, lzma, math, numbers, operator, queue, re, select
import shutil, ssl, statistics, string, struct, textwrap, unicodedata, uuid, xml.etree, zlib
print(decimal.Decimal(1) / 3, zlib.decompress(lzma.decompress(lzma.compress(zlib.compress(b"x")))))
print(hashlib.md5(b"").hexdigest()[:8], hashlib.blake2b(b"").hexdigest()[:8], math.isqrt(10**40))
"""

CHECKS: Final = (
    _works("threads", _THREADS, "328350\n", "A pool of threads does its work."),
    _works("deep recursion", _RECURSION, "100000\n", "A thread can have a stack of 256 MiB."),
    _works(
        "multiprocessing pool", _POOL, "14\n", "Workers fork, and find functions of the program."
    ),
    _works(
        "multiprocessing",
        _MULTIPROCESSING,
        "3\n300\n[1, 2]\n",
        "Locks, queues and shared values work.",
    ),
    _works("multiprocessing by spawn", _SPAWN, "spawned\n", "Workers start anew from the file."),
    _works("interpreter again", _INTERPRETER, "42\n\n", "sys.executable is an interpreter."),
    _works("shell", _SHELL, "TWO\na 3\nthrough\n", "A shell and its tools work, in pipes."),
    _works(
        "loopback server", _LOOPBACK, "OK\nudp\n", "A server and its client meet in one program."
    ),
    _works("localhost", _LOCALHOST, "connected\n", "The name localhost is known."),
    _works(
        "unix sockets",
        _UNIX_SOCKETS,
        "named\npair\n",
        "Sockets with a name, and pairs of them, work.",
    ),
    _works("asyncio", _ASYNCIO, "[2, 4] 3\nchild\n", "An event loop has its threads and children."),
    _works("sqlite", _SQLITE, "3\n3\n3\n", "A data base works in memory and in files."),
    _works("file locks", _LOCKS, "end\n", "A lock keeps others out, or is refused as unknown."),
    _works("temporary files", _TEMPORARY, "kept [] /tmp\n", "Temporary files lie in /tmp."),
    _works("pickled classes", _PICKLE, _PICKLED, "The program is the module __main__."),
    _works(
        "special files",
        _SPECIAL_FILES,
        _SPECIAL,
        "null, zero, full, random, fd and streams are there.",
    ),
    _works(
        "standard library",
        _MODULES,
        "0.3333333333333333333333333333 b'x'\nd41d8cd9 786a02f7 100000000000000000000\n",
        "Modules that stand on shared libraries can be imported.",
    ),
)
