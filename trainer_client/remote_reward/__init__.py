"""TRL's reward function that asks a Touchstone service."""

from __future__ import annotations

from trainer_client.remote_reward.reward import RemoteReward

__all__ = ["RemoteReward"]
