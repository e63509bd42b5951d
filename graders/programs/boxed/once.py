"""Runs in a box: calls one function of the program once, and writes what came of it.

The request is on stdin: `setup`, `entry`, `args` and `kwargs`, those two in the notation of plain
data.
Stdout carries one JSON object with one key: `value`, or why there is none.
Nothing here is worth forging: whoever writes another object has chosen another value.
"""

from __future__ import annotations

import json
import os
from typing import Any

from graders.programs.boxed.loading import NoEntry, NotCompiled, entry_of, load, said_by
from graders.programs.boxed.plaindata import NotPlain, Reader, Writer, class_name, json_bytes
from graders.programs.boxed.streams import read_all, take_streams, write_all

__all__ = ["main"]

_MOST_CLASSES = 32


def main() -> None:
    """Answer the one request and end at once: no thread or exit function is waited for."""
    streams = take_streams()
    request = json.loads(read_all(streams.reads))
    os.close(streams.reads)
    leave, write, answer = os._exit, write_all, json_bytes
    try:
        frame = answer(_answer(request))
    except BaseException as error:  # noqa: BLE001 - whatever the program raises is its answer
        frame = answer(_failure(error))
    write(streams.writes, frame)
    leave(0)


# Any: JSON.
def _answer(request: dict[str, Any]) -> dict[str, Any]:
    reader = Reader()
    args = reader.values(request["args"])
    kwargs = {name: reader.value(tree) for name, tree in request["kwargs"].items()}
    entry = request["entry"]
    program = load(request.get("setup", ""), entry)
    value = entry_of(program, entry)(*args, **kwargs)
    return {"value": Writer().tree(value)}


def _failure(error: BaseException) -> dict[str, Any]:
    if isinstance(error, NotCompiled):
        return {"compile_error": str(error)}
    if isinstance(error, NoEntry):
        return {"no_entry": str(error)}
    if isinstance(error, NotPlain):
        return {"not_plain": str(error)}
    names = [class_name(kind) for kind in type(error).__mro__[:_MOST_CLASSES]]
    return {"raised": {"classes": names, "message": said_by(error)}}
