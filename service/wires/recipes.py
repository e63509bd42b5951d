"""From a URL to a recipe: a grader with its options, or a preset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from pydantic import JsonValue

from graders.contract import Grade, GraderCall
from graders.registry import GRADERS
from service.desk import Desk
from service.plans import plan_of
from service.strict_json import BadJson, loads
from service.wires.contract import NotForUs, Recipe
from service.wires.presets import Preset, Presets

__all__ = ["NoRecipe", "Recipes"]

_PRESET: Final = "p/"
_FOR_GRADERS: Final = ("label", "prefill")
_DEADLINE: Final = "deadline_s"
_FALLBACK: Final = "fallback"
_NESTING: Final = 32
# A trainer has a few; whoever makes up more has them read anew.
_MOST_KEPT: Final = 256


class NoRecipe(Exception):
    """The URL names no grader and no preset: 404 with the message."""


class Recipes:
    """The recipes of URLs, each read once."""

    def __init__(self, presets: Presets, *, text_chars: int) -> None:
        self._presets = presets
        self._text_chars = text_chars
        self._kept: dict[tuple[str, str, tuple[str, ...]], Recipe] = {}

    @property
    def names(self) -> list[str]:
        """What URLs may name: every grader, and every preset behind `p/`."""
        return [*sorted(GRADERS), *(_PRESET + name for name in sorted(self._presets))]

    def read(self, name: str, query: str, *, parameters: Sequence[str], tries: int) -> Recipe:
        """The recipe under the name, with what the query says; raises NoRecipe or NotForUs."""
        allowed = (*parameters, _DEADLINE, *([_FALLBACK] if tries > 1 else []))
        key = (name, query, allowed)
        recipe = self._kept.get(key)
        if recipe is None:
            recipe = self._with_desk(self._read(name, _said(query), allowed))
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = recipe
        return recipe

    def _read(self, name: str, said: Mapping[str, str], allowed: Sequence[str]) -> Recipe:
        own = {key: value for key, value in said.items() if key in allowed}
        rest = {key: value for key, value in said.items() if key not in allowed}
        deadline_s, fallback = _seconds(own), _number(own, _FALLBACK)
        recipe = Recipe(fallback=fallback, deadline_s=deadline_s, said=own)
        if not name or name.startswith(_PRESET):
            if rest:
                raise _unknown(next(iter(rest)), allowed)
            return _of_preset(self._preset(name), recipe) if name else recipe
        if name not in GRADERS:
            raise NoRecipe(f"no grader is called {name[:64]!r}: there are {', '.join(self.names)}")
        label, prefill = (rest.pop(key, None) for key in _FOR_GRADERS)
        return recipe._replace(
            graders=[_call(name, rest, allowed)],
            label=label or _needed_field(name),
            prefill=prefill or "",
        )

    def _with_desk(self, recipe: Recipe) -> Recipe:
        # For programs it would keep every reference that it has seen.
        if not recipe.graders or any(GRADERS[c.name].lane == "code" for c in recipe.graders):
            return recipe
        desk = Desk(recipe.graders, {}, "grade", spans={}, text_chars=self._text_chars)
        return recipe._replace(desk=desk)

    def _preset(self, name: str) -> Preset:
        preset = self._presets.get(name.removeprefix(_PRESET))
        if preset is None:
            known = ", ".join(sorted(self._presets)) or "none: set TOUCHSTONE_PRESETS_FILE"
            raise NoRecipe(f"no preset is called {name[2:66]!r}: there are {known}")
        return preset


def _said(query: str) -> Mapping[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    said = dict(pairs)
    if len(said) < len(pairs):
        raise NotForUs("the query names a parameter twice: name each once")
    return said


def _unknown(name: str, known: Sequence[str]) -> NotForUs:
    return NotForUs(f"unknown parameter {name[:64]!r}: the query may say {', '.join(known)} here")


def _seconds(said: dict[str, str]) -> float | None:
    seconds = _number(said, _DEADLINE)
    if seconds is not None and seconds <= 0:
        raise NotForUs(f"{_DEADLINE}={seconds:g}: a number of seconds over 0 is expected")
    return seconds


def _number(said: dict[str, str], name: str) -> float | None:
    """The number under the name, which is taken out."""
    if name not in said:
        return None
    text = said.pop(name)
    number = _value(text)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise NotForUs(f"{name}={text[:64]!r} is no number: write one, as in {name}=5")
    return float(number)


def _of_preset(preset: Preset, recipe: Recipe) -> Recipe:
    """The preset, and what the query says of it."""
    needed = (_needed_field(call.name) for call in preset.graders)
    label = preset.label or next(filter(None, needed), None)
    return recipe._replace(
        graders=preset.graders,
        label=label,
        prefill=preset.prefill,
        fallback=preset.fallback if recipe.fallback is None else recipe.fallback,
        deadline_s=recipe.deadline_s or preset.deadline_s,
    )


def _needed_field(grader: str) -> str | None:
    """The field that the grader's reference must have; what may be left out no label fills."""
    fields = GRADERS[grader].Reference.model_fields
    return next((name for name, field in fields.items() if field.is_required()), None)


def _call(name: str, said: Mapping[str, str], known: Sequence[str]) -> GraderCall:
    """The call with these options: each as JSON where it reads so, or else as text."""
    read = GraderCall(name=name, options={key: _value(text) for key, text in said.items()})
    problem = _problem(read)
    if problem is None:
        return read
    as_text = GraderCall(name=name, options=dict(said))
    if _problem(as_text) is None:
        return as_text
    more = ", ".join((*_FOR_GRADERS, *known))
    raise NotForUs(f"{problem.detail['field']}: {problem.detail['message']} (the query: {more})")


def _value(text: str) -> JsonValue:
    try:
        return loads(text.encode(), nesting=_NESTING)
    except BadJson:
        return text


def _problem(call: GraderCall) -> Grade | None:
    step = plan_of([call]).steps[0]
    return step if isinstance(step, Grade) else None
