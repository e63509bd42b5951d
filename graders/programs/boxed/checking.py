"""Runs in a box of its own: a task's checker, asked once about one output.

Reads `[stdin, stdout, expected]` as JSON and writes `{"score": number}`.
What the checker itself prints goes to stderr.
A checker that raises ends this process with a traceback, which is all that is read of it.
"""

from __future__ import annotations

import json
import os
import sys

__all__ = ["main"]


def main() -> None:
    """Ask `check` of /work/checker.py and write what it says."""
    sys.path.insert(0, "/work")
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    question = json.load(sys.stdin)
    from checker import check  # type: ignore[import-not-found]

    score = check(*question)
    if type(score) not in (bool, int, float):
        raise TypeError(f"check returned {type(score).__name__}: a bool or a score in [0, 1]")
    json.dump({"score": float(score)}, answer)
    answer.close()
    # Threads that a checker left running are nothing to wait for.
    os._exit(0)


if __name__ == "__main__":
    main()
