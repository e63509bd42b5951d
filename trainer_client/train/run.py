"""One run: all that can be checked first, then the training itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainer_client.train.checkpoints import check_writable, claim_output
from trainer_client.train.config import RunConfig
from trainer_client.train.console import Console
from trainer_client.train.errors import BadConfig, MissingExtra
from trainer_client.train.preflight import check_tasks, make_reward
from trainer_client.train.prompts import read_tasks
from trainer_client.train.resumption import told_of_resumption

if TYPE_CHECKING:
    from trainer_client.train.report import RunReport

__all__ = ["train"]


def train(config: RunConfig, *, console: Console) -> RunReport:
    """Train the model by GRPO and give the report of the run.

    Settings, service and dataset are checked before any model is loaded (TrainError).
    A run that ends early (TooManyFailures, Stopped, any other error) keeps a checkpoint of its
    last complete step, its report and its plot, and raises what ended it.
    """
    checkpoint = claim_output(config)
    _check_model(config.model)
    reward = make_reward(config)
    tasks = read_tasks(config)
    told = check_tasks(config, tasks, layout=reward.layout)
    told += told_of_resumption(config, checkpoint)
    check_writable(config.output)
    try:
        from trainer_client.train.session import Plan, run_session
    except ImportError as error:
        package = (error.name or "more").partition(".")[0]
        raise MissingExtra(
            f"training needs {package}: pip install 'touchstone-rewards[trl]'"
        ) from error
    plan = Plan(config, tasks, reward, checkpoint)
    return run_session(plan, told, console=console)


def _check_model(model: str) -> None:
    """Refuse a folder that holds no model, before a hub is asked for one of that name."""
    folder = Path(model).expanduser()
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise BadConfig(f"model {model} holds no model: it has no config.json")
    if not folder.exists() and (model.startswith((".", "/", "~")) or model.count("/") > 1):
        raise BadConfig(f"model {model} is no folder: give a folder with a model, or a hub id")
