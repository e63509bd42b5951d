"""A tiny model and a few sums, saved as any user's would be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of some thousand random weights."""
    # Not at the top: torch and transformers take seconds, and most tests need neither.
    import torch

    from trainer_client.demo.tiny_model import build_model, build_tokenizer, save

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny") / "model"
    tokenizer = build_tokenizer()
    save(build_model(tokenizer, hidden=32, layers=1), tokenizer, folder=folder)
    return folder


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    """Sums as JSONL: the prompt in `question`, and an object that differs from row to row."""
    path = tmp_path / "sums.jsonl"
    rows = [
        {"question": f"{n}+1=", "answer": str(n + 1), "about": {"odd": n} if n % 2 else {"even": n}}
        for n in range(24)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
