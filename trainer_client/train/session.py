"""The training itself, from a checked plan to the report; needs torch, TRL and matplotlib."""

from __future__ import annotations

import asyncio
import logging
import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from datasets import Dataset
from safetensors import SafetensorError
from transformers import PrinterCallback
from transformers.utils.logging import disable_progress_bar
from trl.trainer.grpo_config import GRPOConfig

from trainer_client import RemoteReward
from trainer_client.errors import TouchstoneError
from trainer_client.train.arguments import grpo_config
from trainer_client.train.checkpoints import Checkpoint, has_model_of, newest_checkpoint
from trainer_client.train.config import RunConfig
from trainer_client.train.config_file import keep_config, without_secret
from trainer_client.train.console import Console
from trainer_client.train.errors import (
    BadConfig,
    BadDataset,
    MissingExtra,
    NothingToResume,
    TrainError,
)
from trainer_client.train.journal import JOURNAL, Journal, append, forget_after
from trainer_client.train.last_step import LastStep
from trainer_client.train.measures import Measures
from trainer_client.train.plot import PLOT, draw
from trainer_client.train.prompts import Task
from trainer_client.train.report import REPORT, RunReport, Session, report_of
from trainer_client.train.sampling import ROW, ResamplingTrainer, check_trl
from trainer_client.train.stopping import Stopping
from trainer_client.train.watch import Watch

__all__ = ["Plan", "run_session"]

MODEL: Final = "model"
COMPLETIONS: Final = "completions.jsonl"
_SAMPLES: Final = 4
_CLOSING_S: Final = 10.0


class Plan(NamedTuple):
    """A run that was checked and can begin."""

    config: RunConfig
    tasks: Sequence[Task]
    reward: RemoteReward
    checkpoint: Checkpoint | None


class _Run(NamedTuple):
    """A plan under way: where it is told and logged; `journal` is None but in the main process."""

    plan: Plan
    arguments: GRPOConfig
    console: Console
    stopping: Stopping
    measures: Measures
    journal: Journal | None
    last_step: LastStep


def run_session(plan: Plan, told: Sequence[str], *, console: Console) -> RunReport:
    """Train until the last step, or until something ends it, which is raised."""
    check_trl()
    if not console.is_live:
        # A file of bars tells nothing.
        disable_progress_bar()  # type: ignore[no-untyped-call]  # has no types
    arguments = grpo_config(plan.config)
    if arguments.process_index:
        console.mute()
    for line in told:
        console.line(line)
    _check_rows(plan, arguments)
    trainer = _trainer(plan, arguments)
    measures = Measures(plan.reward.__name__, plan.reward.components)
    with Stopping() as stopping, _prompts_kept_out_of_warnings():
        journal = None if arguments.process_index else _opened(plan)
        run = _Run(plan, arguments, console, stopping, measures, journal, LastStep(trainer))
        trainer.add_callback(_watch(run, trainer))
        trainer.add_callback(run.last_step)
        try:
            return _trained(run, trainer)
        finally:
            # On the loop that has opened its connections.
            ending = asyncio.run_coroutine_threadsafe(_end(plan.reward), trainer.async_loop)
            ending.result(_CLOSING_S)


async def _end(reward: RemoteReward) -> None:
    """Give up a call that a signal has left behind, and close the connections."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await reward.aclose()


def _trained(run: _Run, trainer: ResamplingTrainer) -> RunReport:
    began_s = time.monotonic()
    checkpoint = run.plan.checkpoint
    model = run.plan.config.output / MODEL
    lacks_model = checkpoint is not None and not has_model_of(checkpoint, model)
    try:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint.folder))
        _check_complete(run, trainer)
    except NothingToResume:
        if not lacks_model:
            raise
        # It was stopped while it wrote the model, whose weights the checkpoint has just given.
    except TrainError:
        raise  # there was nothing to train
    except BaseException as error:
        if not run.stopping.weights_change:
            _keep_last_step(run, trainer)
        why = str(error) or type(error).__name__
        _reported(run, trainer, wall_s=time.monotonic() - began_s, stopped=why)
        raise
    run.stopping.hold()  # what is left is to write the model, which a signal must not cut short
    _save_model(run, trainer, model)
    return _reported(run, trainer, wall_s=time.monotonic() - began_s, stopped=None)


def _check_complete(run: _Run, trainer: ResamplingTrainer) -> None:
    state = trainer.state
    if state.global_step < state.max_steps:
        run.stopping.release()  # the last step is whole
        raise TouchstoneError(
            f"the training ended after step {state.global_step} of {state.max_steps}: "
            "its data gave no further batch"
        )


def _save_model(run: _Run, trainer: ResamplingTrainer, place: Path) -> None:
    """Write the model beside its place and then there: what is found there is whole."""
    beside = place.with_suffix(".partial")
    trainer.save_model(str(beside))
    if run.journal is not None:
        shutil.rmtree(place, ignore_errors=True)
        beside.replace(place)


def _check_rows(plan: Plan, arguments: GRPOConfig) -> None:
    """Refuse a dataset smaller than one generation: TRL would end at once, without a word."""
    completions, group = arguments.generation_batch_size or 1, arguments.num_generations or 1
    if len(plan.tasks) < completions // group:
        raise BadDataset(
            f"{plan.config.dataset} gives {len(plan.tasks)} rows, and one generation takes "
            f"{completions // group} ({completions} completions, grpo.num_generations={group}): "
            "give more rows, or a lower grpo.per_device_train_batch_size "
            f"({arguments.per_device_train_batch_size}) or grpo.steps_per_generation "
            f"({arguments.steps_per_generation})"
        )


def _trainer(plan: Plan, arguments: GRPOConfig) -> ResamplingTrainer:
    rows = [{"prompt": task.prompt, ROW: place} for place, task in enumerate(plan.tasks)]
    try:
        trainer = ResamplingTrainer(
            tasks=plan.tasks,
            resample_rounds=plan.config.resample_rounds,
            model=str(Path(plan.config.model).expanduser()),
            reward_funcs=plan.reward,
            args=arguments,
            train_dataset=Dataset.from_list(rows),
        )
    except (OSError, SafetensorError) as error:
        raise BadConfig(f"model {plan.config.model} cannot be loaded: {error}") from error
    except ImportError as error:
        raise MissingExtra(f"TRL does not set up this run: {error}") from error
    except (ValueError, RuntimeError) as error:
        raise BadConfig(f"TRL does not set up this run: {error}") from error
    if not isinstance(plan.tasks[0].prompt, str) and not _has_chat_template(trainer):
        raise BadConfig(
            f"model {plan.config.model} has no chat template, and the prompts are messages: "
            "leave out system_prompt, or give prompts that are texts"
        )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _has_chat_template(trainer: ResamplingTrainer) -> bool:
    return bool(getattr(trainer.processing_class, "chat_template", None) or trainer.chat_template)


def _opened(plan: Plan) -> Journal:
    """The run's folder with its configuration and the logs up to the step it begins at."""
    output = plan.config.output
    output.mkdir(parents=True, exist_ok=True)
    keep_config(plan.config, output)
    step = 0 if plan.checkpoint is None else plan.checkpoint.step
    forget_after(output / COMPLETIONS, step)
    return Journal(output / JOURNAL, up_to_step=step)


