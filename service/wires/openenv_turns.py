"""OpenEnv's episodes of several steps: a program, what it does in public, and another try."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from pydantic import BaseModel, JsonValue

from graders.contract import GraderCall
from graders.programs.tasks import CodeReference
from service.items import Answer
from service.wires.contract import NotForUs, Recipe
from service.wires.holding import Unusable
from service.wires.openenv_episodes import (
    CODE,
    GradeQuestion,
    OpenEnvTask,
    observed_of,
    question_of,
    reasons_of,
)
from service.wires.openenv_frames import Observed

__all__ = ["MOST_TRIES", "CodeTurns", "code_call"]

MOST_TRIES: Final = 16
_NOT_GRADABLE: Final = (
    "the reference cannot be graded with, public cases aside: look at it with POST /v1/validate"
)
_MOST_SHOWN: Final = 16
_MOST_CHARS: Final = 2_000
# What a public run shows beside its outcome; of a case it is what the task says anyway.
_RUN: Final = ("stdout", "stderr", "difference")
_HIDDEN: Final[Mapping[str, JsonValue]] = {"hidden": [], "source": ""}
_FULL: Final = 1.0
# Of one source of asserts there may be several tests, whose names follow.
_PUBLIC: Final = re.compile(r"public ([0-9]+)\b")


def code_call(recipe: Recipe) -> GraderCall:
    """The call whose tests are run between tries; raises NotForUs where there is none."""
    for call in recipe.graders:
        if call.name == CODE:
            return call
    raise NotForUs(f"turns are for programs: name the grader `{CODE}`, or a preset that has it")


class CodeTurns:
    """Steps up to a number: each shows the public cases, and the last one carries the reward.

    The last one is that whose program passes them all, or that with no try left.
    Of hidden cases nothing is run before, and of what they hold nothing is ever shown.
    """

    def __init__(self, task: OpenEnvTask, recipe: Recipe, *, tries: int) -> None:
        self._task = task
        self._recipe = recipe
        self._left = tries
        call = code_call(recipe)
        options = {**call.options, "run_all": True, "scoring": "all", "show_output": True}
        public_call = GraderCall(name=CODE, options=options)
        self._rehearsal = Recipe([public_call], recipe.label, recipe.prefill)
        tests = CodeReference.model_validate(task.reference).tests
        self._public = tests.public
        if not self._public:
            raise NotForUs(
                "reference.tests.public: there is no case to show between tries:"
                f" give some, or ask for episodes of one step at the address of `{CODE}`"
            )
        shown = tests.model_copy(update={k: v for k, v in _HIDDEN.items() if hasattr(tests, k)})
        reference = {"tests": shown.model_dump(mode="json", exclude_unset=True)}
        self._shown = OpenEnvTask(task.prompt, reference)

    def begun(self) -> Observed:
        """The prompt, and how many tries there are."""
        return Observed({"prompt": self._task.prompt, "tries_left": self._left})

    async def step(self, completion: str, grade: GradeQuestion) -> Observed:
        """What the program does in public, and the reward where that was the last try."""
        (public,) = await grade(question_of(self._shown, completion, self._rehearsal))
        passes = public.reward == _FULL
        observation = {"tries_left": self._left - 1, **_seen(public, self._public)}
        if self._left > 1 and not passes:
            self._left -= 1
            reasons = reasons_of(public)
            return Observed({"status": "try_again", "reasons": reasons, **observation})
        try:
            (answer,) = await grade(question_of(self._task, completion, self._recipe))
        except Unusable:
            # What is wrong with the tests may be told with what they hold.
            raise Unusable(_NOT_GRADABLE) from None
        self._left -= 1
        end = observed_of(answer)
        return end._replace(observation={**end.observation, **observation})


def _seen(public: Answer, cases: Sequence[BaseModel | str]) -> dict[str, JsonValue]:
    """What the public run shows: failures first, within bounds, all of it as it was run."""
    (grade,) = orjson.loads(public.verdict)["grades"]
    detail = grade["detail"]
    results = detail.get("results", [])
    told = [_result(one, cases) for one in results]
    told.sort(key=lambda one: one["outcome"] == "passed")
    seen: dict[str, JsonValue] = {
        "public_cases": len(cases),
        "public_passed": detail.get("passed", 0),
        "public": list(told[:_MOST_SHOWN]),
    }
    if "message" in detail:
        seen["message"] = detail["message"]
    return seen


def _result(
    result: Mapping[str, JsonValue], cases: Sequence[BaseModel | str]
) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {"case": result["case"], "outcome": result["outcome"]}
    public = _PUBLIC.match(str(result["case"]))
    if public is not None:
        told |= _asked(cases[int(public[1]) - 1])
    for field in _RUN:
        if result.get(field):
            told[field] = _bounded(result[field])
    return told


def _asked(case: BaseModel | str) -> dict[str, JsonValue]:
    """What a public case gives and expects."""
    if isinstance(case, str):
        return {"test": _bounded(case)}
    said = case.model_dump(mode="json", exclude_unset=True, exclude={"weight", "limits"})
    if "stdin" in said or "stdout" in said:
        said["expected"] = said.pop("stdout", None)
    return {name: _bounded(value) for name, value in said.items() if value is not None}


def _bounded(value: JsonValue) -> JsonValue:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    if len(text) <= _MOST_CHARS:
        return value
    return f"{text[:_MOST_CHARS]} ... ({len(text) - _MOST_CHARS} more characters)"
