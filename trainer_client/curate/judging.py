"""Where rewards come from: a service, or a column that holds them already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias

from trainer_client.client import AsyncClient
from trainer_client.curate.errors import BadFlags, BadRow
from trainer_client.curate.rows import MISSING, Candidate, value_at
from trainer_client.items import GraderCall
from trainer_client.remote_reward.answered import WRONG_CALLS, grade
from trainer_client.remote_reward.references import ReferenceKeys
from trainer_client.remote_reward.samples import Layout, Samples, items_of
from trainer_client.verdicts import Verdict

__all__ = ["Judge", "References", "ServiceJudge", "check_reward", "judged_by_column", "no_judge"]

_TOKENS: Final = "completion_tokens"

_Items: TypeAlias = Sequence[Mapping[str, object]]


class Judge(Protocol):
    """Says what each candidate is worth, in their order."""

    async def __call__(self, candidates: Sequence[Candidate]) -> Sequence[Verdict]: ...


async def no_judge(candidates: Sequence[Candidate]) -> Sequence[Verdict]:
    """No verdicts: nothing is asked for."""
    return ()


class References(NamedTuple):
    """Which columns the graders read, and what is sent of a row beside them."""

    keys: ReferenceKeys
    columns: Mapping[str, str]
    prefill: str = ""

    @property
    def reads(self) -> frozenset[str]:
        """The columns that are read beside the prompt and the completions."""
        return frozenset({self.columns.get(key, key) for key in self.keys.readers} | {_TOKENS})

    def check(self, row: Mapping[str, object]) -> None:
        """A BadRow that says what to map, if the row lacks what the graders need."""
        for key in sorted(self.keys.required | self.columns.keys()):
            name = self.columns.get(key, key)
            if value_at(row, name) is MISSING:
                has = ", ".join(sorted(row)[:12])
                raise BadRow(
                    f"lacks {name!r}, which the grader {self.keys.readers[key]} reads as its "
                    f"{key!r}: map it with --columns {key}=COLUMN; the row has {has}"
                )

    def item(self, candidate: Candidate) -> Mapping[str, object]:
        """What is sent for a candidate."""
        found = {name: value_at(candidate.row, name) for name in self.reads - {_TOKENS}}
        samples = Samples(
            completions=[candidate.completion],
            prompts=None if candidate.prompt is MISSING else [candidate.prompt],
            completion_ids=None,
            columns={name: [value] for name, value in found.items() if value is not MISSING},
        )
        (item,) = items_of(samples, Layout(self.columns, None, self.prefill, True), keys=self.keys)
        tokens = candidate.row.get(_TOKENS)
        if isinstance(tokens, int) and candidate.index is None:
            item["completion_tokens"] = tokens
        return item | {"group": candidate.group}


@dataclass(frozen=True, slots=True)
class ServiceJudge:
    """Asks the service; its failures are verdicts without a reward, or errors, never a 0."""

    client: AsyncClient
    graders: Sequence[GraderCall]
    references: References
    deadline_s: float

    async def __call__(self, candidates: Sequence[Candidate]) -> Sequence[Verdict]:
        """The verdicts; BadFlags if the graders are called wrongly."""
        if not candidates:
            return ()
        verdicts = await self._verdicts([self.references.item(one) for one in candidates])
        for given in (given for verdict in verdicts for given in verdict.grades):
            if given.reason in WRONG_CALLS:
                raise BadFlags(f"--graders: {given.told()}")
        return verdicts

    async def _verdicts(self, items: _Items) -> list[Verdict]:
        answered = await grade(self.client, items, self.graders, deadline_s=self.deadline_s)
        if answered.errors:
            raise answered.errors[0]
        return [verdict for verdict in answered.verdicts if verdict is not None]


def judged_by_column(name: str) -> Judge:
    """The rewards of a column; null is a completion without a reward."""

    async def judge(candidates: Sequence[Candidate]) -> Sequence[Verdict]:
        return [_given(_reward_in(candidate, name)) for candidate in candidates]

    return judge


def check_reward(candidate: Candidate, name: str) -> None:
    """A BadRow if the column holds no reward for the candidate."""
    _reward_in(candidate, name)


def _given(reward: float | None) -> Verdict:
    return Verdict(None, reward, "ungradable" if reward is None else "graded", ())


def _reward_in(candidate: Candidate, name: str) -> float | None:
    value = value_at(candidate.row, name)
    if value is MISSING:
        has = ", ".join(sorted(candidate.row)[:12])
        raise BadRow(f"lacks {name!r}: name the column with --reward; the row has {has}")
    if candidate.index is not None:
        if not isinstance(value, list) or len(value) <= candidate.index:
            raise BadRow(f"{name!r} is no list with a reward for each completion")
        value = value[candidate.index]
    # True and false are rewards, too: datasets have a column "correct".
    if value is None or isinstance(value, int | float):
        return None if value is None else float(value)
    raise BadRow(f"{name!r} is of type {type(value).__name__}: give a number, true, false or null")
