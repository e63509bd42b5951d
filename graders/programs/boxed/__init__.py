"""The sources that run inside boxes, and how they get there.

They are sent as text, one file for each driver, and know the standard library alone.
With the text goes its code, compiled once for this interpreter: an interpreter of another version
compiles the text.
"""

from __future__ import annotations

import ast
import functools
import py_compile
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

__all__ = ["Driver", "DriverName", "driver"]

DriverName: TypeAlias = Literal["once", "candidate", "tester"]

_PACKAGE: Final = "graders.programs.boxed"
_FOLDER: Final = Path(__file__).parent


class Driver(NamedTuple):
    """What a box needs to be one side of the wall."""

    source: str
    """For `Job.source`."""
    files: Mapping[str, bytes]
    """For `Job.files`."""


@functools.cache
def driver(name: DriverName) -> Driver:
    """The driver of this name; made on first use."""
    module = f"touchstone_{name}"
    text = "\n".join(["from __future__ import annotations", *_texts(name, set())])
    files = {f"{module}.py": text.encode()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{module}.py"
        path.write_text(text, encoding="utf-8")
        compiled = Path(folder) / f"{module}.{sys.implementation.cache_tag}.pyc"
        py_compile.compile(
            str(path),
            cfile=str(compiled),
            dfile=f"/work/{module}.py",
            doraise=True,
            optimize=2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        files[f"__pycache__/{compiled.name}"] = compiled.read_bytes()
    return Driver(f"from {module} import main\nmain()\n", files)


def _texts(name: str, seen: set[str]) -> Iterator[str]:
    """The texts of the modules that one needs, each once and after those that it needs."""
    seen.add(name)
    tree = ast.parse((_FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    kept = []
    for statement in tree.body:
        module = statement.module or "" if isinstance(statement, ast.ImportFrom) else ""
        if module.startswith(f"{_PACKAGE}."):
            needed = module.removeprefix(f"{_PACKAGE}.")
            if needed not in seen:
                yield from _texts(needed, seen)
        elif module != "__future__":
            kept.append(statement)
    yield ast.unparse(ast.Module(body=kept, type_ignores=[]))
