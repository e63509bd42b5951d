"""Answers into verdicts: a wrong shape is a BadResponse that names the field, never a guess.

Keys that this version does not know are let through, so that a newer service can be used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

from trainer_client.attempts import Answer
from trainer_client.errors import BadResponse, RequestRefused, ServiceUnavailable
from trainer_client.fields import (
    as_object,
    claim_at,
    list_at,
    number_at,
    number_or_none_at,
    numbers_or_none_at,
    object_at,
    outcome_at,
    places_at,
    reference_outcome_at,
    text_at,
    text_or_none_at,
    texts_at,
)
from trainer_client.items import Items
from trainer_client.verdicts import (
    Grade,
    GradeResult,
    GraderInfo,
    GroupStats,
    Outcome,
    ReferenceVerdict,
    Verdict,
)
from trainer_client.wire import well_formed

__all__ = [
    "read_grade_answer",
    "read_graders_answer",
    "read_ready_answer",
    "read_validate_answer",
]

_LONGEST_QUOTE: Final = 300  # characters of the service's own explanation

_GRADE_DEFAULTS: Final[Mapping[str, object]] = {
    "extracted": None,
    "flags": [],
    "detail": {},
    "seconds": 0.0,
    "cached": False,
}

_REMEDIES: Final = {
    401: "give the service's key as api_key",
    403: "give a key that may do this as api_key",
    404: "give the service's root as url, without /v1",
    405: "give the service's root as url, without /v1",
    413: "send fewer or smaller items per call, or raise the service's limits",
    422: "correct the request as the answer says",
}


def read_grade_answer(answer: Answer, items: Items) -> GradeResult:
    """The verdicts on exactly these items, in their order."""
    body = as_object(_json_of(answer), "the answer")
    verdicts = tuple(
        _verdict(one, f"verdicts[{index}]") for index, one in enumerate(_one_each(body, items))
    )
    _check_ids(items, verdicts)
    groups = body.get("groups")
    named = {} if groups is None else as_object(groups, "groups")
    return GradeResult(verdicts, {name: _group(one, name) for name, one in named.items()})


def read_validate_answer(answer: Answer, items: Items) -> list[ReferenceVerdict]:
    """The verdicts on exactly these items' references, in their order."""
    found = _one_each(as_object(_json_of(answer), "the answer"), items)
    verdicts = [_reference_verdict(one, f"verdicts[{at}]") for at, one in enumerate(found)]
    _check_ids(items, verdicts)
    return verdicts


def _one_each(body: Mapping[str, object], items: Items) -> Sequence[object]:
    found = list_at(body, "verdicts", "the answer")
    if len(found) != len(items):
        raise BadResponse(f"{len(found)} verdicts came back for {len(items)} items: none is used")
    return found


def _check_ids(items: Items, verdicts: Sequence[Verdict | ReferenceVerdict]) -> None:
    for index, (item, verdict) in enumerate(zip(items, verdicts, strict=True)):
        if verdict.id is not None:
            _check_id(item.get("id"), verdict.id, f"verdicts[{index}].id")


def read_graders_answer(answer: Answer) -> list[GraderInfo]:
    """What the service offers, in its order."""
    body = as_object(_json_of(answer), "the answer")
    return [
        _grader(one, f"graders[{index}]")
        for index, one in enumerate(list_at(body, "graders", "the answer"))
    ]


def read_ready_answer(answer: Answer) -> bool:
    """Whether it says yes; a key that is refused now is refused for ever."""
    if answer.status in {401, 403}:
        raise RequestRefused(answer.status, _refusal(answer))
    return answer.status == 200


def _json_of(answer: Answer) -> object:
    if 400 <= answer.status < 500:
        raise RequestRefused(answer.status, _refusal(answer))
    if answer.status >= 500:
        raise ServiceUnavailable(
            f"{_refusal(answer)}; see the service's log for the cause", answer.status
        )
    if answer.status != 200:
        raise BadResponse(
            f"HTTP {answer.status} is no answer of Touchstone's: "
            "check that url leads to the service itself, without a redirect"
        )
    try:
        return json.loads(answer.content, parse_constant=_no_such_number)
    except (ValueError, RecursionError) as error:
        raise BadResponse(
            "the answer is not JSON: check that url leads to a Touchstone service"
        ) from error


def _refusal(answer: Answer) -> str:
    why = _explanation(answer.content)
    remedy = _REMEDIES.get(answer.status)
    return f"HTTP {answer.status}" + (f": {why}" if why else "") + (f"; {remedy}" if remedy else "")


