"""Runs in the box of the tests: reads the sources of tests, before the program has a say.

What is a test of its own: an `assert` on the top level, a compound statement there that holds one
or raises, a call there of a function that does, `check(candidate)`, a method of a TestCase, a
`test_*` function, a method of a `Test*` class.
All else on the top level prepares what comes after it.
"""

from __future__ import annotations
import __future__

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from graders.programs.boxed.needing import Needs, name_of, outer

__all__ = ["Fault", "Plan", "Source", "Step", "collect"]

_MOST_SAID = 300
_ASSERTING = (ast.Assert, ast.Raise)
_COMPOUND = (ast.For, ast.While, ast.If, ast.With, ast.Try, ast.Match)


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
    """All sources, the set-up first, and what they need."""

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self.needs = Needs([source.tree for source in sources])


def collect(setup: str, sources: Iterable[tuple[str, str, bool]]) -> Plan:
    """Read setup and sources; a Fault where Python cannot."""
    read = [Source("setup", setup, is_public=False)]
    read += [Source(name, text, is_public=public) for name, text, public in sources]
    plan = Plan(read)
    for name in plan.needs.absent():
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


def _calls(node: ast.stmt) -> Iterator[str]:
    """The functions that a statement calls, for nothing but their effect, when it is run."""
    if not isinstance(node, (ast.Expr, *_COMPOUND)):
        return
    for inner in outer([node]):
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call):
            yield name_of(inner.value.func)


def _holds_assert(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, _COMPOUND):
        return False
    inner = list(outer([node]))
    expected = [name_of(n.func) for n in inner if isinstance(n, ast.Call)]
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
        bases = [name_of(base) for base in kind.bases]
        if any(base in found or base.endswith("TestCase") for base in bases):
            found.add(kind.name)
    return found
