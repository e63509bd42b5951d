"""What a wire is: how its requests read as items, and how answers are put in its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import JsonValue

from graders.contract import GraderCall
from service.desk import Desk
from service.items import Answer

__all__ = ["NOT_SCORED", "NotForUs", "Question", "Read", "Recipe", "Reply", "Route", "Unscored"]

NOT_SCORED: Final = 503


class NotForUs(Exception):
    """The body is not what this wire's callers send: 422 with the message."""


class Recipe(NamedTuple):
    """What the URL says of how its samples are graded."""

    graders: Sequence[GraderCall] = ()
    label: str | None = None
    """The field of the reference that a caller's label fills."""
    prefill: str = ""
    fallback: float | None = None
    """The number to answer in place of none, once the caller asks for the last time."""
    deadline_s: float | None = None
    """How long to try for a score, where the wire's own time is not the caller's."""
    desk: Desk | None = None
    """Where its items become work, if that can be used again."""
    said: Mapping[str, str] = {}
    """The parameters of the query that are the wire's own."""


class Reply(NamedTuple):
    """An answer as the wire has it; its content is JSON."""

    content: bytes
    status: int = 200
    retry_after_s: int | None = None


class Question(NamedTuple):
    """The items that a request asks for, and how their answers are told.

    `tell` gets an answer for each item, in their order and none without a reward.
    """

    # Any: each is checked as one of `POST /v1/grade` is, by itself.
    items: Sequence[Mapping[str, Any]]
    tell: Callable[[Sequence[Answer]], bytes]
    graders: Sequence[GraderCall] | None = None
    """Those of the recipe, where it is None."""
    patience_s: float | None = None
    """How long to try for a score, where the body says how long the caller waits."""


# Any: the JSON of a request.
Read: TypeAlias = Callable[[Any, Recipe], Question]
"""Raises NotForUs with what is wrong, and what to send in its place."""

Unscored: TypeAlias = Callable[[JsonValue, str], Reply | None]
"""How the wire says that it has no score, by the body and the reason; None for the usual 503."""


class Route(NamedTuple):
    """One address of a wire."""

    wire: str
    path: str
    """From the root; `{recipe}` stands for a grader's name or `p/` and that of a preset."""
    read: Read
    patience_s: float
    """How long to try for a score: less than the caller waits."""
    tries: int = 1
    """How often the caller asks for one sample before it gives up."""
    parameters: Sequence[str] = ()
    """What the query may say beside the options of the grader and what all wires take."""
    unscored: Unscored = lambda _body, _reason: None
    unusable: Unscored = lambda _body, _reason: None
    """The same of what cannot be graded at all; None for the usual 422."""
