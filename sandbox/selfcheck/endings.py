"""Beginnings and endings: what a program finds when it starts, and how each way to end is told."""

from __future__ import annotations

import time
from typing import Final

from sandbox.contract import Backend, Ending, Job
from sandbox.selfcheck.check import ROOMY, Check, at_once, described, prints, run

__all__ = ["CHECKS"]

_START: Final = """
import os, sys
print(os.getcwd(), __name__, __file__ in ("/work/main.py", "main.py"), os.environ["HOME"])
print(len(sys.argv), os.path.abspath(sys.argv[0]), os.path.abspath(sys.path[0] or "."))
print(sys.flags.optimize, sys.stdin.name, sys.stdout.name, __doc__)
"""
_STARTED: Final = """/work __main__ True /work
1 /work/main.py /work
0 <stdin> <stdout> None
"""

_CLEAN_NAMES: Final = """
names = set(globals()) - {
    "__name__", "__doc__", "__package__", "__loader__", "__spec__", "__annotations__",
    "__builtins__", "__file__", "__cached__", "__conditional_annotations__", "__warningregistry__",
}
import sys
print(sorted(names))
print([n for n in sys.modules if n.split(".")[0] in ("sandbox", "service", "graders")])
print(sys.gettrace(), sys.getprofile(), __import__("threading").active_count())
"""

_CLEAN_SIGNALS: Final = """
import os, signal, time
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
USUAL = {signal.SIGPIPE: signal.SIG_IGN, signal.SIGXFSZ: signal.SIG_IGN,
         signal.SIGINT: signal.default_int_handler}
print([n for n in range(1, 32) if signal.getsignal(n) != USUAL.get(n, signal.SIG_DFL)])
rung = []
signal.signal(signal.SIGALRM, lambda *_: rung.append("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)  # the first may ring before it is waited for
signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
print(rung[0])
signal.signal(signal.SIGUSR1, lambda *_: print("user"))
os.kill(os.getpid(), signal.SIGUSR1)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupt")
try:
    signal.alarm(1), signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
    time.sleep(5)
except ZeroDivisionError:
    print("time-out of its own")
"""
_SIGNALS_SEEN: Final = "set()\n[]\nalarm\nuser\ninterrupt\ntime-out of its own\n"

_AT_EXIT: Final = """
import atexit, threading, time, weakref
class Last: pass
last = Last()
weakref.finalize(last, print, "finalized")
atexit.register(print, "at exit")
said = threading.Event()
threading.Thread(target=lambda: (said.wait(), time.sleep(0.1), print("thread"))).start()
file = open("/work/out", "w")
file.write("x" * 1000)
sub = open("/work/sub", "wb", buffering=1 << 20)
sub.write(b"y" * 100_000)
print("main")
said.set()
"""

_AT_EXIT_PRINTED: Final = {
    b"main\nthread\nat exit\nfinalized\n",
    b"main\nthread\nfinalized\nat exit\n",
}

_FORKED: Final = """
import os
child = os.fork()
if child == 0:
    print("child")
else:
    os.waitpid(child, 0)
    print("parent")
"""

_CLOCKS: Final = """
import datetime, os, random, secrets, time
started, counted = time.time(), time.perf_counter()
time.sleep(0.05)
print(0.04 < time.time() - started < 5, 0.04 < time.perf_counter() - counted < 5)
print(abs(time.time() - NOW) < 60, datetime.datetime.now().year >= 2024, time.process_time() < 60)
random.seed(1)
print(random.random(), len(os.urandom(8)), len(secrets.token_hex(8)), os.cpu_count() > 0)
"""

_LOCALE: Final = """
import locale, sys
print("żółć 漢字 🎉 é")
open("файл", "w").write("ñ")
print(open("файл").read(), open("файл", "rb").read())
print(sys.stdout.encoding.lower(), sys.getfilesystemencoding())
print(locale.getpreferredencoding().lower())
print(input())
"""

