"""SandboxFusion's `POST /submit`: a completion, and the tests of a row that comes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import orjson
from pydantic import JsonValue

from graders.contract import GraderCall
from graders.extract import final_part, last_block
from graders.programs.languages import LANGUAGES
from service.items import Answer
from service.wires.contract import NotForUs, Question, Recipe
from service.wires.fields import list_at, number_at, object_at, object_of, unquoted
from service.wires.sandbox_fusion_results import command_result, run_response
from service.wires.texts import text_at

__all__ = ["read_submission"]

_SERVED: Final = frozenset({"CommonOJDataset", "CommonOJ", "code_contests"})
_EXPECTED: Final = "dataset, id, completion, config"
_ROW: Final = (
    "config.provided_data: the row is expected, as in"
    ' {"test": [{"input": {"stdin": ""}, "output": {"stdout": ""}}]}: none is stored here'
)
_NAMES: Final = {tag: name for name, language in LANGUAGES.items() for tag in language.tags}
_COMPILED: Final = frozenset({"cpp", "go", "java"})
_LONGEST_RUN_S: Final = 300.0
_PATIENCE_S: Final = (60.0, 900.0)
_SHOWN_CHARS: Final = 1_000
_TIMES: Final = frozenset({"cpu_time", "wall_time"})


# Any: the JSON of a request.
def read_submission(body: Any, _recipe: Recipe) -> Question:
    """The completion graded by `code` with the row's tests; raises NotForUs."""
    body = object_of(body, _EXPECTED)
    config = object_at(body, "config")
    _require_served(body.get("dataset"), config)
    completion = text_at("completion", body.get("completion"))
    language = _language(config)
    cases = _cases(config)
    usual_s = 10.0 if language in _COMPILED else 20.0
    run_s = number_at(config, "config.run_timeout", usual=usual_s, within=(0.0).__lt__)
    tests = _tests(language, cases, config, cpu_s=min(run_s, _LONGEST_RUN_S))
    extra = object_at(config, "config.extra")
    options = {"run_all": extra.get("run_all_cases") is True, "show_output": True}
    call = GraderCall(name="code", options=options)
    item = {"completion": completion, "reference": {"tests": tests}}
    code = last_block(final_part(completion).text, LANGUAGES[language].tags) or ""
    tell = partial(_told, body.get("id"), code, cases)
    least_s, most_s = _PATIENCE_S
    patience_s = min(max(least_s, 2 * run_s * len(cases)), most_s)
    return Question([item], tell, [call], patience_s=patience_s)


def _require_served(dataset: JsonValue, config: Mapping[str, Any]) -> None:
    kind = config.get("dataset_type")
    if dataset not in _SERVED and kind not in _SERVED:
        said = dataset if kind is None else kind
        raise NotForUs(
            f"dataset: {str(said)[:64]!r} is not served here: send config.dataset_type"
            " CommonOJDataset with the row in config.provided_data"
        )
    if config.get("custom_extract_logic") is not None:
        raise NotForUs(
            "config.custom_extract_logic: code of a request is not run here: leave it out, and have"
            " the program in the last fenced block"
        )


def _language(config: Mapping[str, Any]) -> Any:
    value = config.get("language")
    name = _NAMES.get(value.lower()) if isinstance(value, str) else None
    if name is None:
        raise NotForUs(
            f"config.language: {str(value)[:64]!r} is not served: there are"
            f" {', '.join(sorted(LANGUAGES))}, nodejs"
        )
    return name


def _cases(config: Mapping[str, Any]) -> list[dict[str, JsonValue]]:
    row = config.get("provided_data")
    if not isinstance(row, dict) or "test" not in row:
        raise NotForUs(_ROW)
    test = unquoted("config.provided_data.test", row["test"], "write a list of cases")
    found = list_at({"test": test}, "config.provided_data.test")
    if not found:
        raise NotForUs(_ROW)
    return [_case(f"config.provided_data.test.{n}", value) for n, value in enumerate(found)]


def _case(field: str, value: JsonValue) -> dict[str, JsonValue]:
    case = object_of(value, f"{field}: input and output")
    given, asked = object_at(case, f"{field}.input"), object_at(case, f"{field}.output")
    if not given.keys() <= {"stdin"} or asked.keys() != {"stdout"}:
        raise NotForUs(f"{field}: input.stdin and output.stdout alone are served")
    return {
        "stdin": text_at(f"{field}.input.stdin", given.get("stdin", "")),
        "stdout": text_at(f"{field}.output.stdout", asked["stdout"]),
    }


def _tests(
    language: str,
    cases: Sequence[dict[str, JsonValue]],
    config: Mapping[str, Any],
    *,
    cpu_s: float,
) -> dict[str, JsonValue]:
    tests: dict[str, JsonValue] = {
        "language": language,
        "mode": "stdio",
        # Theirs to see: what differs is told.
        "public": [*cases],
        "limits": {"cpu_s": cpu_s},
    }
    compare = object_at(config, "config.extra").get("compare")
    return tests if compare is None else {**tests, "compare": compare}


def _told(
    row_id: JsonValue,
    code: str,
    cases: Sequence[Mapping[str, JsonValue]],
    answers: Sequence[Answer],
) -> bytes:
    grade = orjson.loads(answers[0].verdict)["grades"][0]
    results = grade["detail"].get("results", [])
    tests = [_test(case, result) for case, result in zip(cases, results, strict=False)]
    if grade["reason"] == "compile_error":
        tests = [_uncompiled(cases[0], grade["detail"]["message"])]
    return orjson.dumps(
        {
            "id": row_id if isinstance(row_id, int | str) else 0,
            "accepted": answers[0].reward == 1.0,
            "extracted_code": code,
            "full_code": None,
            "test_code": None,
            "tests": tests,
            "extracted_type": None,
            "extra": {"reason": grade["reason"]},
        }
    )


# Any: a case's result in a grade of `code`.
def _test(case: Mapping[str, JsonValue], result: Mapping[str, Any]) -> dict[str, JsonValue]:
    outcome = result["outcome"]
    ended_well = outcome in ("passed", "wrong_answer")
    ran = command_result(
        return_code=None if outcome in _TIMES else int(not ended_well),
        stdout=result["stdout"],
        stderr=result["stderr"],
        wall_s=result["wall_s"],
        cpu_s=result["cpu_s"],
    )
    message = "" if outcome == "passed" else f"{outcome}: {result.get('difference', '')}"
    info = run_response("Success" if ended_well else "Failed", ran=ran, message=message)
    return {"passed": outcome == "passed", "exec_info": info, "test_info": _shown(case)}


def _uncompiled(case: Mapping[str, JsonValue], message: str) -> dict[str, JsonValue]:
    compiled = command_result(return_code=1, stderr=message)
    info = run_response("Failed", compiled=compiled)
    return {"passed": False, "exec_info": info, "test_info": _shown(case)}


def _shown(case: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    stdin, stdout = str(case["stdin"])[:_SHOWN_CHARS], str(case["stdout"])[:_SHOWN_CHARS]
    return {"input": {"stdin": stdin}, "output": {"stdout": stdout}}
