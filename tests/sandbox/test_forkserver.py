"""The forkserver backend keeps every promise, and the suite notices each layer that is missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from sandbox.backends.forkserver import Forkserver
from sandbox.contract import LAYERS, LayerName
from sandbox.selfcheck import CHECKS, run_checks
from tests.sandbox.claiming import Claiming, noticed

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="every layer is tried out by root on Linux; as anybody else run `make selfcheck`",
)


@pytest.fixture(scope="module")
def backend() -> Iterator[Forkserver]:
    opened = Forkserver(slots=4)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", [check.name for check in CHECKS])
def test_conforms(backend: Forkserver, name: str) -> None:
    (result,) = run_checks(backend, names=[name])
    assert result.passed, result.found


@pytest.mark.parametrize("layer", LAYERS)
def test_without_a_layer_the_suite_turns_red(backend: Forkserver, layer: LayerName) -> None:
    weak = Claiming(Forkserver(slots=4, without=frozenset({layer})), backend.isolation())
    try:
        red = noticed(weak, layer)
    finally:
        weak.close()
    assert red is not None, "no check of the layer noticed"


# Not ipc: without it the slot still has a namespace of its own, and only the suite, which runs
# twice, sees that its runs share it.
@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "ipc"])
def test_a_missing_layer_is_said_to_be_missing(layer: LayerName) -> None:
    weak = Forkserver(slots=1, without=frozenset({layer}))
    try:
        isolation = weak.isolation()
    finally:
        weak.close()
    assert layer in {missing.name for missing in isolation.missing}
    assert not isolation.meets("strict")
    assert isolation.meets("standard") == layer.endswith("_cgroup")
