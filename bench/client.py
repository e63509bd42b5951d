"""How much of a step's CPU time for rewards is the trainer's own, and not the service's.

Batches of 1,024 completions of 16 kB each go from `RemoteReward` to a service of its own, as a
trainer sends them: prompts, token ids and a column, metrics and table columns taken back.
Compared are the CPU time of this process, which is the trainer's, and that of the round trip: this
process and all processes of the service.
Texts beyond ASCII cost the client more: they are encoded, not copied.

    python -m bench.client [--rounds 10] [--bytes 16000]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from bench.processes import RunningService, running_service
from trainer_client import Client, RemoteReward

_PROMPTS: Final = 64
_COMPLETIONS: Final = 16
_LIMIT: Final = 0.15
_WORDS: Final = (
    "so", "then", "we add", "which gives", "carry the", "check:", "again", "therefore", "3 + 4 = 7",
    "twelve", "\n", "let us see", "the remainder", "half of it", "x", "y", '"', "\\frac{1}{2}",
)  # fmt: skip
_KINDS: Final = {
    "ASCII": _WORDS,
    "with a sign such as \u2212 or \u00e9 in each": (*_WORDS, "\u2212", "\u00e9tape"),
    "Chinese": (
        *_WORDS[:4],
        "\u6240\u4ee5\u6211\u4eec\u5f97\u5230\u7b54\u6848",
        "\u7136\u540e\u76f8\u52a0",
    ),
}


class Batch(NamedTuple):
    """What a trainer hands to its reward function."""

    prompts: list[str]
    completions: list[str]
    completion_ids: list[list[int]]
    answers: list[str]


class Figures(NamedTuple):
    """Seconds over all rounds."""

    client_s: float
    service_s: float
    wall_s: float

    @property
    def share(self) -> float:
        """The client's part of the round trip."""
        return self.client_s / (self.client_s + self.service_s)


def main() -> int:
    """Print the figures; 1 if a reward is wrong or a share is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=10, help="batches to measure")
    parser.add_argument("--bytes", type=int, default=16_000, help="bytes of a completion")
    options = parser.parse_args()
    worst = 0.0
    items = options.rounds * _PROMPTS * _COMPLETIONS
    print(f"{items} completions of {options.bytes:,} bytes; CPU time per completion")
    with running_service() as service:
        _await_workers(service)
        for kind, words in _KINDS.items():
            batches = [_batch(seed, words, options.bytes) for seed in range(options.rounds)]
            figures = asyncio.run(_measure(service, batches))
            worst = max(worst, figures.share)
            print(
                f"{kind}: client {figures.client_s / items * 1e6:.1f} us, "
                f"service {figures.service_s / items * 1e6:.1f} us, "
                f"the client's share {figures.share:.1%}; "
                f"{figures.wall_s / options.rounds * 1e3:.0f} ms of wall time a batch"
            )
    print(f"worst share {worst:.1%} (limit {_LIMIT:.0%})")
    return int(worst > _LIMIT)


def _batch(seed: int, words: Sequence[str], size: int) -> Batch:
    chance = random.Random(seed)  # noqa: S311 - no secret
    prompts, completions, answers = [], [], []
    for number in range(_PROMPTS):
        for _ in range(_COMPLETIONS):
            thought = b""
            while len(thought) < size:
                thought += " ".join(chance.choices(words, k=200)).encode()
            prompts.append(f"Question {number}: what is {number} + {number}? " * 4)
            said = thought[:size].decode(errors="ignore")
            completions.append(f"{said}\nSo \\boxed{{{2 * number}}}.")
            answers.append(str(2 * number))
    return Batch(prompts, completions, [list(range(size // 4))] * len(prompts), answers)


def _await_workers(service: RunningService) -> None:
    with Client(service.url) as client:
        while not client.ready():
            time.sleep(0.1)


async def _measure(service: RunningService, batches: list[Batch]) -> Figures:
    reward = RemoteReward(service.url, [{"name": "math"}], columns={"answer": "solution"})
    for _ in range(3):
        await _rewards(reward, batches[0])
    service_s, client_s, wall_s = service.cpu_seconds(), time.process_time(), time.perf_counter()
    given = [await _rewards(reward, batch) for batch in batches]
    if any(one != 1.0 for rewards in given for one in rewards):
        raise RuntimeError("a right answer got another reward than 1.0")
    figures = Figures(
        client_s=time.process_time() - client_s,
        service_s=service.cpu_seconds() - service_s,
        wall_s=time.perf_counter() - wall_s,
    )
    await reward.aclose()
    return figures


async def _rewards(reward: RemoteReward, batch: Batch) -> list[float | None]:
    logged: list[object] = []
    return await reward(
        prompts=batch.prompts,
        completions=batch.completions,
        completion_ids=batch.completion_ids,
        solution=batch.answers,
        log_metric=lambda name, value: logged.append((name, value)),
        log_extra=lambda column, values: logged.append((column, values)),
    )


if __name__ == "__main__":
    raise SystemExit(main())
