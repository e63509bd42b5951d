"""The last steps of a process before it is the program: into the box, down to nothing, and go.

All of this runs in the freshly forked child, and only the very last step runs foreign code.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import io
import itertools
import os
import signal
import stat
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

from sandbox import confinement
from sandbox.backends.forkserver import kernel
from sandbox.backends.forkserver.protocol import Plan, SlotSetup
from sandbox.backends.forkserver.root import HOME, SCRATCH

__all__ = [
    "FAILURES",
    "MAIN",
    "enter_box",
    "execute",
    "lay_out_streams",
    "open_streams",
    "run_main",
    "suit_stdin",
]

MAIN: Final = "main.py"
FAILURES: Final = 3
"""The descriptor by which a run's process says that it begins, or why it cannot."""
_FOLDERS: Final = {"work": HOME, "tmp": "/tmp", "shm": "/dev/shm"}  # noqa: S108 - the program's own
_OPEN_TO_ALL: Final = 0o1777
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126
_FAILED_FLUSH: Final = 120
_FOREVER_S: Final = 3600.0


def enter_box(
    plan: Plan,
    *,
    scratch: int,
    cgroups: Sequence[int],
    filters: Sequence[bytes],
    setup: SlotSetup,
) -> None:
    """Join the cgroups, take fresh namespaces and mounts, and give up every privilege."""
    without = setup.without
    for descriptor in cgroups:
        os.write(descriptor, b"0")
    os.setsid()
    kernel.unshare(kernel.NEWNS | kernel.NEWCGROUP | (0 if "ipc" in without else kernel.NEWIPC))
    _mount_scratch(scratch, plan.files, setup=setup)
    options = "" if "pids" in without else "subset=pid,hidepid=2"
    flags = kernel.NOSUID | kernel.NODEV | kernel.NOEXEC
    kernel.mount("proc", "/proc", flags=flags, options=options)
    os.chdir(HOME)
    if "descriptors" not in without:
        confinement.close_descriptors(FAILURES + 1)
    if "rlimits" not in without:
        confinement.limit_resources(plan.rlimits)
    # Before the uid goes: with privilege, the filter needs no other layer to be attached.
    for syscall_filter in filters:
        confinement.forbid_syscalls(syscall_filter)
    _become_nobody(setup)


def _mount_scratch(scratch: int, files: Mapping[str, bytes], *, setup: SlotSetup) -> None:
    kernel.attach(scratch, SCRATCH)
    for name, path in _FOLDERS.items():
        os.mkdir(name, dir_fd=scratch)
        kernel.bind(f"{SCRATCH}/{name}", path)
        # Not by mkdir, which heeds the umask.
        os.chmod(path, _OPEN_TO_ALL)  # noqa: PTH101 - a box of its own
    # What is bound stays: the whole of it is for nobody to see.
    kernel.unmount(SCRATCH)
    os.chown(HOME, setup.uid, setup.gid)
    if files:
        folder = os.open(HOME, os.O_RDONLY | os.O_DIRECTORY)
        confinement.write_files(folder, files, uid=setup.uid, gid=setup.gid)
        os.close(folder)


def _become_nobody(setup: SlotSetup) -> None:
    if "uid" not in setup.without:
        if not setup.in_user_namespace:
            os.setgroups([])
        os.setresgid(setup.gid, setup.gid, setup.gid)
        os.setresuid(setup.uid, setup.uid, setup.uid)
    if "capabilities" not in setup.without:
        confinement.drop_capabilities()
    kernel.show_memory()


def open_streams(stdin: int, stdout: int, stderr: int) -> None:
    """Make these descriptors 0, 1 and 2."""
    for number, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, number)


