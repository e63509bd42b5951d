"""Rows of one generated batch put in the place of another's, with paddings made to agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["KNOWN_PARTS", "replace_rows"]

# Prompts are padded on the left, so that completions begin at one place.
_LEFT: Final = frozenset({"prompt_ids", "prompt_mask"})
_IDS: Final = frozenset({"prompt_ids", "completion_ids"})
_ON_THE_RIGHT: Final = frozenset(
    {
        "completion_ids",
        "completion_mask",
        "importance_sampling_ratio",
        "old_per_token_logps",
        "ref_per_token_logps",
        "sampling_per_token_logps",
    }
)
KNOWN_PARTS: Final = _LEFT | _ON_THE_RIGHT | {"advantages"}
"""The parts of TRL's batches that have one row a completion and are understood here."""


def replace_rows(
    batch: Mapping[str, Tensor],
    fresh: Mapping[str, Tensor],
    *,
    rows: Mapping[int, int],
    pad_id: int,
) -> dict[str, Tensor]:
    """The batch with each row named in `rows` taken from that row of the fresh one."""
    places = torch.tensor(list(rows))
    sources = torch.tensor(list(rows.values()))
    merged = {}
    for name, part in batch.items():
        fill = pad_id if name in _IDS else 0
        ours, theirs = _as_wide([part, fresh[name]], fill=fill, left=name in _LEFT)
        merged[name] = ours.clone()
        merged[name][places.to(ours.device)] = theirs[sources.to(ours.device)]
    return merged


def _as_wide(parts: Sequence[Tensor], *, fill: int, left: bool) -> list[Tensor]:
    if parts[0].dim() == 1:
        return list(parts)
    width = max(part.size(1) for part in parts)
    missing = [width - part.size(1) for part in parts]
    return [
        pad(part, (short, 0) if left else (0, short), value=fill)
        for part, short in zip(parts, missing, strict=True)
    ]