_LOCALIZED: Final = """żółć 漢字 🎉 é
ñ b'\\xc3\\xb1'
utf-8 utf-8
utf-8
čeština
"""

_UNCAUGHT: Final = """def divide(x):
    return x / 0


divide(1)
"""

_STATUSES: Final = {
    "pass": 0,
    "exit()": 0,
    "exit(3)": 3,
    "import sys; sys.exit(0)": 0,
    "import sys; sys.exit(300)": 300 % 256,
    "import sys; sys.exit('told')": 1,
    "raise SystemExit": 0,
    "raise SystemExit(5)": 5,
    "import os; os._exit(7)": 7,
    "1 / 0": 1,
    "def": 1,
    "import no_such_module": 1,
    "import threading; threading.Thread(target=lambda: 1 / 0).start()": 0,
    "import os; os.fork() == 0 and os._exit(4)": 0,
    "import os, sys; sys.stdout.close()": 0,
}

_SIGNALS: Final = {
    "import os; os.abort()": 6,
    "import os; os.kill(os.getpid(), 15)": 15,
    "import os; os.kill(os.getpid(), 9)": 9,
    "import os; os.kill(os.getpid(), 1)": 1,
    "import ctypes; ctypes.string_at(0)": 11,
}


def _statuses(backend: Backend) -> str | None:
    jobs = [Job(source=source, limits=ROOMY) for source in _STATUSES]
    for (source, status), ending in zip(_STATUSES.items(), at_once(backend, jobs), strict=True):
        if (ending.kind, ending.status) != ("exited", status):
            return f"{source!r}: {described(ending)}, not exited with status {status}"
    return None


def _deaths(backend: Backend) -> str | None:
    jobs = [Job(source=source, limits=ROOMY) for source in _SIGNALS]
    for (source, signal), ending in zip(_SIGNALS.items(), at_once(backend, jobs), strict=True):
        if (ending.kind, ending.signal) != ("signalled", signal):
            return f"{source!r}: {described(ending)}, not signalled by {signal}"
    return None


def _traceback(ending: Ending, *wanted: str) -> str | None:
    """None where stderr shows the wanted parts, and no file but the program's own."""
    lines = ending.stderr.decode(errors="replace").splitlines()
    files = {line.strip().split(",")[0] for line in lines if line.strip().startswith("File ")}
    own = {'File "/work/main.py"', 'File "main.py"'}
    if ending.status == 1 and files <= own and all(part in "\n".join(lines) for part in wanted):
        return None
    return f"{described(ending)}, not a traceback with {', '.join(wanted)} and of main.py alone"


def _uncaught(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_UNCAUGHT, limits=ROOMY))
    return _traceback(
        ending, "Traceback", 'main.py", line 2, in divide', "return x / 0", "ZeroDivisionError"
    )


def _syntax_error(backend: Backend) -> str | None:
    ending = run(backend, Job(source="x = 1\nif x\n    pass\n", limits=ROOMY))
    return _traceback(ending, 'main.py", line 2', "if x", "SyntaxError")


def _at_exit(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_AT_EXIT, fetch=("out", "sub"), limits=ROOMY))
    if ending.stdout not in _AT_EXIT_PRINTED:
        return f"{described(ending)}, not what is printed at exit"
    if dict(ending.files) == {"out": b"x" * 1000, "sub": b"y" * 100_000}:
        return None
    sizes = {name: len(content) for name, content in ending.files.items()}
    return f"of files that were open at exit came {sizes}, not 1000 and 100000 bytes"


def _clocks(backend: Backend) -> str | None:
    expected = "True True\nTrue True True\n0.13436424411240122 8 16 True\n"
    return prints(f"NOW = {time.time()}\n{_CLOCKS}", expected)(backend)


