"""What a sample costs that comes alone, over OpenRLHF's wire, beside one of a batch.

2,000 requests of one sample each, 128 at once and, as OpenRLHF's own client sends them, each on a
connection of its own, take their turns with the same samples in batches of 1,024 on `/v1/grade`.
Counted is the CPU time of all processes of the service, so without that of the client.

They are short answers of the data, and then the same at the end of a long chain of thought.

    python -m bench.wires [--data gsm8k_labelled.jsonl.gz] [--rounds 3] [--chars 0 32000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from bench.problems import BATCH, Problem, agreed, body, problems
from bench.processes import ROOT, RunningService, running_service

_SAMPLES: Final = 2_000
_AT_ONCE: Final = 128
_MOST_TIMES: Final = 3.0
_DATA: Final = ROOT.parent / "shared" / "data" / "gsm8k_labelled.jsonl.gz"
_PATH: Final = "/compat/openrlhf/math/get_reward"

Send = Callable[[str, Sequence[Problem]], Coroutine[None, None, list[float]]]


class Turn(NamedTuple):
    """What one turn took, and how many of its samples were answered as labelled."""

    cpu_us: float
    wall_s: float
    right: int


def main() -> int:
    """Print the figures; 1 if a sample is lost or wrong, or the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=_DATA, help="labelled completions, .jsonl.gz")
    parser.add_argument("--rounds", type=int, default=3, help="turns to measure of each way")
    parser.add_argument(
        "--chars", type=int, nargs="+", default=[0, 32_000], help="of thought before each answer"
    )
    options = parser.parse_args()
    found = problems(options.data)
    samples = (found * (_SAMPLES // len(found) + 1))[:_SAMPLES]
    misses = []
    with running_service() as service:
        for chars in options.chars:
            print(f"{chars} characters of thought before each answer")
            long = [sample._replace(completion=_thought(sample, chars)) for sample in samples]
            misses += _told(_turns(service, long, rounds=options.rounds))
    for miss in misses:
        print(f"MISSED: {miss}")
    return int(bool(misses))


def _thought(sample: Problem, chars: int) -> str:
    line = "Let me look at that once more, from the other side, before I say what it comes to.\n"
    return line * (chars // len(line)) + sample.completion


def _turns(
    service: RunningService, samples: Sequence[Problem], *, rounds: int
) -> dict[str, list[Turn]]:
    ways: dict[str, Send] = {
        "batches of 1,024": _in_batches,
        "alone, a connection each": _alone,
        "alone, connections kept": _alone_kept,
    }
    turns: dict[str, list[Turn]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, send in ways.items():
            turn = _turn(service, send, samples)
            # The first is to warm up.
            turns[way] += [turn] if number else []
    return turns


def _turn(service: RunningService, send: Send, samples: Sequence[Problem]) -> Turn:
    cpu_s, began = service.cpu_seconds(), time.perf_counter()
    rewards = asyncio.run(send(service.url, samples))
    wall_s, cpu_s = time.perf_counter() - began, service.cpu_seconds() - cpu_s
    right = sum(r == float(p.correct) for r, p in zip(rewards, samples, strict=True))
    return Turn(cpu_s / len(samples) * 1e6, wall_s, right)


async def _in_batches(url: str, samples: Sequence[Problem]) -> list[float]:
    rewards: list[float] = []
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        for start in range(0, len(samples), BATCH):
            batch = samples[start : start + BATCH]
            answer = await client.post("/v1/grade", content=body(batch))
            agreed(batch, answer.content)
            rewards += [verdict["reward"] for verdict in answer.json()["verdicts"]]
    return rewards


async def _alone(url: str, samples: Sequence[Problem]) -> list[float]:
    return await _one_by_one(url, samples, kept=False)


async def _alone_kept(url: str, samples: Sequence[Problem]) -> list[float]:
    return await _one_by_one(url, samples, kept=True)


async def _one_by_one(url: str, samples: Sequence[Problem], *, kept: bool) -> list[float]:
    waiting = list(enumerate(samples))[::-1]
    rewards = [float("nan")] * len(samples)
    host, _, port = url.removeprefix("http://").partition(":")

    async def send_on() -> None:
        connection = None
        while waiting:
            place, sample = waiting.pop()
            connection = connection or await asyncio.open_connection(host, int(port))
            reader, writer = connection
            writer.write(_request(sample, host=host))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            answer = json.loads(await reader.readexactly(length))
            rewards[place] = answer["rewards"][0] if b" 200 " in head[:14] else float("nan")
            if not kept:
                writer.close()
                connection = None

    await asyncio.gather(*(send_on() for _ in range(_AT_ONCE)))
    return rewards


def _request(sample: Problem, *, host: str) -> bytes:
    asked = {
        "query": [f"{sample.prompt}{sample.completion}<|im_end|>"],
        "prompts": [sample.prompt],
        "labels": [sample.gold],
    }
    content = json.dumps(asked).encode()
    return (
        b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (_PATH.encode(), host.encode(), len(content), content)
    )


def _told(turns: dict[str, list[Turn]]) -> list[str]:
    """Print a line for each way; the answer is what misses its limit."""
    usual = {way: statistics.median(turn.cpu_us for turn in them) for way, them in turns.items()}
    base = next(iter(usual.values()))
    misses = []
    for way, them in turns.items():
        least = min(turn.right for turn in them)
        seconds = statistics.median(turn.wall_s for turn in them)
        times = usual[way] / base
        print(
            f"  {way}: {usual[way]:.0f} us of CPU a sample, {times:.2f} times that of a batch,"
            f" {seconds:.2f} s for {_SAMPLES}, {least} answered as labelled"
        )
        if times > _MOST_TIMES:
            misses.append(f"{way}: {times:.2f} times, the limit is {_MOST_TIMES:g}")
        if least < _SAMPLES:
            misses.append(f"{way}: {_SAMPLES - least} samples are lost or wrong")
    return misses


if __name__ == "__main__":
    sys.exit(main())
