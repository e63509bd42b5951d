"""Touchstone as a reward of verl: `reward.custom_reward_function`, with no file of your own.

reward.custom_reward_function.path=pkg://trainer_client.verl
reward.custom_reward_function.name=compute_score
+reward.custom_reward_function.reward_kwargs.url=http://127.0.0.1:8000
+reward.custom_reward_function.reward_kwargs.graders=math
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from trainer_client.assay import LABEL, Options, recipe, worths
from trainer_client.remote_reward.samples import Samples

__all__ = ["compute_score"]


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: object,
    extra_info: Mapping[str, object] | None = None,
    *,
    graders: object,
    reward_router_address: object = None,
    reward_model_tokenizer: object = None,
    **options: Unpack[Options],
) -> dict[str, float | str]:
    """One sample's reward, with the same keys each time, for verl's managers (`naive`, `dapo`).

    Graders that read more than the label find it in `extra_info`.
    """
    row = {**(extra_info or {}), LABEL: ground_truth}
    samples = Samples([solution_str], None, None, {name: [value] for name, value in row.items()})
    (worth,) = await worths(recipe(graders, options, timeout_s=240.0), samples)
    return {
        "score": worth.reward,
        "acc": worth.score,
        "pred": worth.extracted,
        "reward_valid": float(worth.is_scored),
    }