def _explanation(content: bytes) -> str:
    """The service's own words, cut short; other text may be a completion and is not quoted."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    told = (body.get("detail") or body.get("error") or body) if isinstance(body, dict) else None
    complaints = told[:3] if isinstance(told, list) else [told]
    text = " ".join("; ".join(_complaint(one) for one in complaints).split())
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "..."


def _complaint(told: object) -> str:
    if not isinstance(told, dict):
        return told if isinstance(told, str) else ""
    # Place and message only: an entry's "input" is what was sent, a completion perhaps.
    place = told.get("field", told.get("loc"))
    where = ".".join(str(part) for part in place) if isinstance(place, list) else place
    message = told.get("message", told.get("msg"))
    return ": ".join(part for part in (where, message) if isinstance(part, str) and part)


def _verdict(data: object, where: str) -> Verdict:
    fields = as_object(data, where)
    outcome = outcome_at(fields, where)
    return Verdict(
        id=text_or_none_at(fields, "id", where),
        reward=_value_of(outcome, fields, "reward", where),
        outcome=outcome,
        grades=_grades(fields, where),
    )


def _reference_verdict(data: object, where: str) -> ReferenceVerdict:
    fields = as_object(data, where)
    return ReferenceVerdict(
        id=text_or_none_at(fields, "id", where),
        outcome=reference_outcome_at(fields, where),
        grades=_grades(fields, where),
    )


def _grades(fields: Mapping[str, object], where: str) -> tuple[Grade, ...]:
    return tuple(
        _grade(one, f"{where}.grades[{index}]")
        for index, one in enumerate(list_at(fields, "grades", where))
    )


def _grade(data: object, where: str) -> Grade:
    fields = as_object(data, where)
    if not _GRADE_DEFAULTS.keys() <= fields.keys():
        fields = {**_GRADE_DEFAULTS, **fields}
    outcome = outcome_at(fields, where)
    return Grade(
        grader=text_at(fields, "grader", where),
        version=text_at(fields, "version", where),
        score=_value_of(outcome, fields, "score", where),
        outcome=outcome,
        reason=text_at(fields, "reason", where),
        extracted=text_or_none_at(fields, "extracted", where),
        flags=texts_at(fields, "flags", where),
        detail=object_at(fields, "detail", where),
        seconds=number_at(fields, "seconds", where),
        cached=claim_at(fields, "cached", where),
    )


def _group(data: object, name: str) -> GroupStats:
    where = f"groups[{name!r}]"
    fields = as_object(data, where)
    items = places_at(fields, "items", where)
    advantages = numbers_or_none_at(fields, "advantages", where)
    if len(items) != len(advantages):
        raise BadResponse(f"{where} has {len(advantages)} advantages for {len(items)} items")
    return GroupStats(
        items=items,
        mean=number_or_none_at(fields, "mean", where),
        std=number_or_none_at(fields, "std", where),
        advantages=advantages,
        degenerate=claim_at(fields, "degenerate", where),
        pass_rate=number_or_none_at(fields, "pass_rate", where),
    )


def _grader(data: object, where: str) -> GraderInfo:
    fields = as_object(data, where)
    match numbers_or_none_at(fields, "score_range", where):
        case (float(low), float(high)):
            score_range = (low, high)
        case _:
            raise BadResponse(f"{where}.score_range is not two numbers")
    return GraderInfo(
        name=text_at(fields, "name", where),
        version=text_at(fields, "version", where),
        lane=text_at(fields, "lane", where),
        score_range=score_range,
        reasons=texts_at(fields, "reasons", where),
        options=object_at(fields, "options", where),
        reference=object_at(fields, "reference", where),
    )


def _check_id(sent: object, received: str, where: str) -> None:
    # An item too broken to be read may come back unnamed; a name of another item means that the
    # order is lost, and every reward after it would be another completion's.
    if not isinstance(sent, str):
        return
    if received != sent and received != well_formed(sent):
        raise BadResponse(f"{where} is not the id of the item in its place: no verdict is used")


def _value_of(outcome: Outcome, fields: Mapping[str, object], key: str, where: str) -> float | None:
    value = number_or_none_at(fields, key, where)
    if (value is None) == (outcome == "graded"):
        raise BadResponse(f"{where}.{key} is {value} with outcome {outcome!r}: no verdict is used")
    return value


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
