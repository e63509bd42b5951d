from __future__ import annotations

import socket

import pytest
from pydantic import ValidationError

from sandbox import SandboxOptions
from service.connections import watch_peers
from service.settings import Settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TOUCHSTONE_{name.upper()}", raising=False)


def test_every_limit_is_finite_by_default() -> None:
    values = Settings().model_dump(exclude={"drain_notice_s", "otel"}).values()
    limits = [value for value in values if isinstance(value, int | float)]
    assert all(0 < limit < float("inf") for limit in limits)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_PORT", "9000")
    monkeypatch.setenv("TOUCHSTONE_API_KEYS", "ann:s3cret, bob:other")
    settings = Settings()
    assert settings.port == 9000
    assert list(settings.api_keys) == ["ann", "bob"]
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "70000", "less than or equal to 65535"),
        ("PORT", "http", "valid integer"),
        ("LEASE_S", "0", "greater than 0"),
        ("LEASE_S", "inf", "finite"),
        ("BODY_BYTES", "0", "greater than or equal to 1"),
        ("API_KEYS", "secret", "write name:secret"),
        ("API_KEYS", "ann:", "write name:secret"),
        ("API_KEYS", "ann:a,ann:b", "each name may stand once"),
        ("HOST", "0.0.0.0", "set TOUCHSTONE_API_KEYS"),  # noqa: S104 - refused is what is tested
        ("HOST", "example.org", "set TOUCHSTONE_API_KEYS"),
        ("HOST", "::", "set TOUCHSTONE_API_KEYS"),
        ("ISOLATION_FLOOR", "none", "'strict' or 'standard'"),
        ("ISOLATION_FLOOR", "", "'strict' or 'standard'"),
        ("SANDBOX", "bwrap", "'forkserver' or 'docker'"),
        ("SANDBOX_SLOTS", "0", "greater than or equal to 1"),
        ("SANDBOX_POLICY", "shared", "'fresh' or 'pooled'"),
        ("SANDBOX_IMAGE", "", "at least 1 character"),
        ("SANDBOX_READABLE", "opt/go", "'opt/go' is no absolute folder below /"),
        ("SANDBOX_READABLE", "/opt/jdk:/", "'/' is no absolute folder below /"),
        ("SANDBOX_READABLE", "/opt/../etc", "is no absolute folder below /"),
    ],
)
def test_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"TOUCHSTONE_{name}", value)
    with pytest.raises(ValidationError, match=words):
        Settings()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_key(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("TOUCHSTONE_HOST", host)
    assert Settings().host == host


def test_a_public_address_with_a_key_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_HOST", "0.0.0.0")  # noqa: S104 - nothing listens here
    monkeypatch.setenv("TOUCHSTONE_API_KEYS", "ann:s3cret")
    assert Settings().api_keys.keys() == {"ann"}


def test_the_sandbox_is_opened_by_its_own_defaults_and_a_box_for_every_chunk() -> None:
    assert Settings().sandbox_options() == SandboxOptions(slots=4)
    assert (Settings().slots_in("code"), Settings().slots_in("light")) == (4, 1)
    assert Settings().isolation_floor == "standard"


def test_every_setting_of_the_sandbox_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SANDBOX": "docker",
        "SANDBOX_SLOTS": "7",
        "SANDBOX_READABLE": "/opt/jdk 21::/opt/go:",
        "SANDBOX_IMAGE": "ours:2",
        "SANDBOX_RUNTIME": "runsc",
        "SANDBOX_POLICY": "pooled",
        "SANDBOX_URL": "unix:///run/other.sock",
    }.items():
        monkeypatch.setenv(f"TOUCHSTONE_{name}", value)
    assert Settings().sandbox_options() == SandboxOptions(
        backend="docker",
        slots=7,
        readable=("/opt/jdk 21", "/opt/go"),
        image="ours:2",
        runtime="runsc",
        policy="pooled",
        url="unix:///run/other.sock",
    )


@pytest.mark.parametrize("idle_s", [0.001, 40_000.0, 1e300])
def test_a_connection_may_be_idle_for_longer_than_the_kernel_counts(idle_s: float) -> None:
    with socket.socket() as listener:
        watch_peers(listener, idle_s=Settings(idle_s=idle_s).idle_s)
