"""What CPU time each language takes for the same work, in the sandbox, beside C in the same run.

The multiples scale limits that were chosen for another language, and what a program needs that
does nothing is added to every limit: both stand in `graders/programs/languages/`.
The rows take turns, and of several runs the least counts, as what else a machine does only adds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from graders.programs.builds import Program, build
from graders.programs.execution import execute
from graders.programs.languages import LANGUAGES
from graders.programs.offers import offered
from graders.programs.tasks import LanguageName
from sandbox import Limits

_SIZES: Final = {"loop": 10_000_000, "sieve": 5_000_000, "words": 1_000_000, "order": 500_000}
_BASE: Final[LanguageName] = "c"
# Not the size, but what is done for one of it, is compared.
_SLOW: Final[Mapping[LanguageName, int]] = {"bash": 50}
_NOTHING: Final = "loop 0"
_LIMITS: Final = Limits(cpu_s=120, wall_s=600, memory_bytes=2**30)
_FOLDER: Final = Path(__file__).with_name("workloads")


class Figure(NamedTuple):
    """What one language took: to be built, to do nothing, and for each piece of work per unit."""

    build_s: float
    start_s: float
    unit_s: Mapping[str, float]


def main() -> int:
    """Print the figures as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each row")
    rounds: int = parser.parse_args().rounds
    programs = {name: _built(name) for name in LANGUAGES if _is_served(name)}
    _require_agreement({name: program for name, (program, _) in programs.items()})
    start: dict[LanguageName, list[float]] = {name: [] for name in programs}
    work: dict[tuple[LanguageName, str], list[float]] = {}
    for _ in range(rounds):
        for name, (program, _) in programs.items():
            start[name].append(_cpu_s(program, _NOTHING))
            for kind in _SIZES:
                taken = _cpu_s(program, f"{kind} {_size(name, kind)}")
                work.setdefault((name, kind), []).append(taken)
    figures = {
        name: Figure(build_s, min(start[name]), _units(name, start[name], work))
        for name, (_, build_s) in programs.items()
    }
    print(_report(figures))
    return 0


def _is_served(name: LanguageName) -> bool:
    offer = offered(name)
    if not offer.serves:
        print(f"{name} is left out: {offer.note}; {offer.remedy}")
    return offer.serves


def _built(name: LanguageName) -> tuple[Program, float]:
    language = LANGUAGES[name]
    source = (_FOLDER / f"work{Path(language.file).suffix}").read_text(encoding="utf-8")
    started = time.perf_counter()
    return build(name, source), time.perf_counter() - started


def _size(name: LanguageName, kind: str) -> int:
    return _SIZES[kind] // _SLOW.get(name, 1)


def _cpu_s(program: Program, stdin: str) -> float:
    ending = execute(program.job(stdin=stdin.encode(), limits=_LIMITS))
    if (ending.kind, ending.status) != ("exited", 0):
        raise RuntimeError(f"{program.language.name}, {stdin}: {ending.kind}, {ending.stderr!r}")
    return ending.cpu_s


def _require_agreement(programs: Mapping[LanguageName, Program]) -> None:
    for kind, size in _SIZES.items():
        stdin = f"{kind} {size // 500}".encode()
        said = {
            name: execute(program.job(stdin=stdin, limits=_LIMITS)).stdout.strip()
            for name, program in programs.items()
        }
        if len(set(said.values())) != 1:
            raise RuntimeError(f"not the same work: {kind}, {said}")


def _units(
    name: LanguageName,
    start: list[float],
    work: Mapping[tuple[LanguageName, str], list[float]],
) -> dict[str, float]:
    return {kind: (min(work[name, kind]) - min(start)) / _size(name, kind) for kind in _SIZES}


def _report(figures: Mapping[LanguageName, Figure]) -> str:
    base = figures[_BASE].unit_s
    lines = [
        f"| language | multiple | {' | '.join(_SIZES)} | start | build, wall |",
        f"|---|---|{'---|' * len(_SIZES)}---|---|",
    ]
    for name, figure in figures.items():
        ratios = [figure.unit_s[kind] / base[kind] for kind in _SIZES]
        shown = " | ".join(f"{ratio:.1f}" for ratio in ratios)
        multiple = statistics.geometric_mean(ratios)
        lines.append(
            f"| {name} | {multiple:.1f} | {shown} |"
            f" {figure.start_s * 1000:.0f} ms | {figure.build_s:.1f} s |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
