"""What `doctor` says of this host, and what it would say of others."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from graders.programs import offers
from graders.programs.languages import LANGUAGES
from sandbox import LAYERS, Floor, Isolation, Layer
from service.doctor import Finding, language_findings, layer_findings, redis_finding, table
from service.remedies import Backend, Host, look_at_host, remedies
from tests.live import ROOT, environment
from tests.service.redis_servers import a_server

CGROUPS = ("memory_cgroup", "pids_cgroup", "cpu_cgroup")
ALL_CAPABILITIES = 2**41 - 1
USER = Host(platform="linux", is_root=False, in_container=False, capabilities=0, switches={})
ROOTED = USER._replace(is_root=True, capabilities=ALL_CAPABILITIES)


def _doctor(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", "doctor"],
        cwd=ROOT,
        env=environment({"WORKERS": "1"} | settings),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith(" ")]


def _found(*missing: str) -> Isolation:
    layers = (
        Layer(name, name not in missing, "how", "do this" if name in missing else "")
        for name in LAYERS
    )
    return Isolation(backend="forkserver", layers=tuple(layers))


def test_the_doctor_finds_this_host_well() -> None:
    ran = _doctor(ISOLATION_FLOOR="strict")
    assert ran.returncode == 0, ran.stdout
    rows = _rows(ran.stdout)
    languages = [row.split()[:3] for row in rows if row.split()[1] == "language"]
    assert [name for _, _, name in languages] == list(LANGUAGES)
    if any(state == "weak" for state, _, _ in languages):
        pytest.skip(f"toolchains are absent here: {languages}")
    assert [row.split()[0] for row in rows] == ["ok"] * len(rows)
    assert [row.split()[2] for row in rows if row.split()[1] == "layer"] == list(LAYERS)
    assert rows[-1].endswith("the forkserver sandbox gives strict, the floor is strict")


def test_the_doctor_names_what_is_missing_and_the_remedy(tmp_path: Path) -> None:
    ran = _doctor(
        REDIS_URL="redis://127.0.0.1:1/0",
        SANDBOX="docker",
        SANDBOX_URL=f"unix://{tmp_path}/nobody.sock",
    )
    assert ran.returncode == 1
    assert "missing  Redis" in ran.stdout
    assert "start it or unset TOUCHSTONE_REDIS_URL" in ran.stdout
    assert "missing  isolation" in ran.stdout
    assert "the docker sandbox does not start" in ran.stdout
    assert "-> TOUCHSTONE_SANDBOX_URL=unix:///path/docker.sock" in ran.stdout
    assert "Traceback" not in ran.stderr


def test_a_language_that_is_not_served_is_no_fault_of_the_host_and_has_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, language in LANGUAGES.items():
        monkeypatch.setitem(LANGUAGES, name, replace(language, programs=("no-such-program",)))
    offers._offers.cache_clear()
    rows = language_findings()
    offers._offers.cache_clear()
    assert [row.what for row in rows] == [f"language {name}" for name in LANGUAGES]
    assert {row.state for row in rows} == {"weak"}
    assert all(row.note == "not served: no no-such-program" for row in rows)
    assert all(
        f"apt-get install {LANGUAGES[name].packages[0]}" in row.remedies[0]
        for name, row in zip(LANGUAGES, rows, strict=True)
    )


def test_a_sandbox_that_fails_is_no_absent_language(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable() -> Isolation:
        raise OSError("no namespaces")

    monkeypatch.setattr(offers, "isolation", unavailable)
    assert {(row.state, row.note) for row in language_findings()} == {
        ("missing", "the sandbox fails: no namespaces")
    }


@pytest.mark.parametrize(
    ("missing", "floor", "states", "last"),
    [
        ((), "standard", {"ok"}, "ok"),
        ((), "strict", {"ok"}, "ok"),
        (CGROUPS, "standard", {"ok", "weak"}, "ok"),
        (CGROUPS, "strict", {"ok", "missing"}, "missing"),
        (("seccomp",), "standard", {"ok", "missing"}, "missing"),
        (("seccomp", "cpu_cgroup"), "standard", {"ok", "missing", "weak"}, "missing"),
        (LAYERS, "strict", {"missing"}, "missing"),
    ],
)
def test_a_layer_is_missing_only_where_the_floor_needs_it(
    missing: tuple[str, ...], floor: Floor, states: set[str], last: str
) -> None:
    *rows, isolation = layer_findings(_found(*missing), floor)
    assert [row.what for row in rows] == [f"layer {name}" for name in LAYERS]
    assert {row.state for row in rows} == states
    assert {row.what for row in rows if row.remedies} == {f"layer {name}" for name in missing}
    assert (isolation.what, isolation.state) == ("isolation", last)


def test_a_floor_that_would_be_met_is_named() -> None:
    weak, broken = _found(*CGROUPS), _found("seccomp")
    assert layer_findings(weak, "strict")[-1].remedies == [
        "set TOUCHSTONE_ISOLATION_FLOOR=standard"
    ]
    assert layer_findings(broken, "strict")[-1].remedies == []


def test_the_table_keeps_to_100_columns_and_cuts_no_word() -> None:
    path = "/a" * 60
    rows = [
        Finding("a", "ok", "short"),
        Finding("layer memory_cgroup", "missing", "long " * 40, ["do so " * 30, f"rm {path}"]),
    ]
    lines = table(rows).splitlines()
    assert lines[0] == "ok       a                    short"
    assert all(len(line) <= 100 for line in lines if path not in line)
    assert lines[-1].split() == [path]
    assert [line.split()[0] for line in lines if "->" in line] == ["->", "->"]
    assert all(line.startswith(" " * 30) for line in lines[2:])


REMEDIES: list[tuple[Backend, Host, list[str]]] = [
    ("docker", USER, ["TOUCHSTONE_SANDBOX_URL", "TOUCHSTONE_SANDBOX=forkserver"]),
    ("forkserver", USER._replace(platform="darwin"), ["needs Linux", "TOUCHSTONE_SANDBOX=docker"]),
    ("forkserver", USER, ["TOUCHSTONE_SANDBOX=docker"]),
    (
        "forkserver",
        USER._replace(switches={"kernel.unprivileged_userns_clone": "0"}),
        ["sysctl -w kernel.unprivileged_userns_clone=1", "TOUCHSTONE_SANDBOX=docker"],
    ),
    (
        "forkserver",
        USER._replace(switches={"kernel.apparmor_restrict_unprivileged_userns": "1"}),
        ["sysctl -w kernel.apparmor_restrict_unprivileged_userns=0", "TOUCHSTONE_SANDBOX=docker"],
    ),
    (
        "forkserver",
        USER._replace(switches={"user.max_user_namespaces": "0"}),
        ["sysctl -w user.max_user_namespaces=15000", "TOUCHSTONE_SANDBOX=docker"],
    ),
    (
        "forkserver",
        USER._replace(switches={"user.max_user_namespaces": "63000"}),
        ["TOUCHSTONE_SANDBOX=docker"],
    ),
    # Root makes namespaces without one of users.
    (
        "forkserver",
        ROOTED._replace(switches={"user.max_user_namespaces": "0"}),
        ["TOUCHSTONE_SANDBOX=docker"],
    ),
    ("forkserver", ROOTED._replace(capabilities=0), ["CAP_SYS_ADMIN", "TOUCHSTONE_SANDBOX=docker"]),
    (
        "forkserver",
        ROOTED._replace(capabilities=0, in_container=True),
        ["--cap-add SYS_ADMIN", "--cgroupns host", "privileged: true", "TOUCHSTONE_SANDBOX=docker"],
    ),
    (
        "forkserver",
        USER._replace(in_container=True),
        [
            "with --security-opt seccomp=unconfined",
            "--cgroupns host",
            "privileged: true",
            "TOUCHSTONE_SANDBOX=docker",
        ],
    ),
]


@pytest.mark.parametrize(("backend", "host", "words"), REMEDIES, ids=range(len(REMEDIES)))
def test_a_remedy_is_for_the_host_that_needs_it(
    backend: Backend, host: Host, words: list[str]
) -> None:
    said = remedies(backend, host)
    assert len(said) == len(words), said
    assert all(word in line for word, line in zip(words, said, strict=True)), said


def test_a_host_is_read_from_its_files(tmp_path: Path) -> None:
    assert look_at_host(tmp_path).in_container is False
    for name, text in {
        ".dockerenv": "",
        "proc/self/status": "Name:\tx\nCapEff:\t00000000a80425fb\n",
        "proc/sys/user/max_user_namespaces": "0\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    host = look_at_host(tmp_path)
    assert (host.in_container, host.capabilities) == (True, 0xA80425FB)
    assert host.switches["user.max_user_namespaces"] == "0"
    assert host.switches["kernel.unprivileged_userns_clone"] == ""


@pytest.mark.parametrize(
    ("policy", "state"), [("noeviction", "ok"), ("volatile-lru", "weak"), ("allkeys-lru", "weak")]
)
def test_a_redis_that_evicts_is_named_with_its_policy(
    tmp_path: Path, policy: str, state: str
) -> None:
    with a_server(tmp_path, "--maxmemory", "100mb", "--maxmemory-policy", policy) as server:
        finding = redis_finding(f"redis://127.0.0.1:{server.port}", "mine")
    assert finding.state == state
    assert (policy in finding.note) == bool(finding.remedies) == (state == "weak")