def execute(argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the program; one that cannot be found or run ends as a shell says it would."""
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], list(argv), dict(environment))  # noqa: S606 - the purpose of a sandbox
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)


def lay_out_streams() -> None:
    """Make sys.stdin and the others as an interpreter does that is started on a file and two pipes.

    Done once, in the warm parent: they stand for descriptors, which each run exchanges below them.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    file, pipe = os.memfd_create("stdin"), os.pipe()
    open_streams(file, pipe[1], pipe[1])
    sys.stdin = sys.__stdin__ = _text(0, "<stdin>", errors="surrogateescape")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _text(1, "<stdout>", errors="surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(2, "<stderr>", errors="backslashreplace")  # type: ignore[misc]
    open_streams(nothing, nothing, nothing)
    for descriptor in (nothing, file, *pipe):
        os.close(descriptor)


def suit_stdin() -> None:
    """Make sys.stdin anew where this run's is a pipe: no program is told that it can seek there."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        sys.stdin = sys.__stdin__ = _text(0, "<stdin>", errors="surrogateescape")  # type: ignore[misc]


def _text(descriptor: int, name: str, *, errors: str) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, "wb" if descriptor else "rb", closefd=False)
    raw.name = name
    return io.TextIOWrapper(
        io.BufferedWriter(raw) if descriptor else io.BufferedReader(raw),
        encoding="utf-8",
        errors=errors,
        newline="\n" if descriptor else None,
        line_buffering=descriptor == 2,
    )


def run_main(source: bytes, _kept: object) -> NoReturn:
    """Run the source as `python3 main.py` would.

    What the warm parent has on its stack is kept, as taking it apart costs more than the program.
    """
    main = _fresh_main()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = compile(source, f"{HOME}/{MAIN}", "exec", dont_inherit=True)
        builtins.exec(code, main.__dict__)  # noqa: S102 - the purpose of a sandbox
        status = 0
    except SystemExit as error:
        status = _exit_status(error.code)
    except BaseException as error:  # noqa: BLE001 - what the program did not catch, and its report
        status = _uncaught(error)
    _finish(status)


def _fresh_main() -> types.ModuleType:
    main = types.ModuleType("__main__")
    names = main.__dict__
    names["__builtins__"] = builtins
    names["__file__"] = f"{HOME}/{MAIN}"
    names["__annotations__"] = {}
    names["__cached__"] = None
    # To the end: what comes after it is of the program's own importing.
    del sys.modules["__main__"]
    sys.modules["__main__"] = main
    sys.path.insert(0, HOME)
    sys.argv = sys.orig_argv = [MAIN]
    return main


def _exit_status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _uncaught(error: BaseException) -> int:
    # Without the frame of this module: the program sees its own, as it would anywhere.
    trace = error.__traceback__ and error.__traceback__.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    if isinstance(error, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return 1


def _finish(status: int) -> NoReturn:
    """End as an interpreter does: wait for threads, run exit functions, close files, flush.

    The rest of an interpreter's end, taking apart what the warm parent had loaded, is left to
    `_exit`: it has no effect that anybody could see.
    """
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()
    # A daemon thread is not to run on while its modules are emptied.
    sys.setswitchinterval(_FOREVER_S)
    _flush()
    _empty_modules()
    os._exit(status if _flush() else status or _FAILED_FLUSH)


def _empty_modules() -> None:
    """Drop what the program's own modules hold, so that files are closed and finalizers run."""
    # From the last one back to `__main__`: what stands before was there before the program, and
    # is not even looked at, as every look copies a page.
    for name in list(itertools.takewhile("__main__".__ne__, reversed(sys.modules))):
        _empty(sys.modules.get(name))
    _empty(sys.modules.get("__main__"))
    gc.collect()


def _empty(module: object) -> None:
    file = getattr(module, "__file__", None)
    if isinstance(module, types.ModuleType) and str(file).startswith(f"{HOME}/"):
        names = module.__dict__
        # In this order, as the interpreter does: private names go first.
        for private in (True, False):
            for name in [n for n in names if n.startswith("_") is private and n[:2] != "__"]:
                names[name] = None


def _flush() -> bool:
    # The first streams as well: a program that put others in their place may still have used them.
    done = True
    for stream in (sys.__stdout__, sys.__stderr__, sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except (OSError, ValueError, AttributeError):
            # Closed under our feet, or an object of the program's own that is no stream.
            done = done and stream is not sys.stdout and stream is not sys.stderr
    return done
