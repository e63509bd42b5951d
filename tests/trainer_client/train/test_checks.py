"""What is refused before a model is loaded: datasets, services, folders."""

from __future__ import annotations

import asyncio
import io
import json
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveService
from trainer_client import RemoteReward
from trainer_client.train.checkpoints import newest_checkpoint
from trainer_client.train.config import RunConfig
from trainer_client.train.console import Console
from trainer_client.train.errors import (
    BadConfig,
    BadDataset,
    NothingToResume,
    NotReady,
    OutputInUse,
    Stopped,
    TrainError,
)
from trainer_client.train.journal import Journal, forget_after
from trainer_client.train.preflight import check_tasks, make_reward
from trainer_client.train.prompts import columns_of, read_tasks
from trainer_client.train.run import train
from trainer_client.train.stopping import Stopping

MATH = ({"name": "math"},)
ROW = {"prompt": "1+1=", "answer": "2"}


def _config(tmp_path: Path, rows: Sequence[object] = (ROW,), **changes: Any) -> RunConfig:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings: dict[str, Any] = {"graders": MATH, "dataset": str(path), **changes}  # Any: each type
    return RunConfig(model="m", output=tmp_path / "out", **settings)


def test_nested_columns_come_just_as_they_were_written(tmp_path: Path) -> None:
    rows = [
        {"q": "a", "tests": {"stdin": "1"}, "answer": 4, "prompt": "another"},
        {"q": "b", "tests": {"args": [1, "x", None]}, "answer": "4"},
    ]
    tasks = read_tasks(_config(tmp_path, rows, columns={"prompt": "q"}))
    assert [task.prompt for task in tasks] == ["a", "b"]
    assert columns_of(tasks) == {
        "tests": [{"stdin": "1"}, {"args": [1, "x", None]}],
        "answer": [4, "4"],
        "dataset.prompt": ["another", None],
    }


# Any: TRL passes what a reward takes by itself, and the columns.
async def _rewards(reward: RemoteReward, answer: str, columns: Mapping[str, Any]) -> list[Any]:
    rewards = await reward(["1+1="], [answer], **{**columns, "trainer_state": None})
    await reward.aclose()
    return rewards


def test_a_reference_may_have_a_name_that_trl_takes_for_itself(
    tmp_path: Path, live: LiveService
) -> None:
    live.await_ready()
    rows = [{"prompt": "1+1=", "completion": "2", "completions": "3", "trainer_state": "4"}]
    for column in ("completion", "completions", "trainer_state"):
        config = _config(tmp_path, rows, url=live.url, columns={"answer": column})
        reward, tasks = make_reward(config), read_tasks(config)
        assert "can be graded" in check_tasks(config, tasks, layout=reward.layout)[1]
        answer = f"\\boxed{{{rows[0][column]}}}"
        assert asyncio.run(_rewards(reward, answer, columns_of(tasks))) == [1.0]


def test_parquet_rows_are_rows(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([ROW] * 5), path)
    tasks = read_tasks(_config(tmp_path, dataset=str(path), limit=3))
    assert [tuple(task) for task in tasks] == [("1+1=", {"answer": "2"})] * 3
    path.write_text("no table")
    with pytest.raises(BadDataset, match="no Parquet file"):
        read_tasks(_config(tmp_path, dataset=str(path)))


def test_a_system_prompt_makes_messages_of_all(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "old"}, {"role": "user", "content": "b"}]
    rows = [{"prompt": "a"}, {"prompt": turns}]
    tasks = read_tasks(_config(tmp_path, rows, system_prompt="new"))
    system = {"role": "system", "content": "new"}
    assert [task.prompt for task in tasks] == [
        [system, {"role": "user", "content": "a"}],
        [system, {"role": "user", "content": "b"}],
    ]
    with pytest.raises(BadDataset, match="some prompts are texts and some lists of messages"):
        read_tasks(_config(tmp_path, rows))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "holds no rows"),
        ([{"question": "a", "answer": "2"}], "give --columns prompt=<column>; it has question"),
        ([{"prompt": ""}], "row 1, column 'prompt' is neither a text nor a list of messages"),
        ([{"prompt": [{"role": "user"}]}], "holds a message without a text"),
        ([3], ":1 is no JSON object"),
    ],
)
def test_a_dataset_that_cannot_be_read_is_told(
    tmp_path: Path, rows: list[object], said: str
) -> None:
    with pytest.raises(BadDataset) as refused:
        read_tasks(_config(tmp_path, rows))
    assert said in str(refused.value)


