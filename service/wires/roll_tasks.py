"""What ROLL submits to its reward system, as an item with its graders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import JsonValue

from graders.contract import GraderCall
from service.wires.contract import NotForUs, Recipe
from service.wires.fields import number_at, object_of, unquoted
from service.wires.recipes import NoRecipe, Recipes
from service.wires.rows import fields_read, reference_in
from service.wires.texts import prefill_of, reference_of, text_at, without_end_tokens

__all__ = ["Task", "task_of"]

_TESTS: Final = "tests"
_CASES: Final = "reward_info.test_cases"
_CASES_EXPECTED: Final = "a list of cases, or JSON that says one, is expected"
_USUAL_S: Final = 300.0


class Task(NamedTuple):
    """A sample, how it is graded, and how long ROLL waits for it."""

    item: Mapping[str, JsonValue]
    graders: Sequence[GraderCall]
    timeout_s: float


# Any: the JSON of a request.
def task_of(body: Any, recipe: Recipe, recipes: Recipes) -> Task:
    """The task; raises NotForUs."""
    body = object_of(body, "prompt, response, reward_info and more")
    recipe = _named(body.get("reward_manager"), recipe, recipes)
    item: dict[str, JsonValue] = {
        "completion": without_end_tokens(text_at("response", body.get("response"))),
        "prefill": prefill_of(body.get("prompt"), recipe),
        "reference": _reference(body.get("reward_info"), recipe),
    }
    timeout_s = number_at(body, "timeout", usual=_USUAL_S, within=lambda given_s: given_s > 0)
    return Task(item, recipe.graders, timeout_s)


def _named(managers: JsonValue, recipe: Recipe, recipes: Recipes) -> Recipe:
    """The recipes that plugins are named like; the URL's where none is, or one is of its graders.

    Several are added up. What is no name of ours is a plugin of some other reward system.
    """
    names = [_plugin(one) for one in managers] if isinstance(managers, list) else []
    own = {call.name for call in recipe.graders}
    named = [] if own.intersection(names) else [_recipe(name, recipes) for name in names]
    found = [one for one in named if one is not None]
    if found:
        graders = [call for one in found for call in one.graders]
        label = next((one.label for one in found if one.label is not None), None)
        prefill = recipe.prefill or next((one.prefill for one in found if one.prefill), "")
        return recipe._replace(graders=graders, label=label, prefill=prefill)
    if not recipe.graders:
        raise NotForUs(
            "reward_manager: no plugin_name is a grader or preset of this service: name one, there"
            " or in the URL"
        )
    return recipe


def _plugin(manager: JsonValue) -> str:
    name = manager.get("plugin_name") if isinstance(manager, dict) else None
    return name if isinstance(name, str) else ""


def _recipe(name: str, recipes: Recipes) -> Recipe | None:
    try:
        return recipes.read(name, "", parameters=(), tries=1) if name else None
    except (NoRecipe, NotForUs):
        return None


def _reference(info: JsonValue, recipe: Recipe) -> dict[str, JsonValue]:
    if info is None:
        return {}
    if not isinstance(info, dict):
        raise NotForUs("reward_info: an object is expected, as {ground_truth} or {test_cases}")
    reference = reference_in(info, recipe.graders)
    if _TESTS in fields_read(recipe.graders) and info.get("test_cases"):
        return reference | {_TESTS: _tests(info.get("case_type"), info["test_cases"])}
    return reference | reference_of(info.get("ground_truth"), recipe)


def _tests(kind: JsonValue, cases: JsonValue) -> JsonValue:
    """The tests in words of ours; an object is passed on as it is."""
    cases = unquoted(_CASES, cases, _CASES_EXPECTED)
    if isinstance(cases, dict):
        return cases
    if not isinstance(cases, list):
        raise NotForUs(f"{_CASES}: {_CASES_EXPECTED}")
    if kind in {"assert", "pytest"}:
        return {"mode": "asserts", "hidden": [_source(case) for case in cases]}
    if kind == "check_based":
        return _checks(cases)
    if kind == "text":
        raise NotForUs(
            "reward_info.case_type: text has its tests run with the response in them; it is not"
            " offered, name a grader of texts in its place"
        )
    return {"mode": "stdio", "hidden": [_stdio(case) for case in cases]}


def _source(case: JsonValue) -> JsonValue:
    return case.get("assert_code") if isinstance(case, dict) else case


def _stdio(case: JsonValue) -> JsonValue:
    if not isinstance(case, dict):
        raise NotForUs(f"{_CASES}: objects of stdin and expected_stdout are expected")
    return {"stdin": case.get("stdin"), "stdout": case.get("expected_stdout")}


def _checks(cases: Sequence[JsonValue]) -> JsonValue:
    """ROLL runs the first of them alone; a second would count for nothing."""
    if len(cases) != 1 or not isinstance(case := cases[0], dict):
        raise NotForUs(f"{_CASES}: check_based has one case, an object")
    setup, source = case.get("import_prefix"), _source(case)
    entry = case.get("entry_point") or "candidate"
    return {"mode": "asserts", "setup": setup or "", "source": source, "entry": entry}
