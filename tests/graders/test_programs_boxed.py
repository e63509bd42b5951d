"""What runs inside boxes: whole and alone there, and unshaken by what the other side writes."""

from __future__ import annotations

import ast
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.programs.boxed import DriverName, driver
from graders.programs.boxed.mirrors import Live, state_of
from graders.programs.boxed.peer import Ended, Peer
from graders.programs.boxed.streams import Streams
from graders.programs.boxed.walls import Stuck, Walls
from sandbox import Job, run

_NAMES: Final[tuple[DriverName, ...]] = get_args(DriverName)
_PIPE_BYTES: Final = 2**16


def _text(name: DriverName) -> str:
    (text,) = (data for path, data in driver(name).files.items() if path.endswith(".py"))
    return text.decode()


@pytest.mark.parametrize("name", _NAMES)
def test_a_driver_is_alone_in_its_box(name: DriverName) -> None:
    tree = ast.parse(_text(name))
    imported = {
        module.partition(".")[0]
        for node in ast.walk(tree)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""] * isinstance(node, ast.ImportFrom)
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names | {"__future__"}
    assert driver(name) is driver(name)


@pytest.mark.parametrize("name", _NAMES)
def test_no_name_of_a_driver_means_two_things(name: DriverName) -> None:
    # Its modules share one namespace there.
    meanings: dict[str, set[str]] = defaultdict(set)
    for node in ast.parse(_text(name)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            meanings[node.name].add(ast.dump(node))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                meanings[ast.unparse(target)].add(ast.dump(node.value))
    del meanings["__all__"]
    assert [name for name, found in meanings.items() if len(found) > 1] == []


def test_an_interpreter_of_another_version_compiles_the_text() -> None:
    once = driver("once")
    only_text = {path: data for path, data in once.files.items() if path.endswith(".py")}
    assert len(once.files) == 2 * len(only_text)
    request = json.dumps({"entry": "f", "args": [[2, 1]], "kwargs": {}}).encode()
    program = b"def f(x): return sorted(x)"
    ending = run(
        Job(source=once.source, files={**only_text, "solution.py": program}, stdin=request)
    )
    assert ending.stdout == b'{"value":[1,2]}', ending.stderr


@contextmanager
def _tests_side(frames: list[Any]) -> Iterator[tuple[Peer, Walls]]:
    """The tests' side of a conversation in which these frames are all that ever comes."""
    reads, their_end = os.pipe()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    data = b"".join(
        len(body).to_bytes(4, "big") + body
        for body in (f if isinstance(f, bytes) else json.dumps(f).encode() for f in frames)
    )
    os.write(their_end, data[:_PIPE_BYTES])
    os.close(their_end)
    walls = Walls(classes=frozenset(), exits=frozenset())
    walls.peer = Peer(Streams(reads, nowhere), walls, first_number=0)
    try:
        yield walls.peer, walls
    finally:
        os.close(reads)
        os.close(nowhere)


_TAGS: Final = (
    "$new $ref $yours $your_named $live $class $named $error $shared $unimplemented $counter"
    " $ordered $default $slice $tuple $set $frozenset $deque $dict $bytes $bytearray $int $float"
    " $complex $range $ellipsis $decimal $fraction $datetime $date $time $timedelta $py $other"
)
_LEAVES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 9),
    st.floats(allow_nan=False),
    st.text(max_size=4),
    st.sampled_from(["builtins", "ValueError", "__eq__", "__class__", "builtins.int", "f", "1f"]),
)
_TREES: Final = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=3), inner, max_size=2),
        st.builds(lambda tag, body: {tag: body}, st.sampled_from(_TAGS.split()), inner),
    ),
    max_leaves=10,
)
_CLASSES: Final = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(["A", "function", "generator", "int", "\0"]),
        st.lists(st.one_of(st.integers(0, 4), st.just(["builtins", "KeyError"])), max_size=2),
        st.lists(st.sampled_from(["__eq__", "__len__", "$base", "__class__"]), max_size=3),
        st.one_of(st.none(), st.lists(st.sampled_from(["x", "_y", "count"]), max_size=2)),
    ).map(list),
    max_size=3,
)
_ERRORS: Final = st.fixed_dictionaries(
    {"type": _TREES, "number": st.integers(0, 3), "text": st.text(max_size=3), "args": _TREES},
    optional={"attributes": _TREES, "cause": _TREES, "yours": st.integers(-1, 3)},
)
_SILENCE: Final[st.SearchStrategy[Any]] = st.just(["", []])
_NOTHING: Final[st.SearchStrategy[Any]] = st.just([])
_FRAMES: Final = st.one_of(
    st.tuples(st.sampled_from(["value", "x"]), _TREES, _NOTHING, _NOTHING, _CLASSES, _SILENCE),
    st.tuples(st.just("error"), _ERRORS, _NOTHING, _NOTHING, _CLASSES, _SILENCE),
    st.tuples(st.just("value"), *[_TREES] * 5),
    st.tuples(
        st.just("ask"),
        st.sampled_from(["call", "get", "set", "special", "input", "x"]),
        st.lists(_TREES, max_size=3),
        _TREES,
        _NOTHING,
        _NOTHING,
        _CLASSES,
        _SILENCE,
    ),
    _TREES,
    st.binary(max_size=20),
).map(lambda frame: list(frame) if isinstance(frame, tuple) else frame)


def _use(value: Any, walls: Walls) -> None:
    """What a test may do with a value: of an object of the program, nothing makes it equal."""
    if isinstance(value, Live):
        five: object = 5
        assert (value == five) is False
        assert (value != five) is True
        assert five not in [value]
        assert not isinstance(value, int | str | list | dict)
        assert walls.peer is state_of(value).peer


@settings(max_examples=400)
@given(st.lists(_FRAMES, min_size=1, max_size=4))
def test_no_frame_does_more_than_fail_a_test(frames: list[Any]) -> None:
    with _tests_side(frames) as (peer, walls):
        walls.begin()
        for _ in frames:
            try:
                _use(peer.ask("call", (repr, [1, 2])), walls)
            except (Ended, Stuck):
                assert walls.trouble is not None
            except (LookupError, ValueError):
                # What the other side says that the program raised.
                continue


def test_a_frame_that_promises_too_much_ends_the_conversation() -> None:
    for head in (b"\xff\xff\xff\xff", b"\0\0\0\x05abc", b"\0\0"):
        reads, their_end = os.pipe()
        os.write(their_end, head)
        os.close(their_end)
        walls = Walls(classes=frozenset(), exits=frozenset())
        peer = Peer(Streams(reads, 2), walls, first_number=0)
        with pytest.raises(Ended):
            peer.receive()
        assert walls.is_over
        os.close(reads)
    with _tests_side([b"[" + b"1," * 1_000 + b"1]"]) as (peer, _):
        assert len(peer.receive()) == 1_001
