"""How much work the demo is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """Problems, optimizer steps of each stage, and samples of a problem in the last one."""

    trained: int = 512
    held_out: int = 256
    traces_steps: int = 300
    reward_steps: int = 250
    samples_each: int = 4
    distil_steps: int = 500
