"""Runs in a box: holds the tests, and tries with them the program in the other box.

Reads /work/tests.json, writes /work/verdict.json, a line for each test as it ends; nothing that the
program writes is ever part of that file but by the way of a test's outcome.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

from graders.programs.boxed.collecting import Fault, Plan, collect
from graders.programs.boxed.mirrors import state_of
from graders.programs.boxed.needing import Needs
from graders.programs.boxed.outcomes import Over, Verdict
from graders.programs.boxed.peer import Ended, Peer
from graders.programs.boxed.pytest_module import put_in_place
from graders.programs.boxed.showing import TESTS_MODULE
from graders.programs.boxed.standing_in import (
    answer_for_dataclasses,
    answer_for_random,
    answer_imports,
)
from graders.programs.boxed.streams import take_streams
from graders.programs.boxed.trying import Trying
from graders.programs.boxed.unit_tests import prepare_unittest
from graders.programs.boxed.walls import Trouble, Walls

__all__ = ["main"]

_TESTS = "/work/tests.json"
_RECURSION = 10_000
_MOST_ERROR = 500

# Any: JSON, and whatever tests and programs define.
_Value = Any


def main() -> None:
    """Run the tests, and say whether they came to their end."""
    streams = take_streams()
    sys.setrecursionlimit(_RECURSION)
    verdict = Verdict()
    with open(_TESTS, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes longer to start
        asked = json.load(file)
    try:
        plan = collect(asked["setup"], asked["sources"])
        walls = Walls(classes=plan.needs.classes, exits=plan.needs.exits)
        walls.peer = peer = Peer(streams, walls, first_number=0)
        loaded = peer.receive()[0]
        # What it says goes into the verdict as nothing but the text of its own failure.
        if isinstance(loaded, dict) and isinstance(loaded.get("names"), list):
            _try(asked, plan, peer, walls=walls, verdict=verdict, names=loaded["names"])
        elif isinstance(loaded, dict) and "compile_error" in loaded:
            verdict.write(compile_error=str(loaded["compile_error"])[:_MOST_ERROR])
        else:
            verdict.write(load_error=str(loaded)[:_MOST_ERROR])
    except Fault as fault:
        verdict.write(fault=str(fault))
    except (Ended, Over):
        pass
    os._exit(0)


def _try(
    asked: _Value, plan: Plan, peer: Peer, *, walls: Walls, verdict: Verdict, names: _Value
) -> None:
    entry, needs = asked["entry"], plan.needs
    lacking = sorted(needs.wanted(entry) & {name for name in names if type(name) is str})
    answer_imports(peer, lacking=lacking, imported=needs.unknown)
    put_in_place()
    forgotten = needs.forgotten(entry)
    _prepare(needs.modules | {module for module, _ in forgotten.values()}, peer)
    module = ModuleType(TESTS_MODULE)
    sys.modules[TESTS_MODULE] = module
    namespace = vars(module)
    walls.showing.namespaces.append(namespace)
    namespace["__builtins__"] = builtins
    namespace.update(_remembered(forgotten))
    _pick(lacking, peer, namespace)
    if entry is not None:
        _find_entry(entry, needs, peer, namespace=namespace)
    changing = [name for name in lacking if state_of(namespace.get(name)) is None]
    refresh = partial(_pick, changing, peer, namespace)
    trying = Trying(walls, verdict, namespace=namespace, start=asked["start"], refresh=refresh)
    trying.run(plan)
    if not trying.tried and not asked["start"] and walls.has_asked:
        # Or a program would be let off by having every test skip itself.
        verdict.test(0, "tests", Trouble("wrong_answer", "none was run"), is_public=False)
    verdict.write(complete=True, planned=trying.planned, flags=sorted(walls.flags))


def _prepare(modules: Collection[str], peer: Peer) -> None:
    if "unittest" in modules:
        prepare_unittest()
    if "dataclasses" in modules:
        answer_for_dataclasses()
    if "random" in modules:
        answer_for_random(peer)


def _remembered(forgotten: Mapping[str, tuple[str, str]]) -> dict[str, _Value]:
    """What the tests use without having imported it."""
    found = {}
    for name, (module, part) in forgotten.items():
        with suppress(ImportError):
            found[name] = importlib.import_module(module)
            if part:
                found[name] = getattr(found[name], part)
    return found


def _find_entry(entry: str, needs: Needs, peer: Peer, *, namespace: dict[str, _Value]) -> None:
    found = peer.ask("entry", (entry,))
    if isinstance(found, list):
        namespace["candidate"] = found[0]
        if entry in needs.names and entry not in needs.bound:
            namespace.setdefault(entry, found[0])


def _pick(names: list[str], peer: Peer, namespace: dict[str, _Value]) -> None:
    if names:
        picked = peer.ask("pick", names)
        namespace.update({name: picked[name] for name in names if name in picked})
