"""The README says what is true: its commands are run and their output compared."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import LiveService
from trainer_client.demo.tiny_model import build_model, build_tokenizer, save

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
ADDRESS = "http://127.0.0.1:8000"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_curl_example_answers_what_the_readme_says(live: LiveService) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    (command,) = [block for block in _blocks("bash") if block.startswith("curl")]
    (said,) = [block for block in _blocks("json") if block.startswith('{"verdicts"')]
    live.await_ready()
    answer = subprocess.run(
        ["bash", "-c", command.replace(ADDRESS, live.url)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == said.strip()


ASKING = [block for block in _blocks("python") if "GRPOTrainer" not in block]


@pytest.mark.parametrize("example", ASKING, ids=["answers", "programs"])
def test_the_python_examples_give_what_they_say(example: str, live: LiveService) -> None:
    names: dict[str, object] = {}
    exec(example.replace(ADDRESS, live.url), names)  # noqa: S102 - our own README
    said = re.findall(r"^(rewards|flags) = .*# ([\[(].*?[\])])", example, re.MULTILINE)
    assert said
    for name, value in said:
        assert names[name] == ast.literal_eval(value)


def test_the_trl_example_trains(live: LiveService, tmp_path: Path) -> None:
    (example,) = [block for block in _blocks("python") if "GRPOTrainer" in block]
    assert len([line for line in example.splitlines() if line]) <= 13
    tokenizer = build_tokenizer()
    save(build_model(tokenizer), tokenizer, folder=tmp_path / "model")
    rows = [{"prompt": f"{n}+{n}=", "answer": str(2 * n)} for n in range(4)]
    (tmp_path / "train.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    program = _on_a_cpu(example, tmp_path).replace(ADDRESS, live.url)
    program += "\nimport json\nprint(json.dumps(trainer.state.log_history))\n"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    steps = [entry for entry in json.loads(done.stdout.splitlines()[-1]) if "loss" in entry]
    figures = [(step["touchstone/math"], step["touchstone/failed"]) for step in steps]
    assert figures == [(0.0, 0.0)] * 2


def _on_a_cpu(example: str, folder: Path) -> str:
    """The example with a model and settings that two steps on any machine need."""
    settings = (
        f'"{folder}/run", max_steps=2, max_completion_length=8, logging_steps=1, use_cpu=True,'
        ' bf16=False, gradient_checkpointing=False, report_to="none", disable_tqdm=True'
    )
    for said, here in (
        ('"Qwen/Qwen3-0.6B"', f'"{folder}/model"'),
        ('"train.jsonl"', f'"{folder}/train.jsonl"'),
        ('"run"', settings),
    ):
        assert said in example
        example = example.replace(said, here)
    return example
