r"""What a trainer installs: batches of completions go out, typed verdicts come back.

    from trainer_client import Client

    with Client("http://127.0.0.1:8000") as touchstone:
        verdicts = touchstone.grade(
            [
                {"completion": "so \\boxed{4}", "reference": {"answer": "4"}},
                {"completion": "so \\boxed{5}", "reference": {"answer": "4"}},
            ],
            graders=[{"name": "math"}],
        )
    rewards = [verdict.reward for verdict in verdicts]

A reward of None is a completion that nobody graded: mask it, it is not a 0.
`RemoteReward` is the same as a reward function of TRL's.
"""

from __future__ import annotations

from trainer_client.client import AsyncClient, Client
from trainer_client.errors import (
    BadResponse,
    RequestRefused,
    ServiceUnavailable,
    TooManyFailures,
    TouchstoneError,
)
from trainer_client.items import GraderCall, Item, Message
from trainer_client.remote_reward import RemoteReward
from trainer_client.verdicts import (
    Grade,
    GradeResult,
    GraderInfo,
    GroupStats,
    Outcome,
    ReferenceOutcome,
    ReferenceVerdict,
    Verdict,
)

__all__ = [
    "AsyncClient",
    "BadResponse",
    "Client",
    "Grade",
    "GradeResult",
    "GraderCall",
    "GraderInfo",
    "GroupStats",
    "Item",
    "Message",
    "Outcome",
    "ReferenceOutcome",
    "ReferenceVerdict",
    "RemoteReward",
    "RequestRefused",
    "ServiceUnavailable",
    "TooManyFailures",
    "TouchstoneError",
    "Verdict",
]
