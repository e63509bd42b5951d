"""How the containers of one backend are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DockerOptions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerOptions:
    """What the operator chooses; every time is finite."""

    image: str = "touchstone-sandbox"
    runtime: str | None = None
    """None is the daemon's default."""
    policy: Literal["fresh", "pooled"] = "fresh"
    """A container for each run, or one that serves another run once it is proven clean."""
    url: str | None = None
    """Of the daemon; None is its socket on this host."""
    answer_s: int = 30
    """The daemon's time for one answer."""
    pull_s: float = 600.0
    most_runs: int = 100
    """Of one pooled container."""
