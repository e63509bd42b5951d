"""What items have in common: references that travel once, programs that are run once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from pydantic import JsonValue

from graders.contract import GraderCall, Item, graded_text
from service.grading import counted_as
from service.items import Answer, SharedReference, Ticket
from service.plans import Plan, Prepared
from service.queues import Priority, Queue
from service.streams import Chunk, Reply, Tally

__all__ = [
    "Running",
    "TwinAnswer",
    "counted_everywhere",
    "essence_key",
    "shared_reference",
    "twin_answer",
]


def shared_reference(value: Mapping[str, JsonValue]) -> SharedReference:
    """The reference under the hash of its JSON, in which the order of keys counts."""
    content = orjson.dumps(value)
    return SharedReference(hashlib.sha256(content).hexdigest(), content)


def essence_key(
    item: Item, plan: Plan, *, reference: SharedReference, text_chars: int
) -> bytes | None:
    """What decides the item's grades and reward; None where it has to be graded by itself."""
    text = graded_text(item)
    # A text over the limit is not what its essence is: it is refused for its length.
    if plan.refusal is not None or text is None or len(text) > text_chars:
        return None
    prepared = [step for step in plan.steps if isinstance(step, Prepared)]
    if len(prepared) < len(plan.steps):
        return None
    essences = [step.grader.essence(text, step.options) for step in prepared]
    # What the text does not say: nothing, unless a grader asks for it.
    circumstances = (
        f"{item.completion_tokens} {item.group_tokens}"
        if any(step.circumstantial for step in prepared)
        else ""
    )
    return _digest([_calls(plan.calls), reference.name, circumstances, *essences])


def _calls(calls: Sequence[GraderCall]) -> str:
    return orjson.dumps([call.model_dump() for call in calls]).decode()


def _digest(parts: Iterable[str]) -> bytes:
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        whole.update(b"%d:%b" % (len(content), content))
    return whole.digest()


class Running:
    """Each tenant's items that are under way, for those of equal essence and urgency to join."""

    def __init__(self) -> None:
        self._tickets: dict[tuple[str, Priority, bytes], Ticket] = {}

    def joined(self, queue: Queue, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Those that have to be sent; the others are twins of these or of some under way.

        Nobody joins one that is less urgent.
        """
        # Who waits longest goes first, so that the others may join him.
        if any(ticket.work.essence for ticket in tickets):
            tickets = sorted(tickets, key=lambda ticket: -ticket.expires_at)
        distinct = []
        for ticket in tickets:
            essence = ticket.work.essence
            if essence is None:
                distinct.append(ticket)
                continue
            key = (queue.tenant, queue.priority, essence)
            first = self._tickets.get(key)
            if first is not None and ticket.may_join(first):
                first.twins.append(ticket)
            else:
                self._tickets[key] = ticket
                distinct.append(ticket)
        return distinct

    def ended(self, queue: Queue, tickets: Iterable[Ticket]) -> None:
        """These are answered or given up: nobody can join them any more."""
        for ticket in tickets:
            essence = ticket.work.essence
            if essence is None:
                continue
            key = (queue.tenant, queue.priority, essence)
            if self._tickets.get(key) is ticket:
                del self._tickets[key]


class TwinAnswer(NamedTuple):
    """A verdict under another id, and how its grades are counted."""

    answer: Answer
    tally: Tally


def twin_answer(answer: Answer, item_id: str | None) -> TwinAnswer:
    """The answer as the one to an item of equal essence."""
    verdict = orjson.loads(answer.verdict) | {"id": item_id}
    return TwinAnswer(answer._replace(verdict=orjson.dumps(verdict)), _tally_of(verdict))


def counted_everywhere(chunk: Chunk, reply: Reply) -> Tally:
    """How the verdicts of a chunk that nobody awaits are counted, in each place where they stand.

    The equals that a job has of an item are known by their places alone.
    """
    tally = reply.tally.copy()
    for shares in chunk.routes.shares().values():
        for position, places in shares:
            if len(places) > 1:
                verdict = orjson.loads(reply.verdicts[position])
                for key, count in _tally_of(verdict).items():
                    tally[key] += count * (len(places) - 1)
    return tally


# Any: a verdict's JSON.
def _tally_of(verdict: Mapping[str, Any]) -> Tally:
    return Counter(
        (counted_as(grade["grader"]), grade["outcome"], grade["reason"])
        for grade in verdict["grades"]
    )
