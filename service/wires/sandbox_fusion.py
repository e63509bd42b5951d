"""SandboxFusion's wire: verl, ROLL, tinker-cookbook and its own SDK have programs run by it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import orjson
from pydantic import JsonValue

from graders.contract import GraderCall
from graders.programs.languages import LANGUAGES
from service.items import Answer
from service.wires.contract import NotForUs, Question, Recipe, Reply, Route
from service.wires.fields import list_at, number_at, object_at, object_of
from service.wires.sandbox_fusion_results import sandbox_error, told
from service.wires.sandbox_fusion_submit import read_submission
from service.wires.texts import text_at

__all__ = ["ROUTES"]

_GRADERS: Final = (GraderCall(name="run"),)
_EXPECTED: Final = "code, language, stdin, compile_timeout, run_timeout, memory_limit_MB, files"
_OUTPUT_BYTES: Final = 4 * 2**20
_USUAL_S: Final = 10.0
_LONGEST_COMPILE_S: Final = 30.0
_LONGEST_RUN_S: Final = 300.0
_SHORTEST_WALL_S: Final = 2.0
_SLACK_S: Final = 30.0
"""How much longer than its time a program may take, be it asleep or kept waiting."""
_MOST_MEMORY_MB: Final = 65_536
_GRACE_S: Final = 10.0
"""What verl and others wait beyond the two times that they name."""
_ROLL_CLOCK_S: Final = 30.0
"""Silence after which ROLL asks anew, whatever times it has named."""
_MARGIN_S: Final = 2.0
_NAMES: Final = {tag: name for name, language in LANGUAGES.items() for tag in language.tags}


class _Times(NamedTuple):
    """What a program may take, and how long its caller can be kept waiting."""

    compile_s: float
    cpu_s: float
    wall_s: float
    patience_s: float


# Any: the JSON of a request.
def _read(body: Any, _recipe: Recipe) -> Question:
    body = object_of(body, _EXPECTED)
    code = text_at("code", body.get("code"))
    stdin = body.get("stdin")
    times = _times(body)
    wanted = {_path(f"fetch_files.{n}", name): name for n, name in _numbered(body, "fetch_files")}
    reference = {
        "language": _language(body.get("language")),
        "stdin": "" if stdin is None else text_at("stdin", stdin),
        "files": _files(body),
        "fetch_files": list(wanted),
        "limits": _limits(body, times),
        "compile_s": times.compile_s,
        "within_s": times.patience_s - _MARGIN_S,
    }
    item = {"completion": code, "reference": reference}
    return Question([item], partial(_told, wanted), _GRADERS, patience_s=times.patience_s)


def _language(value: JsonValue) -> str:
    name = _NAMES.get(value.lower()) if isinstance(value, str) else None
    if name is None:
        said = "none is named" if value is None else f"{str(value)[:64]!r} is not served"
        raise NotForUs(f"language: {said}: there are {', '.join(sorted(LANGUAGES))}, nodejs")
    return name


def _times(body: Mapping[str, Any]) -> _Times:
    """A run limit there is wall time; here it is CPU time, which a busy machine takes from nobody.

    Its wall time is up to four times as much, as far as the caller's clock goes.
    """
    is_time = (0.0).__lt__
    compile_s = number_at(body, "compile_timeout", usual=_USUAL_S, within=is_time)
    run_s = number_at(body, "run_timeout", usual=_USUAL_S, within=is_time)
    clock_s = compile_s + run_s + _GRACE_S
    if "compile_timeout" not in body:
        # tinker-cookbook's client, which waits for hours.
        clock_s += 2 * run_s
    if "expected_stdout" in body:
        clock_s = min(clock_s, _ROLL_CLOCK_S)
    patience_s = clock_s - _MARGIN_S
    cpu_s = min(run_s, _LONGEST_RUN_S)
    wall_s = min(max(4 * cpu_s, _SHORTEST_WALL_S), cpu_s + _SLACK_S, patience_s - _MARGIN_S)
    return _Times(min(compile_s, _LONGEST_COMPILE_S), cpu_s, wall_s, patience_s)


def _limits(body: Mapping[str, Any], times: _Times) -> dict[str, JsonValue]:
    limits: dict[str, JsonValue] = {
        "cpu_s": times.cpu_s,
        "wall_s": times.wall_s,
        "output_bytes": _OUTPUT_BYTES,
    }
    memory_mb = number_at(body, "memory_limit_MB", usual=-1, within=(-2.0).__lt__)
    if memory_mb >= 1:
        limits["memory_mb"] = min(int(memory_mb), _MOST_MEMORY_MB)
    return limits


def _files(body: Mapping[str, Any]) -> dict[str, JsonValue]:
    """The files that have a content; what is read here is their names alone."""
    return {
        _path("files", name): "".join(text_at(f"files.{name[:64]}", content).split())
        for name, content in object_at(body, "files").items()
        if content is not None
    }


def _numbered(body: Mapping[str, Any], field: str) -> Sequence[tuple[int, str]]:
    return [(n, text_at(f"{field}.{n}", value)) for n, value in enumerate(list_at(body, field))]


def _path(field: str, name: str) -> str:
    """The name without detours; one outside of the program's folder is no file of its own."""
    path = posixpath.normpath(name)
    if not name or path.startswith(("/", "../")) or path in (".", ".."):
        raise NotForUs(f"{field}: {name[:64]!r} is not below the program's folder: name it so")
    return path


def _told(wanted: Mapping[str, str], answers: Sequence[Answer]) -> bytes:
    grade = orjson.loads(answers[0].verdict)["grades"][0]
    return orjson.dumps(told(grade, names=wanted))


def _unscored(body: JsonValue, reason: str) -> Reply:
    """504 is the one code after which verl asks again, and this status the one of ROLL."""
    if isinstance(body, dict) and "expected_stdout" in body:
        return Reply(orjson.dumps(sandbox_error(reason)))
    return _gateway_timeout(body, reason)


def _gateway_timeout(_body: JsonValue, reason: str) -> Reply:
    return Reply(orjson.dumps({"detail": reason}), status=504, retry_after_s=2)


def _routes(prefix: str) -> tuple[Route, Route]:
    wire = "sandbox_fusion"
    return (
        Route(wire, f"{prefix}/run_code", _read, patience_s=28.0, unscored=_unscored),
        # Its caller names no time to wait.
        Route(
            wire, f"{prefix}/submit", read_submission, patience_s=300.0, unscored=_gateway_timeout
        ),
    )


ROUTES: Final = (*_routes(""), *_routes("/compat/sandbox_fusion"))
