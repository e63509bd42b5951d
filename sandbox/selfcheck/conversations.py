"""Conversations: two programs at once, each of which reads what the other one writes."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import Final

from sandbox.contract import Backend, Conversation, Ending, EndingKind, Job, Limits
from sandbox.selfcheck.check import MIB, ROOMY, Check, Proof, converse, described

__all__ = ["CHECKS"]

_CAP: Final = 10_000
_CAPPED: Final = replace(ROOMY, output_bytes=_CAP)

# It rings off and waits for its partner's end, as its own end would be that of both.
_RING_OFF: Final = """
sys.stdout.flush()
os.close(1)
print(repr(sys.stdin.read()), file=sys.stderr)
"""
_ASK: Final = f"""
import os, sys
for number in range(100):
    print(number, flush=True)
    if input() != str(number + 1):
        sys.exit("wrong")
{_RING_OFF}"""
_ANSWER: Final = """
import sys
for line in sys.stdin:
    print(int(line) + 1, flush=True)
print("heard all", file=sys.stderr)
"""

_SAY_MUCH: Final = """
import hashlib, os, sys, threading
def say():
    for _ in range(16):
        sys.stdout.buffer.write(OWN * 65_536)
    sys.stdout.flush()
    if OWN == b"1":
        os.close(1)
saying = threading.Thread(target=say)
saying.start()
print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest(), file=sys.stderr)
saying.join()
"""

_BY_NAME: Final = """
said, heard = open("/dev/stdout", "w"), open("/dev/stdin")
for line in heard:
    print(int(line) + 1, flush=True, file=said)
import sys
print("heard all", file=sys.stderr)
"""

_SEND_TO_CAT: Final = """
import os, sys
sys.stdout.buffer.write(bytes(range(256)))
sys.stdout.flush()
os.close(1)
print(sys.stdin.buffer.read() == bytes(range(256)), file=sys.stderr)
"""

# It hears the end of what its partner says, and then that nobody hears it any more.
_OUTLIVE: Final = """
import os, sys
sys.stdin.buffer.read()
try:
    for _ in range(64):
        os.write(1, bytes(65_536))
except BrokenPipeError:
    print("end", file=sys.stderr)
"""
_SPIN: Final = "print(1, flush=True)\nwhile True: pass"
_SLEEP: Final = "import time\nprint(1, flush=True)\ntime.sleep(25)"
_HOARD: Final = f"held = [bytearray(b'x' * {MIB}) for _ in range(320)]\nimport time; time.sleep(2)"
_COMPLAIN: Final = "import sys\nwhile True: print('x' * 999, file=sys.stderr)"
_ENDS: Final[tuple[tuple[str, Limits, EndingKind], ...]] = (
    ("print('x' * 9_999)", ROOMY, "exited"),
    ("import os; os._exit(3)", ROOMY, "exited"),
    ("import os; os.kill(os.getpid(), 15)", ROOMY, "signalled"),
    ("import os, time\nif os.fork() == 0: time.sleep(25)", ROOMY, "exited"),
)
_LIMITED: Final[tuple[tuple[str, Limits, EndingKind], ...]] = (
    (_SPIN, replace(ROOMY, cpu_s=0.5), "cpu_time"),
    (_SLEEP, replace(ROOMY, wall_s=1), "wall_time"),
    (_HOARD, replace(ROOMY, memory_bytes=256 * MIB), "memory"),
    (_COMPLAIN, _CAPPED, "output"),
)

# It and its daemon would stay.
_STAY: Final = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
    signal.signal(number, signal.SIG_IGN)
print("here", file=sys.stderr)
print("ready", flush=True)
time.sleep(25)
"""
_LEAVE: Final = "input()"
_LEAVE_AT_A_LIMIT: Final = "input()\nwhile True: pass"

_WRITE_ON: Final = "import os\nwhile True: os.write(1, bytes(65_536))"
_NEVER_READ: Final = """
import os, sys, time
try:
    while True:
        time.sleep(0.05)
        os.write(1, b"?")
except BrokenPipeError:
    print("end", file=sys.stderr)
"""

_HALF_CLOSED: Final = """
import os, sys, time
os.close(1)
print(os.read(0, 9), file=sys.stderr, flush=True)
os.close(0)
time.sleep(25)
"""
_HEAR_HALF: Final = """
import os, sys
print(os.read(0, 9), file=sys.stderr)
os.write(1, b"still here")
try:
    while True:
        os.write(1, bytes(65_536))
except BrokenPipeError:
    print("end", file=sys.stderr)
"""

_HOLD: Final = """
import os, sys, time
held = [bytearray(b"x" * (1 << 20)) for _ in range(150)]
until = time.process_time() + 1.5
while time.process_time() < until:
    pass
print("ready", flush=True)
input()
print("end", file=sys.stderr, flush=True)
if FIRST:
    os.read(0, 1)
"""
_SHARE: Final = Limits(cpu_s=2.9, wall_s=30, memory_bytes=256 * MIB)

_WRITE: Final = """
import os, sys
open("out", "w").write(NAME)
os.symlink("out", "link")
if NAME == "first":
    sys.stdin.read()
"""


def _described(talk: Conversation) -> str:
    return f"the first: {described(talk.first)}; the second: {described(talk.second)}"


def _exited(ending: Ending, said: bytes) -> bool:
    """Whether it ended with 0 and said this; what went to its partner is not kept."""
    kept = ending.stdout, ending.stderr
    return (ending.kind, ending.status) == ("exited", 0) and kept == (b"", said)


