"""GRPO with TRL and a Touchstone service: `python -m trainer_client.train`."""
