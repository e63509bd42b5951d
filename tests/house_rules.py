"""The house rules that no other tool checks, as functions over a folder, so that a test can plant.

Each rule looks at one source file and yields what it finds there.
"""

from __future__ import annotations

import ast
import re
import symtable
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple, TypeAlias

__all__ = ["RULES", "findings"]

_ROOMS: Final = frozenset({"graders", "sandbox", "service", "trainer_client"})
_FOLDERS: Final = _ROOMS | {"bench", "tests"}
_LINES: Final = 300
_FUNCTION_LINES: Final = 40
# Where a program, or the tests of one, are run in a box of their own.
_MAY_EVALUATE: Final = frozenset(
    {
        "graders/programs/boxed/loading.py",
        "graders/programs/boxed/trying.py",
        "sandbox/backends/forkserver/program.py",
    }
)
_EMPTY_WORDS: Final = re.compile(r"(^|_)(utils?|helpers?|common|misc)$")
# Names that the project is asked for.
_NOT_REALLY_STDLIB: Final = frozenset({"bench/code.py", "bench/math.py"})
_MAY_PRINT: Final = frozenset({"service/cli.py"})
_MAY_READ_ENVIRONMENT: Final = frozenset({"service/settings.py"})
# A grader's own error, the child's side of `sandbox.call`, and, in boxes, what a program or the
# tests of one did not catch.
_BROAD_HANDLERS: Final = {
    "graders/programs/boxed/candidate.py": 1,
    "graders/programs/boxed/loading.py": 1,
    "graders/programs/boxed/once.py": 1,
    "graders/programs/boxed/outcomes.py": 1,
    "graders/programs/boxed/peer.py": 1,
    "service/grading.py": 1,
    "sandbox/zygote.py": 1,
    "sandbox/backends/forkserver/program.py": 1,
}
_BROAD: Final = frozenset({"Exception", "BaseException"})
_ENVIRONMENT: Final = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"})
_UNPICKLERS: Final = frozenset({"pickle", "_pickle", "cloudpickle", "dill", "marshal", "shelve"})
_BUILTIN_EVALUATORS: Final = frozenset({"eval", "exec"})
_TEXT_EVALUATORS: Final = frozenset({"sympify", "parse_expr"})
_NOTES: Final = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")


class Source(NamedTuple):
    """One Python file of the project."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return PurePosixPath(self.path).parts[0]

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


class Finding(NamedTuple):
    """One breach of a rule."""

    line: int
    what: str


Rule: TypeAlias = Callable[[Source], Iterator[Finding]]


def findings(root: Path, rules: Iterable[str] | None = None) -> list[str]:
    """Every breach below the folder, as `path:line: rule: what`; of all rules by default."""
    chosen = list(RULES) if rules is None else list(rules)
    return [
        f"{source.path}:{finding.line}: {rule}: {finding.what}"
        for source in _sources(root)
        for rule in chosen
        for finding in RULES[rule](source)
    ]


def _sources(root: Path) -> Iterator[Source]:
    for folder in sorted(_FOLDERS):
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield Source(path.relative_to(root).as_posix(), text, ast.parse(text))


def _file_length(source: Source) -> Iterator[Finding]:
    lines = len(source.text.splitlines())
    if lines > _LINES:
        yield Finding(lines, f"{lines} lines, at most {_LINES}")


def _function_length(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > _FUNCTION_LINES:
                yield Finding(node.lineno, f"{node.name}: {lines} lines, at most {_FUNCTION_LINES}")


def _exports(source: Source) -> Iterator[Finding]:
    if source.room not in _ROOMS or source.name == "__main__.py":
        return
    if source.name == "__init__.py" and _only_docstring(source.tree):
        return
    listed = _listed(source.tree)
    if listed is None:
        yield Finding(1, "no __all__ that is a plain list of names")
        return
    table = symtable.symtable(source.text, source.path, "exec")
    defined = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    for name in sorted(listed - defined):
        yield Finding(1, f"__all__ names {name!r}, which is not there")


def _only_docstring(tree: ast.Module) -> bool:
    return not tree.body or (len(tree.body) == 1 and ast.get_docstring(tree) is not None)


def _listed(tree: ast.Module) -> set[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and "__all__" in map(ast.unparse, node.targets):
            try:
                return set(ast.literal_eval(node.value))
            except ValueError:
                return None
    return None


def _module_names(source: Source) -> Iterator[Finding]:
    parts = PurePosixPath(source.path).with_suffix("").parts
    for part in parts:
        if _EMPTY_WORDS.search(part.strip("_")):
            yield Finding(1, f"{part!r} says nothing of what is in it")
        if part in sys.stdlib_module_names and source.path not in _NOT_REALLY_STDLIB:
            yield Finding(1, f"{part!r} is named like a module of the standard library")


def _prints(source: Source) -> Iterator[Finding]:
    if source.path in _MAY_PRINT or source.room == "bench":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and node.id == "print":
            yield Finding(node.lineno, "print outside the command line")


def _broad_excepts(source: Source) -> Iterator[Finding]:
    broad = [
        node.lineno
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _reraises(node))
        or (isinstance(node, ast.Call) and _suppresses_all(node))
    ]
    for line in sorted(broad)[_BROAD_HANDLERS.get(source.path, 0) :]:
        yield Finding(line, "catches everything; name the errors of the boundary")


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(_last_name(kind) in _BROAD for kind in kinds)


def _reraises(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _suppresses_all(node: ast.Call) -> bool:
    return _last_name(node.func) == "suppress" and any(_is_broad(kind) for kind in node.args)


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _environment(source: Source) -> Iterator[Finding]:
    if source.room not in _ROOMS or source.path in _MAY_READ_ENVIRONMENT:
        return
    for node, name in _mentions(source.tree):
        if name.rpartition(".")[2] in _ENVIRONMENT and name.startswith("os."):
            yield Finding(node.lineno, f"{name} outside service/settings.py")


def _evaluation(source: Source) -> Iterator[Finding]:
    if source.room not in _ROOMS or source.path in _MAY_EVALUATE:
        return
    for node, name in _mentions(source.tree):
        builtin = name.removeprefix("builtins.") in _BUILTIN_EVALUATORS
        unpickler = name.partition(".")[0] in _UNPICKLERS
        if builtin or unpickler or name.rpartition(".")[2] in _TEXT_EVALUATORS:
            yield Finding(node.lineno, f"{name}: text of others is never turned into code")


def _mentions(tree: ast.Module) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Every name that is imported or loaded, dotted as far as it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            yield node, ast.unparse(node)


def _notes(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), start=1):
        if _NOTES.search(line):
            yield Finding(number, "a note to oneself; do it or open an issue")


RULES: Final[dict[str, Rule]] = {
    "file-length": _file_length,
    "function-length": _function_length,
    "exports": _exports,
    "module-names": _module_names,
    "print": _prints,
    "broad-except": _broad_excepts,
    "environment": _environment,
    "evaluation": _evaluation,
    "notes": _notes,
}
