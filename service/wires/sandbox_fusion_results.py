"""Results in SandboxFusion's words: of compilers, of programs, and of both together."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any, Final

from pydantic import JsonValue

__all__ = ["command_result", "refused_program", "run_response", "sandbox_error", "told"]

_TIMES: Final = frozenset({"cpu_time", "wall_time"})
_SAID: Final = {
    "memory": "the program was killed: it met its limit of memory",
    "output": "the program was killed: it met the limit of output",
    "processes": "the program failed: it met the limit of processes",
    "forbidden_syscall": "the program was killed: it made a forbidden system call",
}
_NO_PROGRAM: Final = {
    "no_program": "the program is empty",
    "too_long": "the program is longer than the service allows (TOUCHSTONE_TEXT_CHARS)",
}


# Any: a grade of `run` as JSON.
def told(grade: Mapping[str, Any], *, names: Mapping[str, str]) -> dict[str, JsonValue]:
    """The answer to `run_code`; `names` are those under which the files were asked for."""
    reason, detail = grade["reason"], grade["detail"]
    if reason in _NO_PROGRAM:
        return refused_program(_NO_PROGRAM[reason])
    if reason in ("compile_error", "compile_time"):
        return run_response("Failed", compiled=_failed_compilation(reason, detail))
    compiled = None if detail["compile"] is None else _of(detail["compile"], is_late=False)
    return run_response(
        "Success" if reason == "finished" else "Failed",
        compiled=compiled,
        ran=_of(detail, is_late=reason in _TIMES),
        message=_SAID.get(detail["ending"], ""),
        files={names.get(path, path): content for path, content in detail["files"].items()},
    )


def sandbox_error(message: str) -> dict[str, JsonValue]:
    """The answer that says that the sandbox is at fault."""
    return run_response("SandboxError", message=message)


def refused_program(message: str) -> dict[str, JsonValue]:
    """The answer to a program that cannot even be started."""
    return run_response("Failed", ran=command_result(return_code=1, stderr=message))


def run_response(
    status: str,
    *,
    compiled: dict[str, JsonValue] | None = None,
    ran: dict[str, JsonValue] | None = None,
    message: str = "",
    files: dict[str, JsonValue] | None = None,
) -> dict[str, JsonValue]:
    """A `RunCodeResponse`."""
    return {
        "status": status,
        "message": message,
        "compile_result": compiled,
        "run_result": ran,
        "executor_pod_name": None,
        "files": files or {},
    }


def command_result(
    *,
    return_code: int | None,
    stdout: str = "",
    stderr: str = "",
    wall_s: float = 0.0,
    cpu_s: float = 0.0,
) -> dict[str, JsonValue]:
    """A `CommandRunResult`; without a return code it took too long."""
    return {
        "status": "TimeLimitExceeded" if return_code is None else "Finished",
        "execution_time": wall_s,
        "cpu_time": cpu_s,
        "return_code": return_code,
        "stdout": stdout,
        "stderr": stderr,
    }


# Any: a part of a grade's detail.
def _of(part: Mapping[str, Any], *, is_late: bool) -> dict[str, JsonValue]:
    """A program that was late may have ended by itself all the same."""
    return command_result(
        return_code=None if is_late else _return_code(part),
        stdout=part["stdout"],
        stderr=part["stderr"],
        wall_s=part["wall_s"],
        cpu_s=part["cpu_s"],
    )


def _return_code(part: Mapping[str, Any]) -> int:
    """As Python has it of a child: a signal is negative, and what is killed died of SIGKILL."""
    ending = part["ending"]
    if ending == "exited":
        return int(part["status"])
    if ending in ("signalled", "forbidden_syscall"):
        return -int(part.get("signal") or signal.SIGSYS)
    return int(part["status"] or -signal.SIGKILL)


def _failed_compilation(reason: str, detail: Mapping[str, Any]) -> dict[str, JsonValue]:
    part = detail["compile"]
    if part is None:
        return command_result(return_code=1, stderr=detail["message"])
    result = _of(part, is_late=reason == "compile_time")
    if reason == "compile_error":
        # A compiler may end well and still have made nothing that could be run.
        result["return_code"] = result["return_code"] or 1
        result["stderr"] = result["stderr"] or detail["message"]
    return result
