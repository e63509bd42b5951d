"""Files of any size: what is held in memory does not grow with them, and progress is told."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest

from tests.trainer_client.curate.rows import Curate, write
from trainer_client.progress import Progress


@pytest.mark.parametrize("command", ["filter", "difficulty"])
def test_ten_thousand_rows_take_no_more_memory_than_one_thousand(
    curate: Curate, tmp_path: Path, command: str
) -> None:
    def peak_bytes(count: int) -> int:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        source = write(
            folder / "in.jsonl",
            (
                {"prompt": f"p{n % (count // 4)}", "completion": "x" * 500, "reward": n % 2}
                for n in range(count)
            ),
        )
        tracemalloc.start()
        try:
            ran = curate(command, source, "-o", folder / "out.jsonl", "--reward", "reward")
            assert ran.status == 0, ran.err
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak_bytes(1_000)  # what is loaded the first time is not counted
    few, many = peak_bytes(1_000), peak_bytes(10_000)
    assert many < 1.5 * few
    assert many < 10_000 * 500


class Terminal(io.StringIO):
    """A stream that says it is a terminal, or not."""

    def __init__(self, *, live: bool) -> None:
        super().__init__()
        self._live = live

    def isatty(self) -> bool:
        return self._live


def test_a_terminal_has_one_live_line_with_the_time_left() -> None:
    now = [0.0]
    stream = Terminal(live=True)
    progress = Progress(stream, total_bytes=10_000, clock=lambda: now[0])
    for _ in range(4):
        now[0] += 1.0
        progress.advance(rows=500, size_bytes=1_000)
    progress.clear()
    shown = stream.getvalue().split("\r\x1b[2K")
    assert shown[-2] == " 40%, 2,000 rows, 500 rows/s, 0:06 left"
    assert (shown[-1], "\n" in stream.getvalue()) == ("", False)


def test_a_log_has_a_line_now_and_then_and_no_control_characters() -> None:
    now = [0.0]
    stream = Terminal(live=False)
    progress = Progress(stream, clock=lambda: now[0])
    for _ in range(25):
        now[0] += 1.0
        progress.advance(rows=1, size_bytes=1_000)
    progress.clear()
    assert stream.getvalue() == "10 rows, 1 rows/s\n20 rows, 1 rows/s\n"


def test_a_run_that_goes_on_reckons_with_what_it_does_itself() -> None:
    now = [0.0]
    stream = Terminal(live=False)
    progress = Progress(stream, total_bytes=20_000_000, done_bytes=10_000_000, clock=lambda: now[0])
    now[0] = 10.0
    progress.advance(rows=10, size_bytes=10_000)
    assert stream.getvalue() == " 50%, 10 rows, 1 rows/s, 2:46:30 left\n"
