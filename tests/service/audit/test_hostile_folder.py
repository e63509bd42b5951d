"""What is odd in an offer or in the folder ends no writer, and is not followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.audit.folder import take_slot
from service.audit.store import FileLimits
from service.audit.trail import AuditTrail
from service.audit.transcripts import Choice
from tests.live import wait_until
from tests.service.audit.auditing import MIB, offer, texts, trail, write

UNREADABLE: list[tuple[str, dict[str, object]]] = [
    ("fewer verdicts than items", {"verdicts": []}),
    ("a verdict that is no JSON", {"verdicts": [b'{"flags":["x"']}),
    ("a verdict that is a text", {"verdicts": [b'"\\"flags":["x"]"']}),
    ("a verdict without grades", {"verdicts": [b'{"flags":["x"]}']}),
    ("a verdict of no grades", {"verdicts": [b'{"grades":null,"flags":["x"]}']}),
    ("grades that are texts", {"verdicts": [b'{"grades":["flags"],"flags":["x"]}']}),
    ("a name that no file holds", {"tenant": "\ud800"}),
]


@pytest.mark.parametrize("changed", [row[1] for row in UNREADABLE], ids=[r[0] for r in UNREADABLE])
def test_what_cannot_be_written_ends_no_writer(tmp_path: Path, changed: dict[str, object]) -> None:
    writing = trail(tmp_path)
    spoilt = offer("x")._replace(**changed)  # type: ignore[arg-type] # as no worker makes it
    writing.offer(spoilt)
    wait_until(lambda: writing.lost == len(spoilt.verdicts) and not writing._waiting)
    writing.offer(offer("after"))
    writing.close()
    assert texts(tmp_path) == ["after"]


def test_a_text_that_is_too_long_to_grade_is_cut(tmp_path: Path) -> None:
    writing = AuditTrail(
        tmp_path, choice=Choice("all", 1.0, text_chars=3), limits=FileLimits(MIB, 4 * MIB)
    )
    writing.offer(offer("four", "abc"))
    writing.close()
    assert texts(tmp_path) == ["fou", "abc"]


def test_no_link_in_the_folder_is_followed(tmp_path: Path) -> None:
    folder, victim = tmp_path / "audit", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("precious")
    (folder / "audit-000.part").symlink_to(victim)
    write(folder, offer("x"))
    assert (victim.read_text(), texts(folder)) == ("precious", ["x"])
    (folder / "audit-000.lock").unlink()
    (folder / "audit-000.lock").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="symbolic links"):
        take_slot(folder)
    assert not (tmp_path / "made").exists()


def test_a_pipe_in_the_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "audit-000.part")
    write(tmp_path, offer("x"))
    assert texts(tmp_path) == ["x"]


def test_a_folder_that_everybody_can_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(OSError, match="chmod o-w"):
        take_slot(tmp_path)
