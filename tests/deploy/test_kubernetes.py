"""The manifests of deploy/kubernetes against the schemas of Kubernetes, and against each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from graders.contract import Lane
from service.metrics import FAMILIES
from service.settings import Settings
from service.streams import LANES
from tests.live import ROOT

# Any: YAML.
Manifest = dict[str, Any]
FOLDER = ROOT / "deploy" / "kubernetes"
# The oldest in which pods have user namespaces and /proc unmasked without a switch, and a new one.
VERSIONS = ("1.33", "1.36")
NOT_OF_KUBERNETES = {"Kustomization", "ScaledObject", "TriggerAuthentication"}


def _manifests() -> Iterator[Manifest]:
    for file in sorted(FOLDER.glob("*.yaml")):
        yield from yaml.safe_load_all(file.read_text())


MANIFESTS = list(_manifests())


def _of_kind(kind: str) -> dict[str, Manifest]:
    return {m["metadata"]["name"]: m for m in MANIFESTS if m["kind"] == kind}


def _pods() -> dict[str, Manifest]:
    sets = _of_kind("Deployment") | _of_kind("StatefulSet")
    return {name: each["spec"]["template"] for name, each in sets.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_what_kubernetes_takes(version: str) -> None:
    for manifest in MANIFESTS:
        if manifest["kind"] not in NOT_OF_KUBERNETES:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_every_file_is_applied() -> None:
    (all_of_it,) = [m for m in MANIFESTS if m["kind"] == "Kustomization"]
    files = {file.name for file in FOLDER.glob("*.yaml")}
    assert {*all_of_it["resources"], "kustomization.yaml"} == files


@pytest.mark.parametrize("name", sorted(_pods()))
def test_no_pod_has_a_privilege(name: str) -> None:
    pod = _pods()[name]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    for container in pod["containers"]:
        held = container["securityContext"]
        assert held["capabilities"] == {"drop": ["ALL"]}
        assert not held["allowPrivilegeEscalation"]
        assert held["readOnlyRootFilesystem"]
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}
        assert "livenessProbe" in container


def test_every_setting_is_one() -> None:
    known = {f"TOUCHSTONE_{name.upper()}" for name in Settings.model_fields}
    for pod in _pods().values():
        for container in pod["spec"]["containers"]:
            names = {variable["name"] for variable in container.get("env", ())}
            assert {name for name in names if name.startswith("TOUCHSTONE_")} <= known


def test_only_the_worker_for_programs_has_its_filters_off() -> None:
    loose = {
        name
        for name, pod in _pods().items()
        if pod["spec"]["securityContext"]["seccompProfile"]["type"] != "RuntimeDefault"
    }
    assert loose == {"code"}
    assert _pods()["code"]["spec"]["hostUsers"] is False


def test_a_worker_reaches_redis_and_names_alone() -> None:
    rules = _of_kind("NetworkPolicy")["redis-is-reached"]["spec"]["egress"]
    assert [port["port"] for rule in rules for port in rule["ports"]] == [6379, 53, 53]
    assert _of_kind("NetworkPolicy")["nothing"]["spec"]["podSelector"] == {}


def _fits(queue_chunks: int, maxmemory: str) -> bool:
    """Whether lanes full of chunks, results and a quarter more have room."""
    settings = Settings(queue_chunks=queue_chunks)
    chunks = len(LANES) * settings.queue_chunks * settings.chunk_bytes
    return (chunks + settings.results_bytes) * 1.25 < int(maxmemory.removesuffix("gb")) * 2**30


def test_full_queues_fit_into_redis() -> None:
    api, redis = (_pods()[name]["spec"]["containers"][0] for name in ("api", "redis"))
    (chunks,) = [one["value"] for one in api["env"] if one["name"] == "TOUCHSTONE_QUEUE_CHUNKS"]
    assert _fits(int(chunks), redis["args"][redis["args"].index("--maxmemory") + 1])
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    command = composed["redis"]["command"]
    chunks = composed["api"]["environment"]["TOUCHSTONE_QUEUE_CHUNKS"]
    assert _fits(int(chunks), command[command.index("--maxmemory") + 1])


def test_a_probe_of_redis_believes_a_pong_alone() -> None:
    redis = _pods()["redis"]["spec"]["containers"][0]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert "grep -qx PONG" in redis[name]["exec"]["command"][-1]


@pytest.mark.parametrize("lane", LANES)
def test_each_lane_grows_with_what_waits_for_it(lane: Lane) -> None:
    scaled = _of_kind("ScaledObject")[lane]["spec"]
    assert scaled["scaleTargetRef"]["name"] == lane
    families = {family.name: family.labels for family in FAMILIES}
    for trigger in scaled["triggers"]:
        metric, _, labels = trigger["metadata"]["valueLocation"].partition("{")
        assert families[metric] == ("lane", "priority")
        assert labels == f'lane="{lane}",priority="{trigger["name"]}"}}'
