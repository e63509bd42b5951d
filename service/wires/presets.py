"""Presets: recipes with a name, for URLs that would be too long or may hold no options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from graders.contract import Grade, GraderCalls
from service.field_errors import first_error
from service.plans import NO_REWARD, plan_of
from service.strict_json import BadJson, loads

__all__ = ["Preset", "Presets", "read_presets"]

_NESTING: Final = 32


class Preset(BaseModel):
    """How the samples of a URL that names it are graded."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    graders: GraderCalls
    label: str | None = Field(
        default=None, description="the field of the reference that a caller's label fills"
    )
    prefill: str = Field(default="", description="what the chat template has already written")
    fallback: float | None = Field(
        default=None, description="the number in place of none, at a caller's last try"
    )
    deadline_s: float | None = Field(
        default=None, gt=0, description="how long to try for a score; the wire's own time if none"
    )


Presets = Mapping[str, Preset]

_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_PRESETS: Final = TypeAdapter(dict[Annotated[str, StringConstraints(pattern=_NAME)], Preset])


def read_presets(file: Path) -> Presets:
    """The presets of a JSON file, by name; raises ValueError with the place and the remedy."""
    try:
        presets = _PRESETS.validate_python(loads(file.read_bytes(), nesting=_NESTING), strict=True)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
    except BadJson as error:
        raise ValueError(f"{error}: write an object of presets by name") from None
    except ValidationError as error:
        problem = first_error(error)
        raise ValueError(f"{problem['field'] or 'the file'}: {problem['message']}") from None
    for name, preset in presets.items():
        _check(name, preset)
    return presets


def _check(name: str, preset: Preset) -> None:
    plan = plan_of(preset.graders)
    if plan.refusal is not None:
        problem = NO_REWARD[plan.refusal]
        raise ValueError(f"{name}.{problem['field']}: {problem['message']}")
    for number, step in enumerate(plan.steps):
        if isinstance(step, Grade):
            detail = step.detail
            raise ValueError(f"{name}.graders[{number}].{detail['field']}: {detail['message']}")
