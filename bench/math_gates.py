"""The gates of the math grader over every gold, of which the tests take a sample."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from graders.math_answers import MathGrader
from graders.math_answers.options import MathOptions, MathReference
from tests.graders.cpu_clocks import CpuMeter, Growth
from tests.graders.golds_data import grade, written
from tests.graders.near_golds import edits, neighbours
from tests.graders.worst_cases import GOLDS, worst_cases

__all__ = ["pairs_gate", "self_gate", "variants_gate", "worst_gate"]

_SHOWN: Final = 3
_LEAST: Final = 0.99
_CPU_S: Final = 0.5
_MEMORY_MB: Final = 512
_FAULTS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def self_gate(golds: Sequence[str]) -> bool:
    """Print which golds do not validate against themselves; whether all do."""
    grader, options = MathGrader(), MathOptions()
    reasons = {gold: grader.validate(MathReference(answer=gold), options).reason for gold in golds}
    wrong = {gold: reason for gold, reason in reasons.items() if reason != "equivalent"}
    print(f"golds against themselves: {len(golds) - len(wrong)} of {len(golds)}")
    for gold, reason in wrong.items():
        print(f"  {gold!r}: {reason}")
    return not wrong


def variants_gate(golds: Sequence[str]) -> bool:
    """Print how many golds are not paid in each notation; whether enough are in every one."""
    counts: Counter[str] = Counter()
    unpaid: dict[str, list[str]] = defaultdict(list)
    for one in written(list(golds)):
        counts[one.variant] += 1
        verdict = grade(one.gold, one.text)
        if verdict.score != 1.0:
            unpaid[one.variant].append(f"{one.gold!r} as {one.text!r}: {verdict.reason}")
    print(f"{'notation':30}{'n':>7}{'not paid':>10}")
    for variant, count in counts.items():
        print(f"{variant:30}{count:7}{len(unpaid[variant]):10}")
        for line in unpaid[variant][:_SHOWN]:
            print(f"    {line}")
    total, missed = sum(counts.values()), sum(map(len, unpaid.values()))
    print(f"paid {1 - missed / total:.2%} of {total}, at least {_LEAST:.0%}")
    few = [variant for variant, count in counts.items() if len(unpaid[variant]) > 0.01 * count]
    print(f"notations below {_LEAST:.0%}: {few}")
    return not few


def pairs_gate(golds: Sequence[str]) -> bool:
    """Print which answers near a gold are paid though they mean something else; whether none is."""
    pairs = [*neighbours(list(golds)), *(pair for gold in golds for pair in edits(gold))]
    paid = [pair for pair in pairs if grade(pair.gold, pair.other).score != 0.0]
    print(f"near answers of another value: {len(pairs)} pairs, judged equal {len(paid)}")
    for pair in paid:
        print(f"  {pair.kind}: {pair.gold!r} and {pair.other!r}")
    return not paid


def worst_gate(golds: Sequence[str]) -> bool:
    """Print which worst cases take too long; `golds` are not asked, each kind of them is."""
    grader, options, meter, growth = MathGrader(), MathOptions(), CpuMeter(), Growth()
    spent: list[float] = []
    slow = faults = 0
    for case in worst_cases():
        for kind, gold in GOLDS.items():
            meter.lap()
            try:
                reason = grader.grade(case.completion, MathReference(answer=gold), options).reason
            except _FAULTS as error:
                reason, faults = f"raised {error!r:.80}", faults + 1
            spent.append(meter.lap())
            if spent[-1] > _CPU_S or reason.startswith("raised"):
                slow += spent[-1] > _CPU_S
                print(f"  {case.id} and a gold of kind {kind}: {spent[-1]:.2f} s, {reason}")
    memory = growth.peak_bytes() >> 20
    print(f"worst cases: {len(spent)}, over {_CPU_S:g} s of CPU time {slow}, {sum(spent):.1f} s")
    print(f"slowest {max(spent):.2f} s, most memory of a process {memory} MB")
    print(f"raised: {faults}")
    return not slow and not faults and memory < _MEMORY_MB
