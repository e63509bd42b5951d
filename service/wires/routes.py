"""Every address of every wire where a sample is posted."""

from __future__ import annotations

from typing import Final

from service.wires import (
    eval_protocol,
    nemo_gym,
    open_instruct,
    openenv,
    openrlhf,
    sandbox_fusion,
    slime,
)

__all__ = ["ROUTES"]

ROUTES: Final = (
    *eval_protocol.ROUTES,
    *nemo_gym.ROUTES,
    *open_instruct.ROUTES,
    *openenv.ROUTES,
    *openrlhf.ROUTES,
    *sandbox_fusion.ROUTES,
    *slime.ROUTES,
)
