"""Our grader and Math-Verify by turns on the same completions, in CPU time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from bench.math_texts import Text
from graders.math_answers import MathGrader
from graders.math_answers.options import MathOptions, MathReference
from tests.graders.cpu_clocks import CpuMeter

__all__ = ["Figures", "Timed", "measured", "report"]

_WARM: Final = 100
_CHUNK: Final = 64
_IN_PROCESS: Final = frozenset(("exact", "formula"))


class Timed(NamedTuple):
    """What one completion took, in milliseconds of CPU time, and who found it right."""

    ours: float
    theirs: float
    theirs_once: float
    tier: str
    we_pay: bool
    they_pay: bool
    correct: bool | None


class Figures(NamedTuple):
    """What the targets are about."""

    ratio: float
    p50_ms: float
    p99_ms: float
    shares: dict[str, float]


class _Spent(NamedTuple):
    """A verdict and its milliseconds, with and without the parse of the gold."""

    pays: bool
    ms: float
    ms_once: float


def measured(texts: Sequence[Text]) -> list[Timed]:
    """Grade every text by both, chunk by chunk by turns, once the first have warmed both.

    A chunk is what a worker grades at a stretch; text by text, each would find the processor's
    caches filled by the other.
    """
    ours, theirs = _ours(), _theirs()
    timed: list[Timed] = []
    for chunk in (texts[:_WARM], *(texts[at : at + _CHUNK] for at in range(0, len(texts), _CHUNK))):
        mine = [ours(text) for text in chunk]
        others = [theirs(text) for text in chunk]
        timed += [
            one._replace(theirs=other.ms, theirs_once=other.ms_once, they_pay=other.pays)
            for one, other in zip(mine, others, strict=True)
        ]
    return timed[min(_WARM, len(texts)) :]


def _ours() -> Callable[[Text], Timed]:
    grader, options, meter = MathGrader(), MathOptions(), CpuMeter()

    def judge(text: Text) -> Timed:
        meter.lap(asked_child=False)
        grade = grader.grade(text.completion, MathReference(answer=text.gold), options)
        tier = str((grade.detail or {}).get("tier", "none"))
        spent = meter.lap(asked_child=tier not in _IN_PROCESS)
        return Timed(spent * 1e3, 0.0, 0.0, tier, grade.score == 1.0, False, text.correct)

    return judge


def _theirs() -> Callable[[Text], _Spent]:
    # Any: the package ships no types.
    from math_verify import parse, verify

    def judge(text: Text) -> _Spent:
        started = time.thread_time()
        gold: Any = parse(f"\\boxed{{{text.gold}}}")
        between = time.thread_time()
        pays = verify(gold, parse(text.completion))
        ended = time.thread_time()
        return _Spent(bool(pays), (ended - started) * 1e3, (ended - between) * 1e3)

    return judge


def report(name: str, timed: Sequence[Timed]) -> Figures:
    """Print the figures of one set of completions."""
    ours, theirs = [one.ours for one in timed], [one.theirs for one in timed]
    once = [one.theirs_once for one in timed]
    ratio = _mean(theirs) / _mean(ours)
    print(f"\n{name}: n = {len(timed)}; ms of CPU time")
    print(f"{'':24}{'mean':>9}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}")
    for label, values in (("ours", ours), ("Math-Verify", theirs), ("  gold parsed once", once)):
        row = (_mean(values), *(_quantile(values, at) for at in (0.5, 0.95, 0.99, 1.0)))
        print(f"{label:24}" + "".join(f"{value:9.3f}" for value in row))
    print(f"Math-Verify / ours: {ratio:.1f}; gold parsed once: {_mean(once) / _mean(ours):.1f}")
    same = sum(one.we_pay == one.they_pay for one in timed)
    print(f"verdicts that agree: {same} of {len(timed)}")
    known = [one for one in timed if one.correct is not None]
    if known:
        right = sum(one.we_pay == one.correct for one in known)
        their_right = sum(one.they_pay == one.correct for one in known)
        print(f"verdicts that are right: ours {right}, theirs {their_right} of {len(known)}")
    shares = {tier: count / len(timed) for tier, count in Counter(t.tier for t in timed).items()}
    for tier, share in sorted(shares.items()):
        spent = [one.ours for one in timed if one.tier == tier]
        part = sum(spent) / sum(ours)
        print(f"tier {tier}: {share:.2%} of texts, {part:.1%} of time, mean {_mean(spent):.3f} ms")
    return Figures(ratio, _quantile(ours, 0.5), _quantile(ours, 0.99), shares)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _quantile(values: Sequence[float], at: float) -> float:
    return sorted(values)[min(len(values) - 1, int(at * len(values)))]
