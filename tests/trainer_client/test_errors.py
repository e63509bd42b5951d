"""What is refused, on which side of the wire, in which words, and with what left unsaid."""

from __future__ import annotations

import json
import math
import pickle
import re
from typing import Any

import pytest

from tests.trainer_client.conftest import Ask
from tests.trainer_client.stub_service import (
    FakeTime,
    Reply,
    StubService,
    grade_json,
    grader_json,
    verdict_json,
)
from trainer_client import (
    AsyncClient,
    BadResponse,
    Client,
    RequestRefused,
    ServiceUnavailable,
    TouchstoneError,
)

GOOD = {"completion": "4"}
SECRET = "the-completion-itself"
HUGE_REWARD = b'{"verdicts": [{"id": null, "outcome": "graded", "reward": 1e999, "grades": []}]}'


def _nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


CANNOT = "cannot be sent as JSON ("


def _item(value: object) -> dict[str, object]:
    return {"completion": SECRET, "reference": {"answer": value}}


@pytest.mark.parametrize(
    ("items", "graders", "error", "words"),
    [
        ([GOOD, _item(math.nan)], [], ValueError, f"items[1] {CANNOT}"),
        ([_item([{"y": math.inf}])], [], ValueError, f"items[0] {CANNOT}"),
        ([GOOD, GOOD, _item(-math.inf)], [], ValueError, "finite float"),
        ([GOOD], [{"name": "math", "weight": math.nan}], ValueError, f"graders[0] {CANNOT}"),
        ([GOOD, _item({1, 2})], [], TypeError, f"items[1] {CANNOT}an object of type set)"),
        ([_item(b"bytes")], [], TypeError, "an object of type bytes"),
        ([_item({(1, 2): 3})], [], TypeError, f"items[0] {CANNOT}keys must be"),
        ([GOOD, _item(_nested(100_000))], [], ValueError, f"items[1] {CANNOT}nested too deeply)"),
        ([GOOD, _item(10**5000)], [], ValueError, f"items[1] {CANNOT}"),
        ([GOOD, SECRET], [], TypeError, "items[1] is of type str: pass a mapping"),
        ({"completion": SECRET}, [], TypeError, "items is of type dict: pass a list of mappings"),
        (SECRET, [], TypeError, "items is of type str: pass a list of mappings"),
        (iter([GOOD]), [], TypeError, "items is of type list_iterator: pass a list of mappings"),
        ([GOOD], "math", TypeError, "graders is of type str: pass a list of mappings"),
        ([GOOD], ["math"], TypeError, "graders[0] is of type str: pass a mapping"),
    ],
)
def test_what_json_cannot_hold_is_named_and_not_sent(
    ask: Ask, service: StubService, items: object, graders: object, error: type, words: str
) -> None:
    with pytest.raises(error) as caught:
        ask(service.url, "grade", items, graders)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)
    assert service.seen == []


