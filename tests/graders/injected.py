"""Grades hostile answers in a process of its own, and says what they made the interpreter do.

    python -m tests.graders.injected FOLDER

The folder is where the answers would leave their mark.  Printed is JSON: what was graded, paid,
and every audited event that text should never cause.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from graders.math_answers import MathGrader, symbolic
from graders.math_answers.options import MathOptions, MathReference
from sandbox import close_calls
from tests.graders.tables import report, table

__all__ = ["payloads"]

_GOLDS: Final = ("3", "x+1", "\\{1,2\\}", "x=3")
_WATCHED: Final = frozenset((
    "compile", "exec", "ctypes.dlopen", "marshal.loads", "os.exec", "os.fork", "os.posix_spawn",
    "os.remove", "os.rename", "os.spawn", "os.system", "pickle.find_class", "shutil.rmtree",
    "socket.connect", "subprocess.Popen", "urllib.Request",
))  # fmt: skip
_MARKS: Final = ("CANARY", "__import__", "len(", "open(", "os.system", "subclasses", "touch")


def payloads(folder: Path) -> dict[str, str]:
    """The hostile answers, with the canary's path written in, and the gold that one may equal."""
    rows = table("math_injection")
    return {row["text"].replace("CANARY", f"{folder}/CANARY"): row.get("equal", "") for row in rows}


def _main(folder: Path) -> None:
    grader, options = MathGrader(), MathOptions()
    grader.warm_up()
    for row in table("math"):
        grader.grade(row["text"], MathReference(answer=row["gold"]), options)
    symbolic.warm_up()
    answers = payloads(folder)
    events = _watch()
    paid = []
    for answer, equal in answers.items():
        for gold in _GOLDS:
            boxed = f"\\boxed{{{answer}}}"
            for text in (boxed, f"The answer is {answer}"):
                grade = grader.grade(text, MathReference(answer=gold), options)
                if grade.score and text == boxed and equal not in (gold, gold[-1]):
                    paid.append(f"{gold}: {text}")
        grader.validate(MathReference(answer=answer), options)
    in_process, events[:] = list(events), []
    # Where the child would be: whatever sympy compiles for itself must not hold the text.
    for answer in answers:
        symbolic.compare("x+1", answer)
    in_child = [event for event in events if _is_of_text(event)]
    close_calls()
    found = {"graded": len(answers), "paid": paid, "here": in_process, "child": in_child}
    report(json.dumps(found))


def _watch() -> list[str]:
    events: list[str] = []

    # Any: an event's arguments are its own.
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _WATCHED or (event == "open" and _writes(arguments)):
            events.append(f"{event} {arguments!r:.2000}")

    sys.addaudithook(hook)
    return events


def _is_of_text(event: str) -> bool:
    """Whether an event is more than sympy compiling what it wrote itself."""
    is_code = event.startswith(("compile ", "exec ", "marshal.loads "))
    return not is_code or any(mark in event for mark in _MARKS)


def _writes(arguments: tuple[Any, ...]) -> bool:
    return bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
