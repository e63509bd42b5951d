"""Standard input, output and error: bytes as they are, each with a cap."""

from __future__ import annotations

import hashlib
from typing import Final, Literal

from sandbox.contract import Backend, Ending, Job, Limits
from sandbox.selfcheck.check import (
    MIB,
    ROOMY,
    Check,
    Proof,
    at_once,
    described,
    ended,
    prints,
    run,
)

__all__ = ["CHECKS"]

_CAP: Final = 10_000
_CAPPED: Final = Limits(cpu_s=10, wall_s=20, output_bytes=_CAP)
_LARGE: Final = bytes(range(256)) * (20 * MIB // 256)
_ALL_BYTES: Final = bytes(range(256)) + b"\r\n\n\r\x1a\x00"

_FLOOD: Final = """
import os, time
until = time.monotonic() + 15
while time.monotonic() < until:
    os.write(DESCRIPTOR, b"x" * 65536)
"""

_ECHO: Final = """
import sys
sys.stdout.buffer.write(sys.stdin.buffer.read())
"""

_DIGEST: Final = """
import hashlib, sys
print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())
"""

_READ: Final = """
import sys
print(repr(input()), repr(sys.stdin.readline()), repr(next(sys.stdin)), repr(sys.stdin.read(3)))
print(sys.stdin.readlines(), repr(sys.stdin.read()))
"""
_READ_EXPECTED: Final = """'i' 'ii\\n' 'iii\\n' 'iv\\n'
['v\\n', 'vi'] ''
"""

_WAYS_TO_READ: Final = (
    "import sys; got = sys.stdin.read()",
    "import sys; got = ''.join(sys.stdin)",
    "import sys; got = ''.join(sys.stdin.readlines())",
    "import sys; got = b''.join(sys.stdin.buffer).decode()",
    "import sys; r = sys.stdin.buffer.readline; got = (r() + r()).decode()",
    "got = open(0).read()",
    "got = input() + '\\n' + input() + '\\n'",
    "import os; got = os.read(0, 100).decode()",
    "import io, os; got = io.BytesIO(os.read(0, os.fstat(0).st_size)).read().decode()",
    "got = open('/dev/stdin').read()",
    "import fileinput; got = ''.join(fileinput.input())",
    "import subprocess; got = subprocess.run(['cat'], capture_output=True, text=True).stdout",
)

_WAYS_TO_WRITE: Final = (
    "print('written')",
    "import sys; sys.stdout.write('written\\n')",
    "import sys; sys.stdout.buffer.write(b'written\\n')",
    "import os; os.write(1, b'written\\n')",
    "open(1, 'w', closefd=False).write('written\\n')",
    "open('/dev/stdout', 'w').write('written\\n')",
    "import subprocess; subprocess.run(['echo', 'written'])",
    "import os; os.system('echo written')",
    "print('written'); exit()",
    "print('written', flush=True); import os; os._exit(0)",
)


def _write(stream: Literal["stdout", "stderr"], count: int) -> Job:
    source = f"import sys; sys.{stream}.buffer.write(b'x' * {count})"
    return Job(source=source, limits=_CAPPED)


def _cap(stream: Literal["stdout", "stderr"]) -> Proof:
    def prove(backend: Backend) -> str | None:
        for count in (_CAP - 1, _CAP):
            ending = run(backend, _write(stream, count))
            if ending.kind != "exited" or len(getattr(ending, stream)) != count:
                return f"{count} bytes of at most {_CAP}: {_short(ending)}"
        ending = run(backend, _write(stream, _CAP + 1))
        written, is_truncated = getattr(ending, stream), getattr(ending, f"{stream}_truncated")
        if ending.kind == "output" and is_truncated and 0 < len(written) <= _CAP:
            return None
        return f"{_CAP + 1} bytes of at most {_CAP}: {_short(ending)}, truncated: {is_truncated}"

    return prove


def _short(ending: Ending) -> str:
    return (
        f"it ended {ending.kind} with {len(ending.stdout)} bytes of stdout"
        f" and {len(ending.stderr)} of stderr"
    )


def _flood(descriptor: int) -> Proof:
    def prove(backend: Backend) -> str | None:
        source = f"DESCRIPTOR = {descriptor}\n{_FLOOD}"
        ending = run(backend, Job(source=source, limits=ROOMY))
        most = ROOMY.output_bytes
        if max(len(ending.stdout), len(ending.stderr)) > most:
            return f"more than {most} bytes came back: {_short(ending)}"
        return ended(ending, "output")

    return prove


def _much_output(backend: Backend) -> str | None:
    limits = Limits(cpu_s=10, wall_s=30, output_bytes=10 * MIB)
    source = f"import sys; sys.stdout.write('123456789\\n' * {MIB})"
    ending = run(backend, Job(source=source, limits=limits))
    if ending.kind == "exited" and ending.stdout == b"123456789\n" * MIB:
        return None
    return f"10 MiB of at most 10 MiB: {_short(ending)}"


def _all_bytes(backend: Backend) -> str | None:
    ending = run(backend, Job(source=_ECHO, stdin=_ALL_BYTES, limits=ROOMY))
    return None if ending.stdout == _ALL_BYTES else f"{described(ending)}, not each byte once"


def _large_unread(backend: Backend) -> str | None:
    ending = run(backend, Job(source="print('done')", stdin=_LARGE, limits=ROOMY))
    return None if ending.stdout == b"done\n" and ending.status == 0 else described(ending)


def _each(sources: tuple[str, ...], *, stdin: bytes, expected: bytes) -> Proof:
    def prove(backend: Backend) -> str | None:
        jobs = [Job(source=source, stdin=stdin, limits=ROOMY) for source in sources]
        for source, ending in zip(sources, at_once(backend, jobs), strict=True):
            if ending.kind != "exited" or ending.status != 0 or ending.stdout != expected:
                return f"{source!r}: {described(ending)}, not stdout {expected!r}"
        return None

    return prove


def _apart(backend: Backend) -> str | None:
    source = "import sys; print('out'); print('err', file=sys.stderr); print('out')"
    ending = run(backend, Job(source=source, limits=ROOMY))
    if (ending.stdout, ending.stderr) == (b"out\nout\n", b"err\n"):
        return None
    return f"{described(ending)}, not stdout 'out out' and stderr 'err'"


CHECKS: Final = (
    Check("stdout limit", "contract", _cap("stdout"), "Stdout is cut at +1 byte, not before."),
    Check("stderr limit", "contract", _cap("stderr"), "Stderr is cut at +1 byte, not before."),
    Check("stdout flood", "contract", _flood(1), "Endless stdout ends `output`."),
    Check("stderr flood", "contract", _flood(2), "Endless stderr ends `output`."),
    Check("much output", "contract", _much_output, "10 MiB of stdout arrive complete."),
    Check("streams apart", "contract", _apart, "What goes to stderr is not in stdout."),
    Check("binary streams", "contract", _all_bytes, "All 256 values go in and out as they are."),
    Check(
        "large stdin unread", "contract", _large_unread, "20 MiB that nobody reads delay nothing."
    ),
    Check(
        "large stdin read",
        "contract",
        prints(_DIGEST, f"{hashlib.sha256(_LARGE).hexdigest()}\n", stdin=_LARGE),
        "20 MiB of stdin arrive complete.",
    ),
    Check(
        "empty stdin",
        "contract",
        prints("import sys; print(repr(sys.stdin.read()))", "''\n"),
        "No stdin is an end of file, not a wait.",
    ),
    Check(
        "stdin read in steps",
        "contract",
        prints(_READ, _READ_EXPECTED, stdin=b"i\nii\niii\niv\nv\nvi"),
        "The ways to read a line can be mixed.",
    ),
    Check(
        "ways to read stdin",
        "contract",
        _each(
            tuple(f"{way}\nprint(got, end='')" for way in _WAYS_TO_READ),
            stdin=b"1 2\n3\n",
            expected=b"1 2\n3\n",
        ),
        "Every usual way to read stdin reads it.",
    ),
    Check(
        "ways to write stdout",
        "contract",
        _each(_WAYS_TO_WRITE, stdin=b"", expected=b"written\n"),
        "Every usual way to write stdout writes it.",
    ),
)