@pytest.mark.parametrize(
    ("deadline_s", "words"),
    [
        (0.0, "deadline_s=0.0: give a finite number"),
        (-1.0, "deadline_s=-1.0: give a finite number"),
        (math.nan, "deadline_s=nan: give a finite number"),
        (math.inf, "deadline_s=inf is over timeout_s=600.0"),
        (601.0, "deadline_s=601.0 is over timeout_s=600.0, so the client would hang up first"),
    ],
)
def test_a_deadline_that_cannot_be_kept_is_refused(
    ask: Ask, service: StubService, deadline_s: float, words: str
) -> None:
    with pytest.raises(ValueError, match="deadline_s") as caught:
        ask(service.url, "grade", [GOOD], deadline_s=deadline_s)
    assert words in str(caught.value)
    assert service.seen == []


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("127.0.0.1:8000", {}, "no http:// or https://"),
        ("localhost", {}, "no http:// or https://"),
        ("ftp://host", {}, "no http:// or https://"),
        ("http://", {}, "no http:// or https:// with a host"),
        ("http://u:s3cret@host:port", {}, "url cannot be read"),
        ("http://host?key=s3cret", {}, "a query or a fragment"),
        ("http://host#s3cret", {}, "a query or a fragment"),
        ("http://u:s3cret@host", {"api_key": "s3cret"}, "give one of them"),
        ("http://host", {"api_key": "s3cret\n"}, "strip it"),
        ("http://host", {"api_key": "s3cret\u00e9"}, "non-ASCII"),
        ("http://host", {"api_key": ""}, "api_key is empty"),
        ("http://host", {"timeout_s": 0.0}, "timeout_s=0.0"),
        ("http://host", {"timeout_s": math.inf}, "timeout_s=inf"),
        ("http://host", {"max_attempts": 0}, "max_attempts=0: give at least 1"),
    ],
)
def test_a_client_that_cannot_work_is_not_made(
    # Any: one table for options of several types
    client: type[Client] | type[AsyncClient],
    url: str,
    options: dict[str, Any],
    words: str,
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        client(url, **options)
    assert "s3cret" not in str(caught.value)


def _bad_verdict(**changes: object) -> dict[str, object]:
    return {"verdicts": [verdict_json(**changes)]}


def _bad_grade(**changes: object) -> dict[str, object]:
    return _bad_verdict(grades=[grade_json(**changes)])


def _bad_group(**changes: object) -> dict[str, object]:
    group = {
        "items": [],
        "mean": 0.0,
        "std": 0.0,
        "advantages": [],
        "degenerate": False,
        "pass_rate": None,
    }
    return {"verdicts": [verdict_json()], "groups": {"p": group | changes}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "the answer is not an object"),
        ({}, "the answer lacks 'verdicts'"),
        ({"verdicts": {}}, "the answer.verdicts is not a list"),
        ({"verdicts": []}, "0 verdicts came back for 1 items: none is used"),
        ({"verdicts": [verdict_json()] * 2}, "2 verdicts came back for 1 items"),
        ({"verdicts": [7]}, "verdicts[0] is not an object"),
        (_bad_verdict(id=7), "verdicts[0].id is not a string"),
        (_bad_verdict(id="another"), "verdicts[0].id is not the id of the item in its place"),
        (_bad_verdict(outcome="passed"), "verdicts[0].outcome is not graded, ungradable or failed"),
        (_bad_verdict(outcome=None), "verdicts[0].outcome is not graded, ungradable or failed"),
        (_bad_verdict(reward=None), "verdicts[0].reward is None with outcome 'graded'"),
        (_bad_verdict(outcome="failed"), "verdicts[0].reward is 1.0 with outcome 'failed'"),
        (_bad_verdict(reward="1"), "verdicts[0].reward is not a finite number or null"),
        (_bad_verdict(reward=True), "verdicts[0].reward is not a finite number or null"),
        (_bad_verdict(reward=10**400), "verdicts[0].reward is not a finite number or null"),
        (_bad_verdict(grades=None), "verdicts[0].grades is not a list"),
        (_bad_grade(score=None), "verdicts[0].grades[0].score is None with outcome 'graded'"),
        (_bad_grade(outcome="failed"), "verdicts[0].grades[0].score is 1.0 with outcome 'failed'"),
        (_bad_grade(grader=None), "verdicts[0].grades[0].grader is not a string"),
        (_bad_grade(flags="x"), "verdicts[0].grades[0].flags is not a list"),
        (_bad_grade(flags=["x", 1]), "verdicts[0].grades[0].flags is not a list of strings"),
        (_bad_grade(detail=[]), "verdicts[0].grades[0].detail is not an object"),
        (_bad_grade(seconds=None), "verdicts[0].grades[0].seconds is not a finite number"),
        (_bad_grade(cached=0), "verdicts[0].grades[0].cached is not true or false"),
        ({"verdicts": [verdict_json()], "groups": []}, "groups is not an object"),
        (_bad_group(degenerate=None), "groups['p'].degenerate is not true or false"),
        (_bad_group(items=[0]), "groups['p'] has 0 advantages for 1 items"),
        (_bad_group(items=[-1]), "groups['p'].items is not a list of places"),
        (_bad_group(items=[True]), "groups['p'].items is not a list of places"),
        (_bad_group(advantages=["x"]), "groups['p'].advantages[0] is not a finite number or null"),
    ],
)
def test_an_answer_of_another_shape_is_named(
    ask: Ask, service: StubService, body: object, words: str
) -> None:
    service.script = [Reply(body=json.dumps(body).encode())]
    with pytest.raises(BadResponse) as caught:
        ask(service.url, "grade", [{"id": "mine", "completion": SECRET}])
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(body=b"<html>hello</html>"), "the answer is not JSON"),
        (Reply(body=b"\xff\xfe"), "the answer is not JSON"),
        (Reply(body=b'{"verdicts": [NaN]}'), "the answer is not JSON"),
        (Reply(body=b"[" * 100_000), "the answer is not JSON"),
        (Reply(body=HUGE_REWARD), "verdicts[0].reward is not a finite number or null"),
        (Reply(202, b"{}"), "HTTP 202 is no answer of Touchstone's"),
        (Reply(307, headers={"Location": "https://elsewhere/"}), "without a redirect"),
        (Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}), "compression is broken"),
    ],
)
def test_an_answer_of_another_server_is_named(
    ask: Ask, service: StubService, reply: Reply, words: str
) -> None:
    service.script = [reply]
    with pytest.raises(BadResponse) as caught:
        ask(service.url, "grade", [{"completion": SECRET}], timing=FakeTime().timing)
    assert words in str(caught.value)
    assert len(service.seen) == 1