def _own_modules(backend: Backend) -> str | None:
    files = {"beside.py": b"def f(): return 'beside'", "pack/__init__.py": b"", "pack/in.py": b""}
    files["pack/within.py"] = b"from beside import f\nvalue = f() + ' within'"
    files["data.txt"] = b"data"
    source = (
        "import beside, pack.within\nprint(beside.f(), pack.within.value, open('data.txt').read())"
    )
    ending = run(backend, Job(source=source, files=files, limits=ROOMY))
    as_expected = ending.stdout == b"beside beside within data\n"
    return None if as_expected else described(ending)


def _preloaded(backend: Backend) -> str | None:
    source = "import sys; print('fractions' in sys.modules); import fractions, bisect\nprint(1)"
    job = Job(source=source, preload=("fractions", "bisect"), limits=ROOMY)
    ending = run(backend, job)
    return None if ending.stdout in (b"True\n1\n", b"False\n1\n") else described(ending)


def _executed(backend: Backend) -> str | None:
    script = b"#!/bin/sh\nread line\necho $line $1 $(pwd) $HOME\nexit 9\n"
    for program in ("./tool", "/work/tool", "sh"):
        argv = (program, "one") if program != "sh" else ("sh", "./tool", "one")
        ending = run(backend, Job(argv=argv, files={"tool": script}, stdin=b"line\n", limits=ROOMY))
        if (ending.kind, ending.status, ending.stdout) != ("exited", 9, b"line one /work /work\n"):
            return f"{argv}: {described(ending)}, not status 9 and stdout 'line one /work /work'"
    return None


def _no_program(backend: Backend) -> str | None:
    wanted = {"nowhere": 127, "./text": 126}
    for program, status in wanted.items():
        job = Job(argv=(program,), files={"text": b"no program"}, limits=ROOMY)
        ending = run(backend, job)
        if (ending.kind, ending.status) != ("exited", status):
            return f"{program}: {described(ending)}, not status {status}"
        if program not in ending.stderr.decode():
            return f"stderr does not name {program}: {described(ending)}"
    return None


def _killed_shell(backend: Backend) -> str | None:
    ending = run(backend, Job(argv=("/bin/sh", "-c", "kill -TERM $$"), limits=ROOMY))
    if (ending.kind, ending.signal) == ("signalled", 15):
        return None
    return f"{described(ending)}, not signalled by 15"


CHECKS: Final = (
    Check(
        "start",
        "contract",
        prints(_START, _STARTED),
        "A program starts as /work/main.py, in /work.",
    ),
    Check(
        "clean names",
        "contract",
        prints(_CLEAN_NAMES, "[]\n[]\nNone None 1\n"),
        "A program finds no name, module or thread of ours.",
    ),
    Check(
        "signals",
        "contract",
        prints(_CLEAN_SIGNALS, _SIGNALS_SEEN),
        "Handlers, masks and timers are as on any machine.",
    ),
    Check("own modules", "contract", _own_modules, "Files of the job can be imported."),
    Check("preloaded modules", "contract", _preloaded, "Preloading changes nothing but speed."),
    Check("executed program", "contract", _executed, "A file of the job, or of PATH, is executed."),
    Check(
        "executed program killed", "contract", _killed_shell, "The signal that killed it is told."
    ),
    Check("no such program", "contract", _no_program, "It ends as in a shell: with 127 or 126."),
    Check("exit statuses", "contract", _statuses, "The status of every way to exit is told."),
    Check("deadly signals", "contract", _deaths, "The signal that killed the program is told."),
    Check("uncaught exception", "contract", _uncaught, "The traceback shows the program alone."),
    Check("syntax error", "contract", _syntax_error, "It is shown with the line at fault."),
    Check("at exit", "contract", _at_exit, "Functions run, threads end and files are complete."),
    Check(
        "forked child prints",
        "contract",
        prints(_FORKED, "child\nparent\n"),
        "What a forked child prints comes once.",
    ),
    Check("clocks and chance", "contract", _clocks, "Clocks run and random numbers can be had."),
    Check(
        "text beyond ascii",
        "contract",
        prints(_LOCALE, _LOCALIZED, stdin="čeština\n".encode()),
        "The locale is UTF-8.",
    ),
)
