"""Runs in the box of the tests: what the tests need of the program, of Python, and of others."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import accumulate
from typing import Any

from graders.programs.boxed.plaindata import words

__all__ = ["Needs", "name_of", "outer"]

_CAPITAL = re.compile(r"_*[A-Z]")
_EXITS = frozenset({"GeneratorExit", "KeyboardInterrupt", "SystemExit"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
# Modules that are not the program, whatever is installed; any other unknown one is taken for it.
_KNOWN_ELSEWHERE = words(
    "PIL aiohttp attr attrs boto3 bs4 click cv2 dateutil django faker fastapi flask freezegun gym",
    "httpx hypothesis jax jinja2 keras lxml matplotlib mock networkx nltk nose nose2 numba numpy",
    "pandas parameterized peewee plotly psutil pydantic pygame pytz regex requests responses rich",
    "scipy seaborn six sklearn sortedcontainers spacy sqlalchemy statsmodels sympy tabulate",
    "tensorflow toolz torch torchvision tornado tqdm transformers xgboost yaml",
)

_ALIASES = {"np": "numpy", "pd": "pandas"}
# What tells how a value is related to another, or makes another of it.
_JUDGING_OF = {
    **dict.fromkeys(words("fabs isclose isfinite isinf isnan"), "math"),
    **dict.fromkeys(words("approx raises"), "pytest"),
    **dict.fromkeys(words("Any Dict Iterable List Optional Set Tuple Union"), "typing"),
    "deepcopy": "copy",
}


class Needs:
    """What the tests use and do not define themselves."""

    def __init__(self, trees: Sequence[ast.Module]) -> None:
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

        bases = {id(node.value) for node in _of(trees, ast.Attribute)}
        self._called = {node.id for node in _of(trees, ast.Name) if id(node) not in bases}

    def wanted(self, entry: str | None) -> set[str]:
        """Names that the program is to give the tests.

        A name of a builtin is what the tests want of Python, unless it is all that they could want
        of the program: who defines `all` does not decide what `all` of a test's values are.
        """
        free = self.names - self.bound - {"candidate"}
        forgotten = set(self.forgotten(entry))
        own = {name for name in free if not hasattr(builtins, name)} - forgotten
        if entry and entry in free:
            return own | {entry}
        if own or entry:
            return own
        judging = forgotten & set(_JUDGING_OF)
        called = {name for name in free if callable(getattr(builtins, name, None))}
        return judging or (called if len(called) == 1 else set())

    def forgotten(self, entry: str | None) -> dict[str, tuple[str, str]]:
        """Names that the tests use and do not import, with the module and what they are of it.

        Programs tend to import them. Who defines `math` decides nothing either.
        """
        found = {}
        for name in self.names - self.bound - {entry}:
            is_module = name in sys.stdlib_module_names and name not in self._called
            if is_module or name in _ALIASES:
                found[name] = (_ALIASES.get(name, name), "")
            elif name in _JUDGING_OF:
                found[name] = (_JUDGING_OF[name], name)
        return found

    def absent(self) -> list[str]:
        """What they import, is not the program, and is not here."""
        known = sorted(self.modules & _KNOWN_ELSEWHERE)
        return [name for name in known if find_spec(name) is None]


def _of(trees: Sequence[ast.AST], kind: type[Any]) -> Iterator[Any]:
    return (node for tree in trees for node in ast.walk(tree) if isinstance(node, kind))


def outer(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes and what is in them, but not what is inside of definitions."""
    for node in nodes:
        yield node
        if not isinstance(node, _DEFINITIONS):
            yield from outer(ast.iter_child_nodes(node))


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    for node in outer(body):
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
            elif isinstance(node, ast.Call) and name_of(node.func) in ("isinstance", "issubclass"):
                yield from (name_of(kind) for kind in ast.walk(node.args[-1]))
            yield from (name for name in names if _CAPITAL.match(name))


def name_of(node: ast.AST) -> str:
    """The name, or the last part of the dotted one; empty where it is neither."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