ROOT_URL = "give the service's root as url, without /v1"
FEWER = "send fewer or smaller items per call, or raise the service's limits"
CORRECT = "correct the request as the answer says"
FIELD_ERROR = b'{"error": {"field": "items[0].graders", "message": "bad"}}'
FASTAPI_ERROR = json.dumps(
    {"detail": [{"loc": ["body", "items", 0], "msg": "bad", "input": SECRET}]}
).encode()


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (400, b"", "HTTP 400"),
        (400, b"plain " + SECRET.encode(), "HTTP 400"),
        (400, b"[" * 100_000, "HTTP 400"),
        (400, json.dumps([SECRET]).encode(), "HTTP 400"),
        (400, json.dumps({"detail": 7}).encode(), "HTTP 400"),
        (400, json.dumps({"detail": "two\n lines"}).encode(), "HTTP 400: two lines"),
        (400, json.dumps({"error": "x" * 301}).encode(), "HTTP 400: " + "x" * 300 + "..."),
        (400, json.dumps({"error": "x" * 300}).encode(), "HTTP 400: " + "x" * 300),
        (401, b"{}", "HTTP 401; give the service's key as api_key"),
        (403, b"{}", "HTTP 403; give a key that may do this as api_key"),
        (404, b'{"detail": "Not Found"}', f"HTTP 404: Not Found; {ROOT_URL}"),
        (405, b"{}", f"HTTP 405; {ROOT_URL}"),
        (409, b'{"error": {"message": "another body"}}', "HTTP 409: another body"),
        (413, b"{}", f"HTTP 413; {FEWER}"),
        (422, FASTAPI_ERROR, f"HTTP 422: body.items.0: bad; {CORRECT}"),
        (422, FIELD_ERROR, f"HTTP 422: items[0].graders: bad; {CORRECT}"),
    ],
)
def test_a_refusal_says_why_and_what_to_do_without_an_echo(
    ask: Ask, service: StubService, status: int, body: bytes, text: str
) -> None:
    service.script = [Reply(status, body)]
    with pytest.raises(RequestRefused) as caught:
        ask(service.url, "grade", [{"completion": SECRET}])
    assert str(caught.value) == caught.value.message == text
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "math"}, "graders[0] lacks 'score_range'"),
        (grader_json(version=1), "graders[0].version is not a string"),
        (grader_json(score_range=[0]), "graders[0].score_range is not two numbers"),
        (grader_json(score_range=[0, None]), "graders[0].score_range is not two numbers"),
        (grader_json(options=[]), "graders[0].options is not an object"),
    ],
)
def test_a_grader_of_another_shape_is_named(
    ask: Ask, service: StubService, entry: object, words: str
) -> None:
    service.script = [Reply(body=json.dumps({"graders": [entry]}).encode())]
    with pytest.raises(BadResponse, match=re.escape(words)):
        ask(service.url, "graders")


@pytest.mark.parametrize(
    "error",
    [ServiceUnavailable("busy", 503), RequestRefused(422, "bad"), BadResponse("odd")],
)
def test_errors_share_a_base_and_cross_processes(error: TouchstoneError) -> None:
    assert isinstance(error, TouchstoneError)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - what a process pool does with it
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
