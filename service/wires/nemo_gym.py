"""NeMo Gym's resources server: a rollout with its row is verified, and told back with a reward."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from pydantic import JsonValue

from service.items import Answer
from service.wires.contract import NotForUs, Question, Recipe, Reply, Route
from service.wires.rows import fields_read, reference_in, with_thinking

__all__ = ["HEAD_PATHS", "REVERIFY_MODE", "REVERIFY_PATH", "ROUTES", "head_config"]

_ROOT: Final = "/compat/nemo_gym"
# Its two callers without NeMo Gym wait 30 s (axolotl, to which silence is 0.0) and 60 s.
_PATIENCE_S: Final = 27.0
# Of several turns there are those of users, too, who may say what the answer is.
_POLICY: Final = "assistant"

HEAD_PATHS: Final = ("/global_config_dict_yaml", f"{_ROOT}/global_config_dict_yaml")
"""Where a head server tells of its resources servers: `GET`, answered by `head_config`."""

REVERIFY_PATH: Final = f"{_ROOT}/{{recipe}}/reverify_mode"
REVERIFY_MODE: Final = b'"stateless"'
"""The answer to a `GET` there: nothing is kept of a rollout, so it may be verified again."""

_HOST: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")


# Any: the JSON of a request.
def _read(body: Any, recipe: Recipe) -> Question:
    row = _object(body, "body")
    _object(row.get("responses_create_params"), "responses_create_params")
    output = _object(row.get("response"), "response").get("output")
    if not isinstance(output, list):
        raise NotForUs("response.output: a list of output items is expected")
    thoughts, text = _said(output)
    item = {
        "completion": with_thinking(thoughts, text),
        "prefill": "" if thoughts.strip() else recipe.prefill,
        "reference": _reference(row, recipe),
    }
    return Question([item], lambda answers: _told(row, answers[0]))


def _object(value: object, field: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise NotForUs(f"{field}: an object is expected, as NeMo Gym's POST /verify has it")
    return value


def _said(output: Sequence[JsonValue]) -> tuple[str, str]:
    """The thoughts and the text of all turns, each in one piece."""
    thoughts, texts = [], []
    for number, item in enumerate(output):
        where = f"response.output[{number}]"
        part = _object(item, where)
        if part.get("type") == "reasoning":
            thoughts.append(_texts(part, ("content", "summary"), where))
        elif part.get("type", "message") == "message" and part.get("role", _POLICY) == _POLICY:
            texts.append(_texts(part, ("content",), where))
    return "\n\n".join(filter(None, thoughts)), "".join(texts)


def _texts(item: Mapping[str, JsonValue], fields: Sequence[str], where: str) -> str:
    """The text of the first of these fields that has any."""
    for field in fields:
        given = item.get(field)
        if isinstance(given, str):
            return given
        parts = [_object(part, f"{where}.{field}") for part in _listed(given, f"{where}.{field}")]
        texts = [text for part in parts if isinstance(text := part.get("text"), str)]
        if texts:
            return "".join(texts)
    return ""


def _listed(value: JsonValue, field: str) -> Sequence[JsonValue]:
    if value is not None and not isinstance(value, list):
        raise NotForUs(f"{field}: a list of parts is expected")
    return value or ()


def _reference(row: Mapping[str, JsonValue], recipe: Recipe) -> Mapping[str, JsonValue]:
    """Rows of older data sets have at the top what newer ones have in `verifier_metadata`."""
    inner = row.get("verifier_metadata")
    whole = {**inner, **row} if isinstance(inner, dict) else row
    fields, label = fields_read(recipe.graders), recipe.label
    reference = reference_in(
        whole, recipe.graders, label=label, answer=whole.get("expected_answer")
    )
    if "tests" in fields and whole.get("unit_tests") is not None:
        reference["tests"] = whole["unit_tests"]
    if "choices" in fields and (choices := _choices(whole.get("options"))):
        reference["choices"] = choices
    return reference


def _choices(options: JsonValue) -> dict[str, JsonValue]:
    """`[{"A": "one"}, {"B": "two"}]` is how choices are written there."""
    choices: dict[str, JsonValue] = {}
    for option in options if isinstance(options, list) else ():
        choices |= option if isinstance(option, dict) else {}
    return choices


def _told(row: Mapping[str, JsonValue], answer: Answer) -> bytes:
    """The request again with what it earned; numbers at the top become metrics of the run."""
    verdict = orjson.loads(answer.verdict)
    grades = verdict["grades"]
    told: dict[str, JsonValue] = {**row, "reward": answer.reward, "outcome": verdict["outcome"]}
    if verdict["outcome"] != "graded":
        # The number chosen for what has no score: NeMo Gym then leaves the sample out.
        told |= {"mask_sample": True, "failure_kind": "verifier_error"}
        return orjson.dumps(told | {"failure_reason": grades[0]["reason"]})
    extracted = (g["extracted"] for g in grades if g["extracted"] is not None)
    told["extracted_answer"] = next(extracted, None)
    told["reward_components"] = {g["grader"]: g["score"] for g in grades}
    if len(grades) == 1:
        return orjson.dumps(told | {"reason": grades[0]["reason"]})
    told["reason"] = ", ".join(f"{g['grader']}: {g['reason']}" for g in grades)
    return orjson.dumps(told | {f"{g['grader']}_score": g["score"] for g in grades})


def _unscored(body: JsonValue, reason: str) -> Reply | None:
    """To axolotl every error is 0.0, and no word of it; with no number at all its step ends."""
    response = body.get("response") if isinstance(body, dict) else None
    # What it writes around every completion; servers of models number theirs.
    made_up = ("id", "resp"), ("created_at", 0)
    if not isinstance(response, dict) or any(response.get(k) != v for k, v in made_up):
        return None
    return Reply(orjson.dumps({"reward": None, "failure_reason": reason}))


# Any: the JSON of a request.
def _read_session(body: Any, _: Recipe) -> Question:
    """A session holds nothing here: its id, where the caller chose one, is all there is to say."""
    session = _object(body, "body").get("resources_session_id")
    told = {"resources_session_id": session} if isinstance(session, str) else {}
    return Question([], lambda _: orjson.dumps(told))


def head_config(host: str, names: Iterable[str]) -> bytes:
    """A head server's answer: one resources server for each name that our URLs may have.

    The callers put `http://{host}:{port}/verify` together, so the port has our path behind it.
    Raises NotForUs where the request's own `Host` is none.
    """
    found = _HOST.fullmatch(host)
    if found is None:
        raise NotForUs("Host: a name or an address is expected, with a port or without")
    port = found["port"] or "80"
    servers = {
        name: {
            "resources_servers": {name: {"host": found["host"], "port": f"{port}{_ROOT}/{name}"}}
        }
        for name in names
    }
    # As NeMo Gym's own: YAML, which JSON is, in a JSON string.
    return orjson.dumps(orjson.dumps(servers).decode())


ROUTES: Final = (
    Route(
        "nemo_gym",
        f"{_ROOT}/{{recipe}}/verify",
        _read,
        patience_s=_PATIENCE_S,
        unscored=_unscored,
        unusable=_unscored,
    ),
    Route("nemo_gym", f"{_ROOT}/{{recipe}}/seed_session", _read_session, patience_s=_PATIENCE_S),
    Route("nemo_gym", f"{_ROOT}/{{recipe}}/close_session", _read_session, patience_s=_PATIENCE_S),
)
