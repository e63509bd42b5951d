"""`python -m service config`: what is in force, where it is from, and no secret."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest

from service.settings import Settings
from tests.live import ROOT, environment


def _config(settings: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", "config", *arguments],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )


GIVEN = {
    "PORT": "9001",
    "API_KEYS": "ci:hunter2-and-more",
    "REDIS_URL": "rediss://user:hunter2@redis.example:6380/1?ssl_password=hunter2",
    "SANDBOX_URL": "tcp://10.0.0.1:2376",
}


def test_every_setting_is_shown_with_its_source_and_no_secret() -> None:
    ended = _config(GIVEN, "--json")
    shown = json.loads(ended.stdout)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [*shown] == [f"TOUCHSTONE_{name.upper()}" for name in Settings.model_fields]
    assert shown["TOUCHSTONE_PORT"] == {"value": 9001, "source": "environment"}
    assert shown["TOUCHSTONE_HOST"] == {"value": "127.0.0.1", "source": "default"}
    assert shown["TOUCHSTONE_API_KEYS"]["source"] == "environment"
    assert "ci" in shown["TOUCHSTONE_API_KEYS"]["value"]
    assert shown["TOUCHSTONE_REDIS_URL"]["value"] == (
        "rediss://***@redis.example:6380/1?ssl_password=***"
    )
    assert shown["TOUCHSTONE_SANDBOX_URL"]["value"] == "tcp://10.0.0.1:2376"
    assert "hunter2" not in ended.stdout


def test_the_table_has_a_line_a_setting() -> None:
    ended = _config(GIVEN)
    lines = ended.stdout.splitlines()
    assert len(lines) == len(Settings.model_fields)
    assert [line.split() for line in lines if line.startswith("TOUCHSTONE_PORT ")] == [
        ["TOUCHSTONE_PORT", "9001", "environment"]
    ]
    assert [line.split() for line in lines if line.startswith("TOUCHSTONE_STATE_DIR ")] == [
        ["TOUCHSTONE_STATE_DIR", "none", "default"]
    ]
    assert "hunter2" not in ended.stdout


@pytest.mark.parametrize(
    ("settings", "status", "said"),
    [
        ({"PORT": "99999"}, 2, "TOUCHSTONE_PORT=99999: "),
        ({"LOGS": "xml"}, 2, "TOUCHSTONE_LOGS=xml: "),
        ({"LOG_LEVEL": "loud"}, 2, "TOUCHSTONE_LOG_LEVEL=loud: "),
        ({"DRAIN_NOTICE_S": "-1"}, 2, "TOUCHSTONE_DRAIN_NOTICE_S=-1: "),
        ({"PROT": "9001"}, 0, "TOUCHSTONE_PROT is no setting"),
        ({"TLS_KEY": "-----BEGIN KEY-----\nhunter2"}, 2, "TOUCHSTONE_TLS_KEY: this is PEM text"),
    ],
)
def test_what_is_wrong_is_said(settings: Mapping[str, str], status: int, said: str) -> None:
    ended = _config(settings)
    assert ended.returncode == status
    assert said in ended.stderr
    assert "hunter2" not in ended.stderr


def test_a_file_or_folder_without_a_name_is_none_and_not_the_current_folder() -> None:
    paths = ("API_KEYS_FILE", "AUDIT_DIR", "PULSE_FILE", "STATE_DIR", "TLS_CERT", "TLS_KEY")
    ended = _config(dict.fromkeys(paths, ""), "--json")
    shown = json.loads(ended.stdout)
    assert [shown[f"TOUCHSTONE_{name}"]["value"] for name in paths] == [None] * len(paths)
