"""Python, run by the sandbox's warm interpreter."""

from __future__ import annotations

from typing import Final

from graders.programs.languages.contract import Language, Needs

__all__ = ["PYTHON"]

PYTHON: Final = Language(
    name="python",
    tags=frozenset({"python", "py", "python3", "py3"}),
    file="main.py",
    needs=Needs(cpu_s=0.05),
    cpu_multiple=15,
    packages=("python3",),
    programs=(),
    self_test="""\
import sys

numbers = [int(word) for word in sys.stdin.read().split()[1:]]
print(sum(numbers))
print(*sorted(set(numbers)))
""",
)
