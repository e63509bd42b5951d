"""What is offered is written, whatever becomes of the files; what cannot be is lost and counted."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.audit.folder import audit_files, size_of, take_slot
from service.audit.reading import NoAudit, Query, read
from tests.live import ROOT, wait_until
from tests.service.audit.auditing import MIB, offer, rows, texts, trail, write


def test_a_row_says_what_was_asked_said_and_earned(tmp_path: Path) -> None:
    write(tmp_path / "audit", offer("four", "five", at_ms=1_700_000_000_123, flags=["odd"]))
    first, second = rows(tmp_path / "audit")
    assert (first.at_ms, first.tenant, first.requests) == (1_700_000_000_123, "ann", ["r-1"])
    assert (first.item, first.prompt, first.completion) == ("four", "say it", "four")
    assert (first.reference, first.graders) == ({"answer": "four"}, [{"name": "exact"}])
    assert (first.reward, second.reward, first.outcome) == (1.0, 0.0, "graded")
    assert (first.grades[0]["grader"], first.flags) == ("exact", ["odd"])
    assert first.worker
    assert first.version


@pytest.mark.parametrize("text", ["", "\0 in the middle", "\x1b[31m", "né 数", "'; --"])
def test_every_text_is_kept(tmp_path: Path, text: str) -> None:
    write(tmp_path, offer("x", text))
    assert texts(tmp_path) == ["x", text]


def test_only_the_owner_reads_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    write(folder, offer("x"))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert (modes, stat.S_IMODE(folder.stat().st_mode)) == ({0o600}, 0o700)


def test_a_sample_is_the_same_everywhere_and_holds_all_that_is_flagged(tmp_path: Path) -> None:
    completions = [f"text {number}" for number in range(400)]
    for name in ("one", "other"):
        write(tmp_path / name, offer(*completions), mode="sampled", share=0.25)
    chosen = texts(tmp_path / "one")
    assert chosen == texts(tmp_path / "other")
    assert 50 < len(chosen) < 150
    write(tmp_path / "flagged", offer(*completions, flags=["f"]), mode="sampled", share=0.25)
    assert texts(tmp_path / "flagged") == completions


def test_files_are_turned_over_and_the_oldest_go(tmp_path: Path) -> None:
    writing = trail(tmp_path, file_bytes=MIB // 4, slot_bytes=MIB)
    for number in range(64):
        writing.offer(offer(f"{number:06d}" + "x" * 50_000))
        wait_until(lambda number=number: writing.written == number + 1)  # type: ignore[misc]
    writing.close()
    files = list(audit_files(tmp_path))
    assert len(files) > 1
    assert sum(size_of(file.path) for file in files) <= MIB
    kept = [int(str(text)[:6]) for text in texts(tmp_path)]
    assert kept == list(range(kept[0], 64))
    assert kept[0] > 0


def test_each_process_has_files_of_its_own_and_the_next_goes_on_with_them(tmp_path: Path) -> None:
    first, second = trail(tmp_path), trail(tmp_path)
    for writing in (first, second):
        writing.offer(offer("a"))
    wait_until(lambda: first.written + second.written == 2)
    assert len(list(audit_files(tmp_path))) == 2
    first.close()
    second.close()
    write(tmp_path, offer("b"))
    assert len(list(audit_files(tmp_path))) == 2
    assert sorted(map(str, texts(tmp_path))) == ["a", "a", "b"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.service.audit.auditing import offer, trail
writing = trail(Path(sys.argv[1]))
print("begun", flush=True)
number = 0
while True:
    writing.offer(offer(f"{number:06d}"))
    number += 1
    if writing.written > 20:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_a_readable_file(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, capture_output=True, check=False
    )
    assert killed.returncode == -9, killed.stderr
    before = texts(tmp_path)
    assert before == [f"{number:06d}" for number in range(len(before))]
    assert len(before) > 20
    write(tmp_path, offer("after"))
    assert texts(tmp_path) == [*before, "after"]
    assert len(list(audit_files(tmp_path))) == 1


def test_a_broken_file_is_left_alone_and_another_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slot = take_slot(tmp_path)
    broken = slot.new_file(lambda path: None)
    broken.write_bytes(b"no database at all " * 500)
    slot.release()
    write(tmp_path, offer("a"))
    complaints: list[str] = []
    found = list(read(tmp_path, Query(), complaints.append))
    assert [one.completion for one in found] == ["a"]
    assert [str(broken) in complaint for complaint in complaints] == [True]


def test_a_file_that_breaks_meanwhile_is_given_up(tmp_path: Path) -> None:
    writing = trail(tmp_path)
    writing.offer(offer("a"))
    wait_until(lambda: writing.written == 1)
    (file,) = audit_files(tmp_path)
    with sqlite3.connect(file.path) as other:
        other.execute("DROP TABLE transcripts")
    other.close()
    writing.offer(offer("b"))
    wait_until(lambda: writing.lost == 1)
    writing.offer(offer("c"))
    wait_until(lambda: writing.written == 2)
    writing.close()


def test_a_folder_that_is_removed_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    writing = trail(folder)
    writing.offer(offer("a"))
    wait_until(lambda: writing.written == 1)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()

    def written() -> bool:
        writing.offer(offer("b"))
        return folder.exists() and any(audit_files(folder)) and "b" in texts(folder)

    wait_until(written)
    writing.close()


def test_a_folder_that_cannot_be_is_said_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "file" / "audit"
    (tmp_path / "file").write_text("in the way")
    writing = trail(folder)
    writing.offer(offer("a", "b"))
    wait_until(lambda: writing.lost == 2)
    (tmp_path / "file").unlink()

    def made() -> bool:
        writing.offer(offer("c"))
        return folder.is_dir()

    wait_until(made)
    writing.close()
    assert set(texts(folder)) == {"c"}
    (said,) = [record.message for record in caplog.records]
    assert f"TOUCHSTONE_AUDIT_DIR={folder}" in said
    assert "lost 2 verdicts" in said


FULL = """
import resource, sys
from pathlib import Path
from tests.live import wait_until
from tests.service.audit.auditing import offer, texts, trail
folder = Path(sys.argv[1])
writing = trail(folder)
writing.offer(offer("a"))
wait_until(lambda: writing.written == 1)
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
writing.offer(offer("b" * 100_000))
wait_until(lambda: writing.lost == 1)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
writing.offer(offer("c"))
wait_until(lambda: writing.written == 2)
writing.close()
assert texts(folder) == ["a", "c"], texts(folder)
"""


def test_what_no_room_is_left_for_is_lost_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_writer_that_stands_still_holds_nobody_up(tmp_path: Path) -> None:
    writing = trail(tmp_path, file_bytes=256 * MIB, slot_bytes=512 * MIB)
    writing.offer(offer("a"))
    wait_until(lambda: writing.written == 1)
    (file,) = audit_files(tmp_path)
    big = offer("x" * MIB)
    with sqlite3.connect(file.path) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        for _ in range(100):
            writing.offer(big)
        assert writing.lost > 0
        assert time.monotonic() - began < 5, "an offer waited for the disk"
        other.rollback()
    other.close()
    wait_until(lambda: writing.written + writing.lost == 101)
    writing.close()
    assert len(texts(tmp_path)) == writing.written


def test_an_offer_that_cannot_be_read_is_lost_alone(tmp_path: Path) -> None:
    writing = trail(tmp_path)
    writing.offer(offer("a")._replace(cargo=b"{}"))
    writing.offer(offer("b"))
    writing.close()
    assert (writing.lost, texts(tmp_path)) == (1, ["b"])
    assert (writing.take_lost(), writing.take_lost()) == (1, 0)


def test_a_closed_trail_takes_nothing_more(tmp_path: Path) -> None:
    writing = trail(tmp_path)
    writing.close()
    writing.offer(offer("a"))
    assert (writing.lost, list(tmp_path.iterdir())) == (1, [])


def test_where_there_is_no_audit_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoAudit, match="TOUCHSTONE_AUDIT=all"):
        rows(tmp_path)
    with pytest.raises(NoAudit, match="TOUCHSTONE_AUDIT_DIR"):
        rows(tmp_path / "missing")