def test_a_dataset_that_is_no_file_is_told(tmp_path: Path) -> None:
    text = tmp_path / "rows.txt"
    text.write_text("a")
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"prompt": "a"}\n\n{"prom')
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes('{"prompt": "a"}\n{"prompt": "é"}\n'.encode("latin-1"))
    for name, said in (
        (str(latin), f"{latin}:2 is not UTF-8"),
        ("x" * 300 + ".jsonl", "File name too long"),
        (str(tmp_path / "no.jsonl"), "is no file"),
        (str(text), "neither .jsonl nor .parquet"),
        (str(broken), f"{broken}:3 is not JSON"),
    ):
        with pytest.raises(BadDataset) as refused:
            read_tasks(_config(tmp_path, dataset=name))
        assert said in str(refused.value)


# Any: settings of every type, in this and the next test.
def _told(tmp_path: Path, live: LiveService, rows: Sequence[object], **changes: Any) -> list[str]:
    live.await_ready()
    config = _config(tmp_path, rows, url=live.url, **changes)
    return check_tasks(config, read_tasks(config), layout=make_reward(config).layout)


def test_the_service_is_asked_what_it_can_grade(tmp_path: Path, live: LiveService) -> None:
    assert "all of 2 probed rows can be graded" in _told(tmp_path, live, [ROW, ROW])[1]
    told = _told(tmp_path, live, [*[ROW] * 3, {"prompt": "2+2="}])[1]
    assert told.startswith("warning: 1 of 4 probed rows")
    assert "answer" in told
    mixed = [{**ROW, "g": [{"name": "math"}]}, {"prompt": "x", "g": [{"name": "format"}]}]
    told = _told(tmp_path, live, mixed, graders=(), reward={"graders_column": "g"})[1]
    assert "can be graded" in told


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"graders": ({"name": "maths"},)}, BadConfig, "did you mean 'math'?"),
        ({"rows": [{"prompt": "a", "solution": "2"}]}, BadDataset, "it has solution"),
        ({"columns": {"answer": "gold"}}, BadDataset, "the dataset has no such column"),
        ({"rows": [{"prompt": "a", "answer": []}]}, BadDataset, "1 of 1 probed rows"),
        ({"rows": [*[ROW] * 40, *[{"prompt": "a"}] * 40]}, BadDataset, "max_failure_rate=0.25"),
        (
            {"rows": [ROW, {"prompt": "a"}, ROW], "reward": {"max_failure_rate": 0.3}},
            BadDataset,
            "more than max_failure_rate=0.3 get no reward",
        ),
        ({"graders": ({"name": "math", "options": {"x": 1}},)}, TrainError, "x"),
    ],
)
def test_what_the_service_cannot_grade_is_told_before_the_run(
    tmp_path: Path, live: LiveService, changes: dict[str, Any], error: type[TrainError], said: str
) -> None:
    with pytest.raises(error) as refused:
        _told(tmp_path, live, changes.pop("rows", [ROW]), **changes)
    assert said in str(refused.value)


def test_no_service_is_told_with_the_way_to_start_one(tmp_path: Path) -> None:
    config = _config(tmp_path, url="http://127.0.0.1:9")
    with pytest.raises(NotReady, match=r"no service answers at .*make serve.*--url"):
        check_tasks(config, read_tasks(config), layout=make_reward(config).layout)


