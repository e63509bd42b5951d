r"""What grading answers of mathematics costs, beside Math-Verify on the same texts in the same run.

Both are warm and on one core; CPU time is counted, that of our child processes included, and the
two take turns, 64 completions at a time.  Math-Verify parses `\boxed{gold}` for each completion,
as TRL has it do; a second figure leaves that parse out.  Without the data of `--data`, completions
of the same kinds are made up, and no target is set.

    python -m bench.math [--data ../shared/data] [--every 1]
    python -m bench.math --variants     each gold in each of its notations: how many are not paid
    python -m bench.math --pairs        answers near a gold that mean something else: how many are
    python -m bench.math --golds        every gold against itself
    python -m bench.math --worst        every worst case against every kind of gold
"""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):
    # Run as a file, this folder comes first on the path, and this file is not the module that the
    # standard library imports.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import argparse
from collections.abc import Sequence
from typing import Final

from bench.math_figures import Figures, Timed, measured, report
from bench.math_gates import pairs_gate, self_gate, variants_gate, worst_gate
from bench.math_texts import against_golds, completions, golds_of
from graders.math_answers import MathGrader

_DATA: Final = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
_GATES: Final = {
    "variants": "each gold in each of its notations",
    "pairs": "answers near a gold that mean something else",
    "golds": "every gold against itself",
    "worst": "every worst case against every kind of gold",
}
_TARGETS: Final = {"gsm8k": 20.0, "math": 8.0}
_P50_MS: Final = 0.05
_P99_MS: Final = 10.0
_SYMBOLIC_SHARE: Final = 0.03


def main() -> int:
    """Print the figures; 1 if one of them misses its target."""
    arguments = _arguments()
    MathGrader().warm_up()
    golds = golds_of(arguments.data)[:: arguments.every]
    gates = (
        (arguments.golds, self_gate),
        (arguments.variants, variants_gate),
        (arguments.pairs, pairs_gate),
        (arguments.worst, worst_gate),
    )
    if any(wanted for wanted, _ in gates):
        return int(not all([gate(golds) for wanted, gate in gates if wanted]))
    missed = _speed(arguments.data, golds, every=arguments.every)
    if not arguments.data.is_dir():
        print("the targets are set for the labelled data, which is not there")
        return 0
    print("\n".join(missed) or "every target is met")
    return int(bool(missed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--data", type=Path, default=_DATA, help="folder of the labelled data")
    parser.add_argument("--every", type=int, default=1, help="take every n-th text")
    for gate, promise in _GATES.items():
        parser.add_argument(f"--{gate}", action="store_true", help=promise)
    arguments = parser.parse_args()
    if arguments.every < 1:
        parser.error("--every is 1 or more")
    return arguments


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Leaves the lines of the description as they are."""


def _speed(data: Path, golds: Sequence[str], *, every: int) -> list[str]:
    school, contest = completions(data, "gsm8k"), completions(data, "math100")
    missed: list[str] = []
    formulas: list[Timed] = []
    for name, kind, texts in (
        (f"GSM8K-like completions, {school.source}", "gsm8k", school.texts[::every]),
        (f"MATH-like completions, {contest.source}", "math", contest.texts[::every]),
        ("MATH-like answers: golds in other notations, and near ones", "math",
         against_golds(golds)),
    ):  # fmt: skip
        timed = measured(texts)
        figures = report(name, timed)
        missed += _missed(name, figures, kind=kind)
        formulas += timed if kind == "math" else []
    total = report("MATH-like, both together", formulas)
    missed += _missed("MATH-like, both together", total, kind="math")
    if total.shares.get("symbolic", 0.0) > _SYMBOLIC_SHARE:
        missed.append(f"missed: tier 3 decides {total.shares['symbolic']:.1%} of MATH answers")
    return missed


def _missed(name: str, figures: Figures, *, kind: str) -> list[str]:
    target = _TARGETS[kind]
    checks = [(figures.ratio >= target, f"{figures.ratio:.1f} times faster, not {target:g}")]
    if kind == "math":
        checks += [
            (figures.p50_ms <= _P50_MS, f"p50 {figures.p50_ms:.3f} ms, not {_P50_MS:g}"),
            (figures.p99_ms <= _P99_MS, f"p99 {figures.p99_ms:.3f} ms, not {_P99_MS:g}"),
        ]
    return [f"missed: {name}: {text}" for is_met, text in checks if not is_met]


if __name__ == "__main__":
    sys.exit(main())