def _watch(run: _Run, trainer: ResamplingTrainer) -> Watch:
    completions = run.plan.config.output / COMPLETIONS

    def keep_samples(step: int) -> None:
        append(completions, [{"step": step, **one} for one in trainer.samples(_SAMPLES)])

    return Watch(
        run.console,
        stopping=run.stopping,
        measures=run.measures,
        journal=run.journal,
        on_logged=keep_samples,
        on_saved=lambda: _draw(run),
    )


def _draw(run: _Run) -> None:
    if run.journal is not None and run.journal.entries:
        draw(run.journal.entries, run.measures, path=run.plan.config.output / PLOT)


def _keep_last_step(run: _Run, trainer: ResamplingTrainer) -> None:
    """Write a checkpoint of the last complete step, unless there is none, or one has it."""
    newest = newest_checkpoint(run.plan.config.output)
    step = trainer.state.global_step
    # Several processes do not stop at one place, and each must take part in writing.
    if run.arguments.world_size == 1 and step > (0 if newest is None else newest.step):
        run.last_step.save()


def _reported(
    run: _Run, trainer: ResamplingTrainer, *, wall_s: float, stopped: str | None
) -> RunReport:
    output = run.plan.config.output
    newest = newest_checkpoint(output)
    session = Session(
        output=output,
        step=trainer.state.global_step,
        wall_s=wall_s,
        waited_s=trainer.waited_s,
        resumed_from=None if run.plan.checkpoint is None else run.plan.checkpoint.step,
        checkpoint=None if newest is None else newest.folder,
        model=None if stopped else output / MODEL,
        stopped=stopped,
        resume_command=None
        if newest is None
        else _resume_command(run, longer=None if stopped else 2 * trainer.state.global_step),
    )
    entries = [] if run.journal is None else run.journal.entries
    report = report_of(entries, run.measures, session=session)
    if run.journal is not None:
        _draw(run)
        lines = list(report.lines())
        (output / REPORT).write_text("\n".join(lines) + "\n", encoding="utf-8")
        run.console.line()
        for line in lines:
            if line != stopped:  # which is raised, and told by whoever catches it
                run.console.line(line)
    return report


def _resume_command(run: _Run, *, longer: int | None) -> str:
    config = run.plan.config
    launcher = "python" if run.arguments.world_size == 1 else "accelerate launch"
    output = shlex.quote(str(config.output))
    command = f"{launcher} -m trainer_client.train --resume --output {output}"
    if longer is not None:
        command += f" --grpo max_steps={longer}"
    if without_secret(config.url) != config.url:
        command += " --url <the address with its key>"
    if config.api_key is not None and config.api_key_file is None:
        command += " --api-key-file <a file with the key>"
    return command


@contextmanager
def _prompts_kept_out_of_warnings() -> Iterator[None]:
    """Drop TRL's warning of a completion without a reward: it quotes row, prompt and completion.

    The progress line and the log say how many there are, and the client why.
    """

    def is_other(record: logging.LogRecord) -> bool:
        return "All reward functions returned None" not in str(record.msg)

    log = logging.getLogger("trl.trainer.grpo_trainer")
    log.addFilter(is_other)
    try:
        yield
    finally:
        log.removeFilter(is_other)
