"""Runs in the box of the tests: reads the sources of tests, before the program has a say.

What is a test of its own: an `assert` on the top level, a compound statement there that holds one
or raises, a call there of a function that does, `check(candidate)`, a method of a TestCase, a
`test_*` function, a method of a `Test*` class.
All else on the top level prepares what comes after it.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import accumulate
from typing import Any

from graders.programs.boxed.plaindata import words

__all__ = ["Fault", "Plan", "Source", "Step", "collect"]

_CAPITAL = re.compile(r"_*[A-Z]")
_EXITS = frozenset({"GeneratorExit", "KeyboardInterrupt", "SystemExit"})
_MOST_SAID = 300
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_ASSERTING = (ast.Assert, ast.Raise)
_COMPOUND = (ast.For, ast.While, ast.If, ast.With, ast.Try)
# Modules that are not the program, whatever is installed; any other unknown one is taken for it.
_KNOWN_ELSEWHERE = words(
    "PIL aiohttp attr attrs boto3 bs4 click cv2 dateutil django faker fastapi flask freezegun gym",
    "httpx hypothesis jax jinja2 keras lxml matplotlib mock networkx nltk nose nose2 numba numpy",
    "pandas parameterized peewee plotly psutil pydantic pygame pytz regex requests responses rich",
    "scipy seaborn six sklearn sortedcontainers spacy sqlalchemy statsmodels sympy tabulate",
    "tensorflow toolz torch torchvision tornado tqdm transformers xgboost yaml",
)


class Fault(Exception):
    """The tests are unusable, whatever the program is."""


class Step:
    """Some statements of a source that run together."""

    def __init__(self, nodes: list[ast.stmt], *, is_test: bool) -> None:
        self.nodes = nodes
        self.is_test = is_test


class Source:
    """One source of tests: its statements, and what it defines."""

    def __init__(self, name: str, text: str, *, is_public: bool) -> None:
        self.name = name
        self.is_public = is_public
        self.tree = _parsed(name, text)
        self.lines = text.splitlines()
        self.flags = _future_flags(self.tree)
        self.called: set[str] = set()
        """Functions that assert, and that the source calls by itself."""
        self.steps: list[Step] = []
        self.defined: list[ast.ClassDef | ast.FunctionDef] = []
        """What it defines as tests, and does not call by itself."""

    def split(self, asserting: set[str], cases: set[str]) -> None:
        """Make the steps; these are the functions that assert, and the classes of unittest's."""
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                continue
            called = {name for name in _calls(node) if name in asserting}
            self.called |= called
            is_test = bool(called) or _holds_assert(node)
            if is_test or not self.steps or self.steps[-1].is_test:
                self.steps.append(Step([], is_test=is_test))
            self.steps[-1].nodes.append(node)
        self.defined = [
            kind
            for kind in self.definitions(ast.ClassDef)
            if kind.name.startswith("Test") or kind.name in cases
        ]
        self.defined += [
            function
            for function in self.definitions(ast.FunctionDef)
            if function.name not in self.called and _is_test(function)
        ]

    def definitions(self, kind: type[Any]) -> list[Any]:
        """The definitions of this kind on the top level; of each name, the last one."""
        found = {node.name: node for node in self.tree.body if isinstance(node, kind)}
        return list(found.values())

    def shown(self, node: ast.stmt) -> str:
        """The text of a statement, bounded."""
        end = getattr(node, "end_lineno", None) or node.lineno
        return "\n".join(self.lines[node.lineno - 1 : end])[:_MOST_SAID]


class Plan:
    """All sources, and what they want of the program."""

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        trees = [source.tree for source in sources]
        self.names = {node.id for node in _of(trees, ast.Name) if isinstance(node.ctx, ast.Load)}
        self.bound = {name for tree in trees for name in _bound(tree.body)}
        self.classes = frozenset(_used_as_classes(trees))
        self.exits = frozenset(_EXITS & self.names)
        imported = [name for tree in trees for name in _imports(tree)]
        self.modules = {name.partition(".")[0] for name in imported}
        """What is imported, without what is in it."""
        self.unknown = {
            part
            for name in imported
            for part in accumulate(name.split("."), "{}.{}".format)
            if name.partition(".")[0] not in sys.stdlib_module_names
        }
        """What is imported and not of the standard library, with the packages that it is in."""

    def wanted(self, entry: str | None) -> set[str]:
        """Names that the program is to give the tests.

        A name of a builtin is what the tests want of Python, unless it is all that they could want
        of the program: who defines `all` does not decide what `all` of a test's values are.
        """
        free = self.names - self.bound
        own = {name for name in free if not hasattr(builtins, name)} - {"candidate"}
        if entry and entry in free:
            return own | {entry}
        called = {name for name in free - own if callable(getattr(builtins, name, None))}
        return called if not own and not entry and len(called) == 1 else own


