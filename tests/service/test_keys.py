"""API keys: how they are written, what is kept of them, what is said when they are not right."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.keys import BadKey, make_key, name_of, read_keys, scopes_of
from service.settings import Settings
from tests.live import ROOT, environment

SECRET = "s3cret-9f2c"
DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()

READ = [
    ("", {}),
    (f"ann:{SECRET}", {"ann": ["grade"]}),
    (f" ann : {SECRET} ,, bob:b ", {"ann": ["grade"], "bob": ["grade"]}),
    (f"ann+admin:{SECRET}", {"ann": ["admin"]}),
    (f"ann+admin+grade:{SECRET}", {"ann": ["grade", "admin"]}),
    (f"ann.1_x-y:sha256={DIGEST}", {"ann.1_x-y": ["grade"]}),
    (f"ann+grade:sha256={DIGEST.upper()}", {"ann": ["grade"]}),
    (f"{'n' * 64}:{SECRET}", {"n" * 64: ["grade"]}),
]


@pytest.mark.parametrize(("text", "expected"), READ, ids=range(len(READ)))
def test_keys_are_read_with_their_scopes(text: str, expected: dict[str, list[str]]) -> None:
    keys = read_keys(text)
    assert {name: scopes_of(key) for name, key in keys.items()} == expected
    if expected:
        assert name_of(SECRET.encode(), keys) == next(iter(expected))
    assert name_of(b"", keys) is None
    assert name_of(DIGEST.encode(), keys) is None
    assert name_of(bytes.fromhex(DIGEST), keys) is None


REFUSED = [
    (SECRET, "write name:secret"),
    ("ann:", "write name:secret"),
    (f":{SECRET}", "the name of a key"),
    (f"a b:{SECRET}", "the name of a key"),
    (f"{'n' * 65}:{SECRET}", "the name of a key"),
    (f"ann+root:{SECRET}", "scopes of 'ann' may be grade and admin"),
    (f"ann+:{SECRET}", "scopes of 'ann' may be grade and admin"),
    (f"ann:{SECRET},ann:other", "'ann' stands twice"),
    (f"ann:{SECRET},bob:sha256={DIGEST}", "'bob' has the secret of 'ann'"),
    (f"ann:sha256={SECRET}", "64 hexadecimal digits"),
    (f"ann:sha256={hashlib.sha256().hexdigest()}", "'ann' is that of no secret"),
    (f"ann:{SECRET} x", "white space"),
    (f"ann:{SECRET}\x1b", "white space"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=range(len(REFUSED)))
def test_a_key_that_is_not_right_is_named_without_its_secret(text: str, words: str) -> None:
    with pytest.raises(BadKey, match=words) as refusal:
        read_keys(text)
    assert SECRET not in str(refusal.value)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text(f"# the trainers\n\nann:{SECRET}\n  bob+admin:other\n")
    file.chmod(0o640)
    return file


def test_a_file_holds_more_keys_a_line_each(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHSTONE_API_KEYS", "eve:third")
    monkeypatch.setenv("TOUCHSTONE_API_KEYS_FILE", str(key_file))
    assert list(Settings().api_keys) == ["eve", "ann", "bob"]


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o641])
def test_a_file_that_everybody_can_reach_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(BadKey, match="chmod o= "):
        read_keys("", key_file)


FILES = [
    ("missing", None, "cannot be read"),
    ("binary", b"\xff\xfe", "is not UTF-8"),
    ("bad", b"ann:a\nbob\n", "line 2: write name:secret"),
    ("twice", b"ann:a\n# x\nann:b\n", "line 3: each name may stand once"),
]


@pytest.mark.parametrize(("name", "content", "words"), FILES, ids=[row[0] for row in FILES])
def test_a_file_that_is_not_right_is_named(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.touch(0o600)
        file.write_bytes(content)
    with pytest.raises(BadKey, match=words):
        read_keys("", file)


def test_settings_hold_and_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_API_KEYS", f"ann+admin:{SECRET}")
    settings = Settings()
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in shown
    assert DIGEST not in shown
    assert settings.model_dump()["api_keys"] == {"ann": ["admin"]}
    monkeypatch.setenv("TOUCHSTONE_API_KEYS", f"ann+root:{SECRET}")
    with pytest.raises(ValidationError) as refusal:
        Settings()
    assert SECRET not in f"{refusal.value!r} {refusal.value}"


def _key(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", "key", *arguments],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_key_is_let_in_by_its_line() -> None:
    told = _key("trainer-7", "--scope", "grade", "--scope", "admin")
    secret, line = (line.strip() for line in told.stdout.splitlines() if line[:1] == " ")
    assert secret not in line
    keys = read_keys(line)
    assert scopes_of(keys["trainer-7"]) == ["grade", "admin"]
    assert name_of(secret.encode(), keys) == "trainer-7"


def test_no_two_new_keys_are_equal() -> None:
    assert make_key("ann", ["grade"]).secret != make_key("ann", ["grade"]).secret


def test_a_key_needs_a_name() -> None:
    told = _key("a:b")
    assert told.returncode == 2
    assert "the name of a key" in told.stderr