@pytest.mark.parametrize(
    ("reward", "said"),
    [
        ({"timeouts": 3}, "reward argument 'timeouts' is unknown: did you mean 'timeout_s'?"),
        ({"url": "http://x"}, "reward.url: give url as a setting of the run"),
        ({"timeout_s": -1}, "timeout_s=-1"),
        ({"timeout_s": "soon"}, "reward.timeout_s is 'soon': give float"),
        ({"on_failure": "zero"}, "on_failure='zero'"),
    ],
)
def test_a_wrong_reward_argument_is_told(tmp_path: Path, reward: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        make_reward(_config(tmp_path, reward=reward))
    assert said in str(refused.value)


@pytest.mark.filterwarnings("ignore::FutureWarning:transformers")  # of transformers to TRL
@pytest.mark.parametrize(
    ("grpo", "said"),
    [
        ({"learning_rat": 1}, "GRPO setting 'learning_rat' is unknown: did you mean"),
        ({"max_steps": "ten"}, "grpo.max_steps is 'ten': give int"),
        ({"bf16": 3}, "grpo.bf16 is 3: give bool"),
        ({"output_dir": "x"}, "give output as a setting of the run"),
        ({"seed": 5}, "grpo.seed: give seed as a setting of the run"),
        ({"hub_token": "hf_x"}, "grpo.hub_token would be kept in config.yaml"),
        ({"model_init_kwargs": {"token": "hf_x"}}, "grpo.model_init_kwargs.token would be kept"),
        ({"num_generations": 3}, "TRL does not take these GRPO settings"),
        ({"scale_rewards": "batch"}, "grpo.scale_rewards is 'batch': give 'group' or 'none'"),
    ],
)
def test_a_wrong_grpo_setting_is_told(tmp_path: Path, grpo: dict[str, Any], said: str) -> None:
    from trainer_client.train.arguments import grpo_config

    with pytest.raises(BadConfig) as refused:
        grpo_config(_config(tmp_path, grpo=grpo, resample_rounds=1))
    assert said in str(refused.value)


def test_a_folder_is_for_one_run_and_a_broken_checkpoint_is_none(tmp_path: Path) -> None:
    output = tmp_path / "out"
    console = Console(io.StringIO())
    with pytest.raises(NothingToResume, match="no complete checkpoint"):
        train(_config(tmp_path, resume=True), console=console)
    for step in (5, 50, 100):
        (output / f"checkpoint-{step}").mkdir(parents=True)
    for step, state in ((5, "{}"), (50, "{}"), (100, '{"global_st')):
        (output / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    newest = newest_checkpoint(output)
    assert newest is not None
    assert newest.step == 50
    with pytest.raises(OutputInUse, match="--resume, or give another --output"):
        train(_config(tmp_path), console=console)


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    config = _config(tmp_path)
    for model, said in ((str(tmp_path), "no config.json"), ("./no/model", "is no folder")):
        broken = RunConfig(
            model=model, dataset=config.dataset, output=config.output, graders=config.graders
        )
        with pytest.raises(BadConfig, match=said):
            train(broken, console=Console(io.StringIO()))


def test_the_journal_forgets_steps_that_are_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    journal = Journal(path, up_to_step=0)
    for step in (1, 2, 3):
        journal.add(step, {"reward": float("nan") if step == 2 else 0.5})
    with path.open("a") as file:
        file.write('{"step": 4, "rew')
    assert [entry["step"] for entry in forget_after(path, 2)] == [1, 2]
    assert json.loads(path.read_text().splitlines()[1]) == {"step": 2, "reward": None}


def test_a_signal_waits_while_weights_change_and_comes_once() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stopping() as stopping:
        stopping.hold()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped) as stopped:
            stopping.release()
        assert stopped.value.status == 143
        signal.raise_signal(signal.SIGINT)  # while the checkpoint is written
    assert signal.getsignal(signal.SIGTERM) is before
    with Stopping(), pytest.raises(Stopped, match="stopped by SIGINT"):
        signal.raise_signal(signal.SIGINT)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_living_line_on_a_terminal() -> None:
    terminal, file = _Terminal(), io.StringIO()
    for stream in (terminal, file):
        console = Console(stream)
        console.progress("step 1")
        console.progress("step 2 " + "x" * 500)
        console.line("done")
        console.mute()
        console.line("never")
    assert file.getvalue() == "step 1\nstep 2 " + "x" * 500 + "\ndone\n"
    shown = terminal.getvalue()
    assert shown.count("\n") == 1
    assert shown.endswith("\r\x1b[2Kdone\n")
    assert "x" * 500 not in shown
