"""Our programs for the container, each as one text that needs nothing but a Python there.

They are sent when they are needed, so that no image is of another version than the service.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

from sandbox import confinement
from sandbox.backends.docker import agent, collector, frames, launcher, records, relay

__all__ = ["AGENT", "COLLECTOR", "LAUNCHER", "program_text"]

AGENT: Final = (agent.__file__,)
LAUNCHER: Final = (
    *(confinement.__file__, frames.__file__),
    *(records.__file__, relay.__file__, launcher.__file__),
)
COLLECTOR: Final = (confinement.__file__, frames.__file__, collector.__file__)


@cache
def program_text(files: tuple[str, ...]) -> str:
    """The files one after the other, without the lines that import one of them from another."""
    return "from __future__ import annotations\n" + "".join(map(_standing_alone, files))


def _standing_alone(file: str) -> str:
    text = Path(file).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            end = node.end_lineno or node.lineno
            lines[node.lineno - 1 : end] = [""] * (end - node.lineno + 1)
    return "".join(lines)


def _is_ours(module: str) -> bool:
    return module == "__future__" or module.partition(".")[0] == "sandbox"
