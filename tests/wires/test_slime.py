"""slime's wire, by recorded requests: PyPI's `slime` is another project."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.live import LiveService
from tests.wires.clients.slime import RECORDED_CHAT, RECORDED_TEXT, remote_rm
from tests.wires.faults import BODY_BYTES, address, faulty_service

pytestmark = pytest.mark.anyio

MATH = "/compat/slime/math"
EXACT = "/compat/slime/exact"
WRONG: Mapping[str, object] = {**RECORDED_TEXT, "response": "\\boxed{3}<|im_end|>"}
LABELLED: Mapping[str, object] = {**RECORDED_CHAT, "label": "2"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    presets = tmp_path_factory.mktemp("presets") / "presets.json"
    presets.write_text(json.dumps({"last": {"graders": [{"name": "exact"}], "fallback": 0.5}}))
    with faulty_service({"PRESETS_FILE": str(presets)}) as service:
        yield service


@pytest.mark.parametrize(
    ("sample", "reward"), [(RECORDED_TEXT, 1.0), (LABELLED, 1.0), (WRONG, 0.0)]
)
async def test_a_recorded_request_gets_the_reward_alone(
    service: LiveService, sample: Mapping[str, object], reward: float
) -> None:
    assert await remote_rm(address(service, MATH), sample) == reward


async def test_a_recorded_request_gets_the_reward_under_its_key(service: LiveService) -> None:
    url = address(service, MATH + "?key=score")
    assert await remote_rm(url, RECORDED_TEXT, reward_key="score") == 1.0
    assert await remote_rm(url, WRONG) == {"score": 0.0, "math": 0.0, "math_reason": "different"}


@pytest.mark.parametrize(
    ("path", "sample", "secret", "status"),
    [
        (EXACT + "?deadline_s=0.2", {**RECORDED_TEXT, "response": "fault"}, True, 503),
        (EXACT + "?deadline_s=0.3", {**RECORDED_TEXT, "response": "slow"}, True, 503),
        (MATH, {**RECORDED_TEXT, "response": "1" * BODY_BYTES}, True, 413),
        (MATH, RECORDED_TEXT, False, 401),
        (MATH, RECORDED_CHAT, True, 422),
        (MATH, {**RECORDED_TEXT, "response": None}, True, 422),
    ],
    ids=["fault", "time-out", "oversize", "no credential", "no label", "no response"],
)
async def test_a_recorded_request_is_told_that_there_is_no_score(
    service: LiveService, path: str, sample: Mapping[str, object], secret: bool, status: int
) -> None:
    url = address(service, path) if secret else address(service, path, secret=None)
    with pytest.raises(httpx.HTTPStatusError) as raised:
        await remote_rm(url, sample)
    assert raised.value.response.status_code == status
    assert ("retry-after" in raised.value.response.headers) == (status == 503)


async def test_the_tenth_recorded_request_in_vain_gets_the_number_of_the_preset(
    service: LiveService,
) -> None:
    url = address(service, "/compat/slime/p/last?deadline_s=0.1")
    sample = {**RECORDED_TEXT, "response": "slow"}
    for _ in range(9):
        with pytest.raises(httpx.HTTPStatusError, match="503"):
            await remote_rm(url, sample)
    assert await remote_rm(url, sample) == 0.5
