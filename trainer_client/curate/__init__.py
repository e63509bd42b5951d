"""Datasets out of completions: kept if right, rated by difficulty, best of N, without doubles.

    python -m trainer_client.curate filter samples.jsonl -o right.jsonl

JSONL comes in and goes out line by line; the verdicts come from a Touchstone service.
The decisions are functions, too: `keep_right`, `pass_at_k` and `majority` take no file.
"""

from __future__ import annotations

from trainer_client.curate.estimates import Vote, majority, pass_at_k
from trainer_client.curate.filtering import Kept, keep_right

__all__ = ["Kept", "Vote", "keep_right", "majority", "pass_at_k"]
