"""What a log line is: one record, nothing of it believed, and no more said than may be."""

from __future__ import annotations

import asyncio
import json
import logging
import warnings
from collections.abc import Callable
from typing import TypeAlias

import pytest

from service.logs import Fact, Style, note, noted, set_up_logging

Written: TypeAlias = Callable[[], str]

LOG = logging.getLogger("tests.logs")
HOSTILE = [
    "two\nlines",
    "two\r\nlines",
    "a\x1b[2Jcleared screen",
    "bell\x07 null\x00 delete\x7f",
    "c1 \x9b31m",
    "separators \u2028 \u2029 \x85",
    "turned \u202eround",
    "half \ud800 pair",
]


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Written:
    """What is logged from here on."""
    logging.getLogger().handlers.clear()
    return lambda: capsys.readouterr().err


@pytest.mark.parametrize("style", ["console", "json"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_record_is_one_line_of_printable_characters(
    stderr: Written, style: Style, text: str
) -> None:
    set_up_logging(style)
    try:
        raise ValueError(text)
    except ValueError:
        LOG.exception("said %s", text, extra={"facts": {"tenant": text}})
    written = stderr()
    assert written.endswith("\n")
    assert written[:-1].isprintable()


def test_json_says_everything_as_it_was(stderr: Written) -> None:
    set_up_logging("json")
    with noted({"request_id": "r1"}):
        LOG.warning("said %s", HOSTILE[0], extra={"facts": {"items": 3, "jobs": ["a", "b"]}})
    record = json.loads(stderr())
    assert record.pop("time").endswith("Z")
    assert record == {
        "level": "WARNING",
        "logger": "tests.logs",
        "message": "said two\nlines",
        "request_id": "r1",
        "items": 3,
        "jobs": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, "x=3"),
        (["a", "b"], "x=a,b"),
        ("plain", "x=plain"),
        ("/a status=200", 'x="/a status=200"'),
        ('a"b', r'x="a\"b"'),
    ],
)
def test_no_fact_passes_for_another_on_the_console(
    stderr: Written, value: Fact, shown: str
) -> None:
    set_up_logging()
    LOG.info("said", extra={"facts": {"x": value}})
    assert stderr().endswith(f"INFO tests.logs: said {shown}\n")


def test_what_is_noted_stays_with_its_task(stderr: Written) -> None:
    async def one(name: str) -> None:
        note({"worker": name})
        await asyncio.sleep(0)
        await asyncio.create_task(child())

    async def child() -> None:
        LOG.info("said")

    async def both() -> None:
        await asyncio.gather(one("a"), one("b"))
        LOG.info("after")

    set_up_logging("json")
    asyncio.run(both(), debug=False)
    records = [json.loads(line) for line in stderr().splitlines()]
    said = [r.get("worker") for r in records if r["logger"] == "tests.logs"]
    assert said == ["a", "b", None]


def test_a_level_a_warning_and_a_long_message(stderr: Written) -> None:
    set_up_logging("console", "WARNING")
    LOG.info("not said")
    LOG.error("x" * 100_000)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("of a library", stacklevel=1)
    error, warning = stderr().splitlines()
    assert len(error) < 10_000
    assert "WARNING py.warnings: " in warning
    assert "of a library" in warning


@pytest.mark.parametrize("style", ["console", "json"])
def test_an_error_is_named_and_placed_and_not_quoted(stderr: Written, style: Style) -> None:
    set_up_logging(style)
    secret = "a completion"
    try:
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise OSError(28, "No space left") from error
    except OSError:
        LOG.exception("failed")
    said = stderr()
    assert secret not in said
    assert said.index("KeyError") < said.index("No space left")
    assert "test_logs.py" in said
