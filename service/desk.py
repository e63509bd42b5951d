"""Where an item becomes work for the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from pydantic import JsonValue

from graders.contract import MAX_LABEL_CHARS, GraderCall, Item, Lane
from graders.registry import GRADERS
from service.grading import refused
from service.items import Answer, SharedReference, Work
from service.plans import Plan, plan_of
from service.sharing import essence_key, shared_reference
from service.spans import Span
from service.streams import Task

__all__ = ["Desk"]

_NOT_TEXT: Final = frozenset({"reference", "prompt"})


class Desk:
    """Where the items of one request become work; what they share is looked at once."""

    def __init__(
        self,
        graders: Sequence[GraderCall],
        references: Mapping[str, Mapping[str, JsonValue]],
        task: Task,
        *,
        spans: Mapping[str, Span],
        text_chars: int,
    ) -> None:
        self._wire = orjson.dumps([call.model_dump() for call in graders])
        self._lane = _lane([call.name for call in graders])
        self._graders = graders
        self._plan: Plan | None = None
        self._references = references
        self._task = task
        self._spans = spans
        self._text_chars = text_chars
        self._named: dict[str, SharedReference] = {}
        self._by_content: dict[str, SharedReference] = {}

    # Any: the JSON of what has just been found to be an Item.
    def take(self, raw: Mapping[str, Any]) -> Work | Answer:
        """The item's work, or the answer to an item that names no reference of the request."""
        raw = self._with_span(raw)
        item_id, own, given = raw.get("id"), raw.get("graders"), raw.get("reference", {})
        lane = self._lane if own is None else _lane([call["name"] for call in own])
        if isinstance(given, str):
            reference = self._reference(given)
            if reference is None:
                return _names_nothing(item_id, given)
        elif lane == "light":
            return Work(item_id, lane, self._wire, orjson.dumps(raw), task=self._task)
        else:
            reference = self._interned(shared_reference(given))
        item = orjson.dumps({**raw, "reference": reference.name})
        run = lane == "code" and self._task == "grade"
        essence = self._essence(raw, reference) if run else None
        return Work(item_id, lane, self._wire, item, reference, essence, self._task)

    def _with_span(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        group = raw.get("group")
        span = None if group is None else self._spans.get(group)
        if span is None or raw.get("group_tokens") is not None:
            return raw
        return {**raw, "group_tokens": span}

    def _reference(self, key: str) -> SharedReference | None:
        if key not in self._references:
            return None
        if key not in self._named:
            self._named[key] = self._interned(shared_reference(self._references[key]))
        return self._named[key]

    def _interned(self, reference: SharedReference) -> SharedReference:
        return self._by_content.setdefault(reference.name, reference)

    def _essence(self, raw: Mapping[str, Any], reference: SharedReference) -> bytes | None:
        # Without what may be large and says nothing of the text.
        item = Item.model_validate({k: v for k, v in raw.items() if k not in _NOT_TEXT})
        if item.graders is None:
            plan = self._plan = self._plan or plan_of(self._graders)
        else:
            plan = plan_of(item.graders)
        return essence_key(item, plan, reference=reference, text_chars=self._text_chars)


def _lane(names: Sequence[str]) -> Lane:
    lanes = {GRADERS[name].lane for name in names if name in GRADERS}
    return "code" if "code" in lanes else "light"


def _names_nothing(item_id: str | None, key: str) -> Answer:
    message = f"no entry of references is called {key[:MAX_LABEL_CHARS]!r}"
    detail = {"field": "reference", "message": message}
    verdict = refused(item_id, "ungradable", "bad_reference", detail)
    return Answer(verdict.model_dump_json().encode(), None, "u")
