"""Flags and files into a run's settings, and what is said of those that are wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.live import ROOT
from trainer_client.train import cli
from trainer_client.train.config import read_run_config
from trainer_client.train.config_file import keep_config, read_file
from trainer_client.train.errors import BadConfig

NEEDED: Mapping[str, object] = {
    "model": "m",
    "dataset": "d.jsonl",
    "output": "o",
    "graders": "math",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"modle": "m"}, "setting 'modle' is unknown: did you mean 'model'?"),
        ({"model": None}, "model is not given: give --model"),
        ({"dataset": 3}, "dataset is 3: give a text"),
        ({"graders": []}, "graders is not given: give --graders math"),
        ({"graders": [{"weight": 2}]}, "graders[0] is {'weight': 2}: give a grader's name"),
        ({"columns": ["answer"]}, "columns is ['answer']: give names with values"),
        ({"columns": {"answer": 3}}, "columns.answer is 3: give a text"),
        ({"limit": 0}, "limit is 0: give a whole number from 1 up"),
        ({"resample_rounds": True}, "resample_rounds is True: give a whole number from 0 up"),
        ({"resume": "yes"}, "resume is 'yes': give true or false"),
        ({"api_key_file": "/no/such/file"}, "api_key_file /no/such/file cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        read_run_config({**NEEDED, **changes})
    assert said in str(refused.value)


def test_names_become_graders_and_yaml_1_1_its_numbers() -> None:
    config = read_run_config(
        {
            **NEEDED,
            "graders": ["math", {"name": "format", "weight": 0.2}],
            "grpo": {"learning_rate": "1e-5", "report_to": "wandb"},
        }
    )
    assert config.graders == ({"name": "math"}, {"name": "format", "weight": 0.2})
    assert config.grpo == {"learning_rate": 1e-5, "report_to": "wandb"}


def test_the_kept_configuration_reads_back_and_holds_no_secret(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sesame\n")
    given = {
        **NEEDED,
        "output": str(tmp_path),
        "api_key_file": str(key),
        "url": "http://me:sesame@host:8000/x",
        "columns": {"prompt": "question"},
        "grpo": {"max_steps": 3},
        "resume": True,
    }
    config = read_run_config(given)
    assert config.api_key == "sesame"
    assert "sesame" not in repr(config).replace(config.url, "")
    keep_config(config, tmp_path)
    text = (tmp_path / "config.yaml").read_text()
    assert "sesame" not in text
    kept = read_file(tmp_path / "config.yaml")
    assert isinstance(kept, dict)
    again = read_run_config({**kept, "url": config.url, "resume": True})
    assert again == config


# Any: what the flags come to is of every type.
def _settings(*flags: str) -> dict[str, Any]:
    return cli._settings(cli._parser().parse_args(flags))


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        "model: a\ndataset: d.jsonl\nseed: 1\ngraders: [math]\n"
        "grpo: {max_steps: 5, beta: 0.1}\ncolumns: {prompt: q, answer: a}\n"
    )
    found = _settings(
        *("--config", str(file), "--model", "b", "--graders", "math, format"),
        *("--grpo", "max_steps=7", "--grpo", "learning_rate=1e-4", "--grpo", "bf16=false"),
        *("--columns", "answer=solution,language=tongue", "--resample", "2"),
        *("--reward", "prefill=<think>"),
    )
    assert found["model"] == "b"
    assert found["seed"] == 1
    assert found["graders"] == ["math", "format"]
    assert found["columns"] == {"prompt": "q", "answer": "solution", "language": "tongue"}
    config = read_run_config({**found, "output": "o"})
    assert config.grpo == {"max_steps": 7, "beta": 0.1, "learning_rate": 1e-4, "bf16": False}
    assert config.reward == {"prefill": "<think>"}
    assert config.resample_rounds == 2


def test_graders_come_as_json_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "graders.yaml"
    file.write_text("- name: math\n  weight: 2.0\n")
    expected = [{"name": "math", "weight": 2.0}]
    assert _settings("--graders", str(file))["graders"] == expected
    assert _settings("--graders", json.dumps(expected))["graders"] == expected


def test_a_run_is_gone_on_with_by_its_folder_alone(tmp_path: Path) -> None:
    config = read_run_config({**NEEDED, "output": str(tmp_path)})
    keep_config(config, tmp_path)
    found = _settings("--resume", "--output", str(tmp_path), "--grpo", "max_steps=9")
    again = read_run_config(found)
    assert (again.model, again.graders, again.resume) == ("m", ({"name": "math"},), True)
    assert again.grpo == {"max_steps": 9}


def test_the_kept_configuration_holds_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d.jsonl").touch()
    keep_config(read_run_config({**NEEDED, "api_key_file": None}), tmp_path)
    kept = read_file(tmp_path / "config.yaml")
    assert isinstance(kept, dict)
    paths = (kept["model"], kept["dataset"], kept["output"])
    assert paths == ("m", str(tmp_path / "d.jsonl"), str(tmp_path / "o"))  # m is a hub's


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--grpo", "max_steps"], "write KEY=VALUE"),
        (["--columns", "answer"], "write KEY=VALUE"),
        (["--grpos", "a=1"], "unrecognized arguments: --grpos"),
    ],
)
def test_a_wrong_flag_is_told(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(flags)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_wrong_file_is_told_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, listed = tmp_path / "broken.yaml", tmp_path / "listed.yaml"
    broken.write_text("model: [")
    listed.write_text("- model")
    for file, said in (
        (tmp_path / "none.yaml", "cannot be read"),
        (broken, "is not YAML"),
        (listed, "holds no settings"),
    ):
        assert cli.main(["--config", str(file)]) == 2
        told = capsys.readouterr().err
        assert str(file) in told
        assert said in told
    assert cli.main(["--model", "m", "--graders", "[{"]) == 2
    assert "graders is not JSON" in capsys.readouterr().err


def test_help_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys\n"
        "heavy = ('torch', 'trl', 'transformers', 'datasets', 'matplotlib', 'pyarrow', 'yaml')\n"
        "sys.modules.update(dict.fromkeys(heavy))\n"  # importing one of them now fails
        "from trainer_client.train.cli import main\n"
        "import trainer_client.train.run\n"
        "main(['--help'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--resume" in done.stdout