def _both(first: Job, second: Job, *, said: tuple[bytes, bytes]) -> Proof:
    """A proof that both end with 0, and have written this to stderr."""

    def prove(backend: Backend) -> str | None:
        talk = converse(backend, first, second)
        if all(map(_exited, talk, said)):
            return None
        return f"{_described(talk)}; not stderr {said[0]!r} and {said[1]!r}"

    return prove


def _job(source: str, limits: Limits = ROOMY) -> Job:
    return Job(source=source, limits=limits)


def _much() -> Proof:
    digests = [hashlib.sha256(own * MIB).hexdigest().encode() + b"\n" for own in (b"2", b"1")]
    first, second = (_job(f"OWN = b'{own}'\n{_SAY_MUCH}", _CAPPED) for own in (1, 2))
    return _both(first, second, said=(digests[0], digests[1]))


def _outlives(rows: tuple[tuple[str, Limits, EndingKind], ...]) -> Proof:
    """A proof that the first hears of its partner's end, whichever it is, and goes on."""

    def prove(backend: Backend) -> str | None:
        for source, limits, kind in rows:
            talk = converse(backend, _job(_OUTLIVE), _job(source, limits))
            if talk.second.kind != kind or len(talk.second.stderr) > limits.output_bytes:
                return f"{source!r}: {described(talk.second)}, not {kind}"
            if not _exited(talk.first, b"end\n"):
                return f"{source!r}: the first did not hear of its end: {described(talk.first)}"
        return None

    return prove


def _parting(backend: Backend) -> str | None:
    for source, kind in ((_LEAVE, "exited"), (_LEAVE_AT_A_LIMIT, "cpu_time")):
        started = time.monotonic()
        talk = converse(backend, _job(source, replace(ROOMY, cpu_s=1)), _job(_STAY))
        if time.monotonic() - started > 20:
            return f"{source!r}: the second stayed: {_described(talk)}"
        is_killed = (talk.second.kind, talk.second.signal) == ("signalled", 9)
        if talk.first.kind != kind or not is_killed or b"here\n" not in talk.second.stderr:
            return f"{source!r}: {_described(talk)}, not {kind}, and killed by 9"
    return None


def _unread(backend: Backend) -> str | None:
    talk = converse(backend, _job(_NEVER_READ), _job(_WRITE_ON, replace(ROOMY, wall_s=1.5)))
    if talk.second.kind == "wall_time" and talk.second.cpu_s < 1 and _exited(talk.first, b"end\n"):
        return None
    return f"{_described(talk)}, not a second one that waits until its wall limit"


def _half_closed(backend: Backend) -> str | None:
    talk = converse(backend, _job(_HEAR_HALF), _job(_HALF_CLOSED))
    if _exited(talk.first, b"b''\nend\n") and talk.second.stderr.startswith(b"b'still her"):
        return None
    return f"{_described(talk)}, not as if each end was closed by itself"


def _fetched(backend: Backend) -> str | None:
    jobs = [
        replace(_job(f"NAME = {name!r}\n{_WRITE}"), fetch=("out", "link", "none"))
        for name in ("first", "second")
    ]
    talk = converse(backend, *jobs)
    for name, ending in zip(("first", "second"), talk, strict=True):
        unfetched = {"link": "not_regular", "none": "missing"}
        if (ending.files, ending.unfetched) != ({"out": name.encode()}, unfetched):
            return f"of the {name} came {ending.files!r} and {ending.unfetched!r}"
    return None


CHECKS: Final = (
    Check(
        "talk to and fro",
        "contract",
        _both(_job(_ASK), _job(_ANSWER), said=(b"''\n", b"heard all\n")),
        "Each line that one writes is there for the other to read.",
    ),
    Check(
        "talk by the names of streams",
        "contract",
        _both(_job(_ASK), _job(_BY_NAME), said=(b"''\n", b"heard all\n")),
        "/dev/stdin and /dev/stdout lead to the partner.",
    ),
    Check(
        "talk to an executed program",
        "contract",
        _both(_job(_SEND_TO_CAT), Job(argv=("cat",), limits=ROOMY), said=(b"True\n", b"")),
        "What is executed can be talked to as well.",
    ),
    Check(
        "much talk", "contract", _much(), "1 MiB each way at once arrive, and count for no limit."
    ),
    Check("partner ends", "contract", _outlives(_ENDS), "The first reads on to the end, and ends."),
    Check(
        "partner at a limit",
        "contract",
        _outlives(_LIMITED),
        "One that is stopped at a limit is heard to end, too.",
    ),
    Check(
        "first one ends",
        "contract",
        _parting,
        "The second and its daemons are killed when the first has ended.",
    ),
    Check("unread talk", "contract", _unread, "One that nobody reads waits, up to its wall limit."),
    Check("half a talk", "contract", _half_closed, "One stream can end while the other goes on."),
    Check(
        "limits of partners",
        "contract",
        _both(
            _job(f"FIRST = True\n{_HOLD}", _SHARE),
            _job(f"FIRST = False\n{_HOLD}", _SHARE),
            said=(b"end\n", b"end\n"),
        ),
        "Each has CPU and memory of its own, and is not charged for its partner's.",
    ),
    Check("files of partners", "contract", _fetched, "Files come from each one by itself."),
)
