"""Runs in the box of the tests: goes through the sources and tries the program."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from graders.programs.boxed.collecting import Plan, Source
from graders.programs.boxed.fixtures import Variant, run_with_fixtures, variants
from graders.programs.boxed.mirrors import state_of
from graders.programs.boxed.outcomes import Over, Skipped, Verdict, trouble_of
from graders.programs.boxed.unit_tests import is_test_case, method_names, run_method
from graders.programs.boxed.walls import Trouble, Walls

__all__ = ["Trying"]

# Any: whatever tests define.
_Value = Any
_Namespace = dict[str, Any]

_BEFORE = ("setUpModule", "setup_module")
_AFTER = ("tearDownModule", "teardown_module")


class _Run:
    """One run of a test; one with trouble has failed already."""

    def __init__(
        self, name: str, action: Callable[[], object], trouble: Trouble | None = None
    ) -> None:
        self.name = name
        self.action = action
        self.trouble = trouble


class Trying:
    """One run of the tests, from the test with the number `start` on."""

    def __init__(
        self,
        walls: Walls,
        verdict: Verdict,
        *,
        namespace: _Namespace,
        start: int,
        refresh: Callable[[], object],
    ) -> None:
        self._walls = walls
        self._verdict = verdict
        self._namespace = namespace
        self._start = start
        self._refresh = refresh
        self.planned = 0
        """The tests so far, those before `start` and those that are skipped among them."""
        self.tried = 0

    def run(self, plan: Plan) -> None:
        """Run the set-up and then every source, to the end or to that of the program."""
        setup, *sources = plan.sources
        trouble = self._prepared(setup, setup.tree.body)
        for source in sources:
            self._source(source, trouble)

    def _source(self, source: Source, trouble: Trouble | None) -> None:
        if not source.defined and not any(step.is_test for step in source.steps):
            self._whole(source, trouble)
            return
        last = source.steps[-1]
        for step in source.steps:
            name = f"{source.name}, line {step.nodes[0].lineno}"
            if step.is_test:
                action = self._running(source, step.nodes)
                shown = source.shown(step.nodes[0])
                self._try(source, _Run(name, action, trouble), shown=shown)
                continue
            trouble = trouble or self._prepared(source, step.nodes)
            if trouble is not None and step is last and not source.defined:
                # With no test after it that could say so.
                self._try(source, _Run(name, _nothing, trouble))
        self._try_defined(source, trouble)

    def _try_defined(self, source: Source, trouble: Trouble | None) -> None:
        trouble = trouble or self._called(source, _BEFORE)
        for node in source.defined:
            for run in self._runs(node.name, trouble):
                run.name = f"{source.name}, {run.name}"
                self._try(source, run)
        self._called(source, _AFTER)

    def _whole(self, source: Source, trouble: Trouble | None) -> None:
        """A source without tests is one, if it asks anything of the program."""
        trouble = trouble or self._prepared(source, source.tree.body)
        if trouble is not None or self._walls.questions:
            self._try(source, _Run(source.name, _nothing, trouble))

    def _runs(self, name: str, trouble: Trouble | None) -> Iterator[_Run]:
        """The runs of what the tests define under this name, in their order."""
        value = self._namespace.get(name)
        is_ours = state_of(value) is None
        if trouble is not None:
            yield _Run(name, _nothing, trouble)
        elif name == "check":
            yield _Run(name, lambda: _call_check(self._namespace))
        elif is_ours and is_test_case(value):
            yield from self._of_test_case(value)
        elif is_ours and isinstance(value, type):
            yield from self._of_class(value)
        elif is_ours and hasattr(value, "__code__"):
            yield from self._of_function(name, value)
        else:
            yield _Run(name, _nothing, Trouble("not_plain", f"{name} is not the tests' own"))

    def _of_test_case(self, kind: _Value) -> Iterator[_Run]:
        names = method_names(kind)
        if not names:
            return
        before = trouble_of(self._walls, kind.setUpClass, shown="setUpClass")
        for name in names:
            yield _Run(f"{kind.__name__}.{name}", partial(run_method, kind, name), before)
        if before is None:
            trouble_of(self._walls, kind.tearDownClass, shown="")
            kind.doClassCleanups()

    def _of_class(self, kind: _Value) -> Iterator[_Run]:
        spaces = [self._namespace, *(vars(base) for base in reversed(kind.__mro__))]
        names = dict.fromkeys(name for base in reversed(kind.__mro__) for name in vars(base))
        for name in names:
            function = getattr(kind, name)
            if name.startswith("test") and hasattr(function, "__code__"):
                shown = f"{kind.__name__}.{name}"
                run = partial(_run_in_class, kind, function, spaces)
                yield from self._variants(shown, run, partial(variants, function, kind, spaces))

    def _of_function(self, name: str, function: _Value) -> Iterator[_Run]:
        spaces = [self._namespace]
        run = partial(_run, function, None, spaces)
        yield from self._variants(name, run, partial(variants, function, None, spaces))

    def _variants(
        self, name: str, run: Callable[[Variant], object], find: Callable[[], list[Variant]]
    ) -> Iterator[_Run]:
        found: list[Variant] = []
        # What the parameters are may be the program's doing.
        trouble = trouble_of(self._walls, lambda: found.extend(find()), shown=name)
        if trouble is not None:
            yield _Run(name, _nothing, trouble)
            return
        for variant in found:
            yield _Run(f"{name}{variant.label}", partial(run, variant))

    def _try(self, source: Source, run: _Run, *, shown: str = "") -> None:
        index = self.planned
        self.planned += 1
        if index < self._start:
            return
        trouble = run.trouble
        if trouble is None:
            try:
                trouble = trouble_of(self._walls, self._fresh(run.action), shown=shown)
            except Skipped:
                trouble = self._walls.trouble
                if trouble is None:
                    return
        self.tried += 1
        self._verdict.test(index, run.name, trouble, is_public=source.is_public)
        if self._walls.is_over:
            raise Over

    def _prepared(self, source: Source, nodes: Sequence[ast.stmt]) -> Trouble | None:
        """Run what is no test; what goes wrong there goes wrong in every test after it."""
        try:
            shown = source.shown(nodes[0]) if nodes else ""
            action = self._fresh(self._running(source, nodes))
            return trouble_of(self._walls, action, shown=shown)
        except Skipped:
            return None

    def _fresh(self, action: Callable[[], object]) -> Callable[[], object]:
        """The action, with the program's plain values as they are by then."""

        def run() -> None:
            self._refresh()
            action()

        return run

    def _called(self, source: Source, names: Sequence[str]) -> Trouble | None:
        for node in source.definitions(ast.FunctionDef):
            if node.name in names:
                return trouble_of(self._walls, self._namespace[node.name], shown=node.name)
        return None

    def _running(self, source: Source, nodes: Sequence[ast.stmt]) -> Callable[[], object]:
        def run() -> None:
            module = ast.Module(body=list(nodes), type_ignores=[])
            code = compile(module, f"<{source.name}>", "exec", source.flags, dont_inherit=True)
            builtins.exec(code, self._namespace)  # noqa: S102 - the tests are to be run

        return run


def _call_check(namespace: _Namespace) -> None:
    if "candidate" not in namespace:
        raise NameError("the program does not define what check(candidate) is to be given")
    namespace["check"](namespace["candidate"])


def _run(function: _Value, owner: _Value, spaces: _Value, variant: Variant) -> None:
    if variant.is_skipped:
        raise Skipped(variant.label)
    run_with_fixtures(function, owner, variant, namespaces=spaces)


def _run_in_class(kind: _Value, function: _Value, spaces: _Value, variant: Variant) -> None:
    owner = kind()
    for name in ("setup_class", "setup_method"):
        if hasattr(owner, name):
            _with_or_without(getattr(owner, name), function)
    try:
        _run(function, owner, spaces, variant)
    finally:
        for name in ("teardown_method", "teardown_class"):
            if hasattr(owner, name):
                _with_or_without(getattr(owner, name), function)


def _with_or_without(method: _Value, function: _Value) -> None:
    """Such methods may take the function that is about to be run."""
    takes = method.__func__.__code__.co_argcount
    method(*([function] if takes > 1 else []))


def _nothing() -> None:
    """What is left to do where all is done."""