def collect(setup: str, sources: Iterable[tuple[str, str, bool]]) -> Plan:
    """Read setup and sources; a Fault where Python cannot."""
    read = [Source("setup", setup, is_public=False)]
    read += [Source(name, text, is_public=public) for name, text, public in sources]
    plan = Plan(read)
    for name in sorted(plan.modules & _KNOWN_ELSEWHERE):
        if find_spec(name) is None:
            raise Fault(f"the tests import {name}, which the box lacks")
    functions = [f for source in read for f in source.definitions(ast.FunctionDef)]
    asserting = {f.name for f in functions if _is_asserting(f)}
    cases = _test_cases([kind for source in read for kind in source.definitions(ast.ClassDef)])
    for source in read:
        source.split(asserting, cases)
        for node in source.definitions(ast.AsyncFunctionDef):
            if node.name.startswith("test"):
                raise Fault(f"{node.name} is async, which is not run")
    return plan


def _parsed(name: str, text: str) -> ast.Module:
    try:
        tree = ast.parse(text, f"<{name}>")
    except SyntaxError as error:
        place = f", line {error.lineno}" if error.lineno else ""
        raise Fault(f"{name}{place}: {error.msg}"[:_MOST_SAID]) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Fault(f"{name}: {type(error).__name__}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            # There is no package; what stands beside the tests is the program.
            node.level, node.module = 0, node.module or "solution"
    return tree


def _future_flags(tree: ast.Module) -> int:
    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    return flags


def _of(trees: Sequence[ast.AST], kind: type[Any]) -> Iterator[Any]:
    return (node for tree in trees for node in ast.walk(tree) if isinstance(node, kind))


def _outer(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes and what is in them, but not what is inside of definitions."""
    for node in nodes:
        yield node
        if not isinstance(node, _DEFINITIONS):
            yield from _outer(ast.iter_child_nodes(node))


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    for node in _outer(body):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield (alias.asname or alias.name).partition(".")[0]


def _imports(tree: ast.Module) -> Iterator[str]:
    """The modules that are imported, but for what a `try` copes without."""
    tried = {id(node) for block in _of([tree], ast.Try) for node in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in tried:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _used_as_classes(trees: Sequence[ast.Module]) -> Iterator[str]:
    for tree in trees:
        for node in ast.walk(tree):
            names: list[str] = []
            if isinstance(node, ast.Name):
                names = [node.id]
            elif isinstance(node, ast.Attribute):
                names = [node.attr]
            elif isinstance(node, ast.ImportFrom):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.Call) and _name(node.func) in ("isinstance", "issubclass"):
                yield from (_name(kind) for kind in ast.walk(node.args[-1]))
            yield from (name for name in names if _CAPITAL.match(name))


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _calls(node: ast.stmt) -> Iterator[str]:
    """The functions that a statement calls, for nothing but their effect, when it is run."""
    if not isinstance(node, (ast.Expr, *_COMPOUND)):
        return
    for inner in _outer([node]):
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call):
            yield _name(inner.value.func)


def _holds_assert(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, _COMPOUND):
        return False
    inner = list(_outer([node]))
    expected = [_name(n.func) for n in inner if isinstance(n, ast.Call)]
    return "raises" in expected or any(isinstance(n, _ASSERTING) for n in inner)


def _is_asserting(function: ast.FunctionDef) -> bool:
    if function.name.startswith(("test", "check")):
        return True
    return any(isinstance(node, _ASSERTING) for node in ast.walk(function))


def _is_test(function: ast.FunctionDef) -> bool:
    is_check = function.name == "check" and bool(function.args.args)
    return is_check or function.name.startswith("test")


def _test_cases(kinds: Sequence[ast.ClassDef]) -> set[str]:
    """The names of classes that are derived from TestCase, as far as it is written."""
    found: set[str] = set()
    for kind in kinds:
        bases = [_name(base) for base in kind.bases]
        if any(base in found or base.endswith("TestCase") for base in bases):
            found.add(kind.name)
    return found
