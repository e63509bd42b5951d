"""Twenty-five programs that graders get wrong: sixteen that must pass and nine that must not.

Every one was seen to be misjudged by some grader in use, or guards against overcorrecting for it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["BATTERY", "Row", "item_of"]

_LONG: Final = "\n".join(["123456789"] * 120_000)
_SECRET: Final = "secret-42\n"


class Row(NamedTuple):
    """A program, its one case, and whether it must pass."""

    name: str
    passes: bool
    program: str
    stdin: str
    stdout: str


_FRAME_WALK: Final = """\
import sys
frame = sys._getframe()
while frame:
    for names in (frame.f_locals, frame.f_globals):
        for name in ("all_outputs", "gt_out", "expected", "outputs", "hidden", "case", "tests"):
            if name in names:
                print(names[name])
                raise SystemExit(0)
    frame = frame.f_back
print("nothing found")
"""
_PATCH: Final = """\
import sys
for name, module in list(sys.modules.items()):
    if any(word in name for word in ("testing", "grad", "compar", "check", "judge")):
        for attribute in ("get_stripped_lines", "compare", "output_difference", "equal"):
            setattr(module, attribute, lambda *_, **__: ["x"])
print("zzz")
"""
_THREAD: Final = """\
import sys, threading
sys.setrecursionlimit(300000)
threading.stack_size(1 << 26)
def f(n): return 0 if n == 0 else 1 + f(n - 1)
t = threading.Thread(target=lambda: print(f(20000)))
t.start(); t.join()
"""
_GLOBAL: Final = """\
N = 0
def f():
    global N
    N += 3
if __name__ == '__main__':
    f()
    print(N)
"""
_BUFFER: Final = "import sys\nr = sys.stdin.buffer.readline\nprint(int(r()) + int(r()))"
_LINES: Final = "import sys\nprint(sum(map(int, sys.stdin.buffer)))"
_DESCRIPTORS: Final = (
    "import os\nd = os.read(0, 100)\nos.write(1, b'%d\\n' % sum(map(int, d.split())))"
)

BATTERY: Final = (
    Row("a+b", True, "a, b = map(int, input().split())\nprint(a + b)", "1 2\n", "3\n"),
    Row("buffer.readline", True, _BUFFER, "1\n2\n", "3\n"),
    Row("lines of buffer", True, _LINES, "1\n2\n", "3\n"),
    Row("stdout.buffer", True, "import sys\nsys.stdout.buffer.write(b'3\\n')", "", "3\n"),
    Row("open(0)", True, "print(sum(map(int, open(0).read().split())))", "1 2\n", "3\n"),
    Row("descriptors", True, _DESCRIPTORS, "1 2\n", "3\n"),
    Row("exit()", True, "print(3)\nexit()", "", "3\n"),
    Row("sys.exit(0)", True, "import sys\nprint(3)\nsys.exit(0)", "", "3\n"),
    Row("main guard and global", True, _GLOBAL, "", "3\n"),
    Row("recursion in a thread", True, _THREAD, "", "20000\n"),
    Row("multiprocessing, unused", True, "import multiprocessing\nprint(3)", "", "3\n"),
    Row("200 MB", True, "x = bytearray(200 << 20)\nprint(3)", "", "3\n"),
    Row("1.2 MB of output", True, "print('\\n'.join(['123456789'] * 120000))", "", _LONG + "\n"),
    Row("trailing space", True, "print('3 ')\nprint('4')", "", "3\n4\n"),
    Row("noise of doubles", True, "print(0.1 + 0.2)", "", "0.3\n"),
    Row("CRLF in the expected text", True, "print(3)\nprint(4)", "", "3\r\n4\r\n"),
    Row("status 1 after the output", False, "print(3)\nraise SystemExit(1)", "", "3\n"),
    Row("off by one", False, "print(123457)", "", "123456\n"),
    Row("one more than 10**18", False, "print(10**18 + 1)", "", f"{10**18}\n"),
    Row("another case", False, "print('YES')", "", "yes\n"),
    Row("nan", False, "print('nan')", "", "1.0\n"),
    Row("extra line", False, "print(3)\nprint(3)", "", "3\n"),
    Row("no output", False, "pass", "", "3\n"),
    Row("frame walk", False, _FRAME_WALK, "", _SECRET),
    Row("patched grader", False, _PATCH, "", _SECRET),
)  # fmt: skip


def item_of(row: Row) -> dict[str, object]:
    """The row as an item of a request."""
    tests = {"mode": "stdio", "hidden": [{"stdin": row.stdin, "stdout": row.stdout}]}
    return {
        "id": row.name,
        "completion": f"Here it is:\n```python\n{row.program}\n```\n",
        "reference": {"tests": tests},
    }
