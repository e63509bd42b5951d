"""OpenEnv's episodes of one step: a task, a completion, and what that is worth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import orjson
from pydantic import JsonValue, ValidationError

from graders.contract import GraderCall, Item
from graders.extract import code_blocks
from graders.registry import GRADERS
from service.field_errors import first_error
from service.items import Answer
from service.wires.contract import NotForUs, Question, Recipe
from service.wires.openenv_frames import CompletionAction, Observed, checked
from service.wires.rows import fields_read, reference_in
from service.wires.texts import prefill_of, reference_of

__all__ = [
    "CODE",
    "Episode",
    "GradeQuestion",
    "GradingEpisode",
    "OpenEnvTask",
    "completion_of",
    "observed_of",
    "question_of",
    "reasons_of",
    "task_of",
]

CODE: Final = "code"
_OF_OBJECTS: Final = frozenset({"json", "tool_call"})

GradeQuestion: TypeAlias = Callable[[Question], Awaitable[Sequence[Answer]]]
"""Asks for answers with rewards; raises NotScored or Unusable."""


class Episode(Protocol):
    """What happens between a reset and the step that ends it."""

    def begun(self) -> Observed:
        """What there is to see before the first step."""
        ...

    async def step(self, completion: str, grade: GradeQuestion) -> Observed:
        """What the completion leads to; a step whose grading raises has not been taken."""
        ...


class OpenEnvTask(NamedTuple):
    """What a reset brings; the policy sees the prompt, and nothing of the reference."""

    prompt: JsonValue
    reference: Mapping[str, JsonValue]


def task_of(row: Mapping[str, JsonValue], recipe: Recipe) -> OpenEnvTask:
    """The task of a reset: `prompt` and `reference`, or a row of a data set that has its fields.

    Raises NotForUs for what no completion could be graded by.
    """
    prompt, reference = row.get("prompt"), _reference(row, recipe)
    try:
        Item.model_validate({"completion": "", "prompt": prompt, "reference": reference})
    except ValidationError as error:
        raise _not_for_us(error) from None
    for call in recipe.graders:
        try:
            GRADERS[call.name].Reference.model_validate(reference)
        except ValidationError as error:
            raise _not_for_us(error, within="reference") from None
    return OpenEnvTask(prompt, reference)


def _reference(row: Mapping[str, JsonValue], recipe: Recipe) -> Mapping[str, JsonValue]:
    if "reference" not in row:
        return reference_in(row, recipe.graders)
    given = row["reference"]
    is_whole = isinstance(given, dict) and not fields_read(recipe.graders).keys().isdisjoint(given)
    return given if isinstance(given, dict) and is_whole else reference_of(given, recipe)


def _not_for_us(error: ValidationError, *, within: str = "") -> NotForUs:
    problem = first_error(error, within=within)
    return NotForUs(f"{problem['field']}: {problem['message']}")


def completion_of(action: Mapping[str, JsonValue], recipe: Recipe, *, within: str) -> str:
    """The text of an action; raises BadFrame.

    A client that reads its policy's answer as JSON has made an action of an object. Where that is
    what the recipe asks a policy for, it is the text.
    """
    if "completion" not in action and any(_reads_objects(call) for call in recipe.graders):
        return orjson.dumps(action).decode()
    return checked(CompletionAction, action, within=within).completion


def _reads_objects(call: GraderCall) -> bool:
    return call.name in _OF_OBJECTS or call.options.get("style") == "json_schema"


def question_of(
    task: OpenEnvTask, completion: str, recipe: Recipe, *, patience_s: float | None = None
) -> Question:
    """What the completion is worth by the recipe."""
    # Any: it is checked as an item is.
    item: dict[str, Any] = {
        "completion": completion,
        "prefill": prefill_of(task.prompt, recipe),
        "reference": task.reference,
    }
    if task.prompt is not None:
        item["prompt"] = task.prompt
    graders = [_reading(call, completion) for call in recipe.graders]
    return Question([item], _told, graders=graders, patience_s=patience_s)


def _reading(call: GraderCall, completion: str) -> GraderCall:
    """The call, which takes all of a text without a fence for the program.

    Clients take the fence off an answer that is nothing but one block.
    """
    if call.name != CODE or "extract" in call.options or code_blocks(completion):
        return call
    return call.model_copy(update={"options": {**call.options, "extract": "whole"}})


def _told(answers: Sequence[Answer]) -> bytes:
    return orjson.dumps(observed_of(answers[0]).content())


def observed_of(answer: Answer) -> Observed:
    """The end of an episode."""
    verdict = orjson.loads(answer.verdict)
    scores = _by_grader(verdict["grades"], "score")
    flags = sorted({flag for grade in verdict["grades"] for flag in grade["flags"]})
    observation = {"status": verdict["outcome"], "reasons": reasons_of(answer)}
    return Observed(observation, answer.reward, True, {"scores": scores, "flags": list(flags)})


def reasons_of(answer: Answer) -> dict[str, JsonValue]:
    """The reason of every grade, by its grader."""
    return _by_grader(orjson.loads(answer.verdict)["grades"], "reason")


def _by_grader(grades: Sequence[Mapping[str, JsonValue]], field: str) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {}
    for grade in grades:
        name = str(grade["grader"])
        number = sum(other.partition("_#")[0] == name for other in told) + 1
        told[name if number == 1 else f"{name}_#{number}"] = grade[field]
    return told


class GradingEpisode:
    """One step: the completion is graded, and that is all."""

    def __init__(self, task: OpenEnvTask, recipe: Recipe) -> None:
        self._task = task
        self._recipe = recipe

    def begun(self) -> Observed:
        """The prompt, if the task has one."""
        return Observed({"prompt": self._task.prompt})

    async def step(self, completion: str, grade: GradeQuestion) -> Observed:
        """The reward."""
        (answer,) = await grade(question_of(self._task, completion, self._recipe))
        return observed_of(answer)
