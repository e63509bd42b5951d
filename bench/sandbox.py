"""What isolation costs: a trivial program with every layer, beside a bare interpreter, in one run.

CPU time is that of every process that takes part, in units of `python3 -c pass` of the interpreter
that the sandbox uses, too.
The rows take turns, so that what else this machine does hits all of them alike.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from bench.processes import cpu_seconds
from sandbox import Job, Limits
from sandbox.backends.docker import DockerBackend, DockerOptions
from sandbox.backends.forkserver import Forkserver
from sandbox.contract import Backend

_JOB: Final = Job(source="pass", limits=Limits(cpu_s=10, wall_s=60))
_IN_FLIGHT: Final = (1, 2, 4, 8)
_BARE: Final = "python3 -c pass"
_FORKSERVER: Final = "forkserver"
_LIMIT: Final = 0.5
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_BWRAP: Final = (
    "bwrap --unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp"
)


class Row(NamedTuple):
    """One way to run the program: how, how often in a round, and who counts its CPU time."""

    name: str
    run: Callable[[], object]
    runs: int
    cpu_s: Callable[[], float]


class Figure(NamedTuple):
    """What one row cost: CPU time per run, and runs per second by how many were in flight."""

    cpu_ms: float
    runs_per_s: dict[int, float]


def main() -> int:
    """Print the figures; 1 if the forkserver costs more than its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each row")
    parser.add_argument("--image", default="touchstone-sandbox", help="of the docker rows")
    options = parser.parse_args()
    with ExitStack() as stack:
        rows = [*_bare_rows(), *_sandbox_rows(stack, options.image)]
        figures = _measure(rows, options.rounds)
    print(_report(figures))
    return int(figures[_FORKSERVER].cpu_ms > _LIMIT * figures[_BARE].cpu_ms)


def _bare_rows() -> list[Row]:
    python: str = getattr(sys, "_base_executable", "") or sys.executable
    commands = {
        "python3 -I -S -c pass": ([python, "-I", "-S", "-c", "pass"], _own_cpu_s),
        _BARE: ([python, "-c", "pass"], _own_cpu_s),
    }
    if shutil.which("bwrap"):
        # Nobody waits for its inner processes, so the whole machine is counted.
        bwrap = [*_BWRAP.split(), python, "-c", "pass"]
        commands["bwrap python3 -c pass"] = (bwrap, _machine_cpu_s)
    else:
        print("bwrap: not installed (Debian: apt-get install bubblewrap)")
    return [
        Row(name, partial(subprocess.run, command, check=True), 40, cpu_s)
        for name, (command, cpu_s) in commands.items()
    ]


def _sandbox_rows(stack: ExitStack, image: str) -> list[Row]:
    forkserver = Forkserver(slots=max(_IN_FLIGHT))
    stack.callback(forkserver.close)
    print(f"forkserver: {forkserver.isolation().level}, every layer that this host gives")
    rows = [Row(_FORKSERVER, _runner(forkserver), 200, _own_cpu_s)]
    for policy in ("fresh", "pooled"):
        docker = DockerBackend(DockerOptions(image=image, policy=policy), slots=max(_IN_FLIGHT))
        stack.callback(docker.close)
        try:
            docker.isolation()
        except OSError as error:
            print(f"docker {policy}: {error}")
            continue
        # Its daemons are no children of ours, so the whole machine is counted.
        rows.append(Row(f"docker {policy}", _runner(docker), 8, _machine_cpu_s))
    return rows


def _runner(backend: Backend) -> Callable[[], None]:
    def run() -> None:
        ending = backend.run(_JOB)
        if (ending.kind, ending.status) != ("exited", 0):
            raise RuntimeError(f"{ending.kind}: {ending.note}")

    return run


def _own_cpu_s() -> float:
    return cpu_seconds(os.getpid())


def _machine_cpu_s() -> float:
    user, nice, system, _, _, irq, soft, *_ = Path("/proc/stat").read_text().split()[1:11]
    return sum(map(int, (user, nice, system, irq, soft))) / _TICKS


def _measure(rows: Sequence[Row], rounds: int) -> dict[str, Figure]:
    costs: dict[str, list[float]] = {row.name: [] for row in rows}
    speeds: dict[str, dict[int, float]] = {row.name: {} for row in rows}
    for row in rows:
        _timed(row, max(_IN_FLIGHT))  # so that every slot is warm
    for _ in range(rounds):
        for row in rows:
            for in_flight in _IN_FLIGHT:
                before = row.cpu_s()
                wall_s = _timed(row, in_flight)
                costs[row.name].append((row.cpu_s() - before) / row.runs)
                best = speeds[row.name].get(in_flight, 0.0)
                speeds[row.name][in_flight] = max(best, row.runs / wall_s)
    return {
        name: Figure(1000 * statistics.median(found), speeds[name]) for name, found in costs.items()
    }


def _timed(row: Row, in_flight: int) -> float:
    with ThreadPoolExecutor(in_flight) as pool:
        started = time.perf_counter()
        for done in [pool.submit(row.run) for _ in range(row.runs)]:
            done.result()
        return time.perf_counter() - started


def _report(figures: dict[str, Figure]) -> str:
    bare = figures[_BARE].cpu_ms
    lines = [f"{'':24}{'CPU ms':>8}{'x bare':>8}   runs/s at {_IN_FLIGHT} in flight"]
    for name, figure in figures.items():
        speeds = "".join(f"{figure.runs_per_s[n]:8.1f}" for n in _IN_FLIGHT)
        lines.append(f"{name:24}{figure.cpu_ms:8.2f}{figure.cpu_ms / bare:8.2f}   {speeds}")
    lines.append(f"limit: {_FORKSERVER} at most {_LIMIT} x bare, which is `{_BARE}`")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
