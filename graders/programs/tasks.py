"""What the tests of a task are: the models of `reference.tests`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
    model_validator,
)

from graders.programs.inputs_outputs import has_inputs_and_outputs, tests_of

__all__ = [
    "AssertTests",
    "Checker",
    "CodeReference",
    "Compare",
    "FunctionCase",
    "FunctionTests",
    "LanguageName",
    "Scoring",
    "StdioCase",
    "StdioTests",
    "TaskLimits",
    "Tests",
    "Tolerance",
]

LanguageName: TypeAlias = Literal[
    "python", "c", "cpp", "javascript", "typescript", "java", "go", "rust", "bash"
]
Scoring: TypeAlias = Literal["all", "fraction", "weighted"]

_SHAPE: Final = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_MOST_CASES: Final = 10_000
_Weight = Annotated[float, Field(gt=0, le=1e6)]
_FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}$")]


class TaskLimits(BaseModel):
    """What a program may use in one case; what is not given has the default of the service."""

    model_config = _SHAPE

    cpu_s: float | None = Field(default=None, gt=0, le=300)
    wall_s: float | None = Field(
        default=None,
        gt=0,
        le=900,
        description="by default four times the CPU time, and two seconds at least",
    )
    memory_mb: int | None = Field(default=None, ge=1, le=65_536)
    pids: int | None = Field(default=None, ge=1, le=1_024)
    disk_mb: int | None = Field(default=None, ge=1, le=4_096)
    inodes: int | None = Field(default=None, ge=1, le=1_000_000)
    output_bytes: int | None = Field(
        default=None,
        ge=1,
        le=2**26,
        description="by default one MiB and twice the expected output",
    )
    calibrated_for: LanguageName | None = Field(
        default=None,
        description="the language that cpu_s was chosen for, where it is not the program's",
    )


class Tolerance(BaseModel):
    """Numbers this close count as equal; everything else is compared exactly."""

    model_config = _SHAPE

    abs_tol: float = Field(default=0.0, ge=0)
    rel_tol: float = Field(default=0.0, ge=0, lt=1)


Compare: TypeAlias = Literal["tokens", "exact", "lines"] | Tolerance


class Checker(BaseModel):
    """A program that says whether an output is right, where many are."""

    model_config = _SHAPE

    language: Literal["python", "c", "cpp"] = "python"
    source: str = Field(
        min_length=1,
        description="python: defines check(stdin, stdout, expected) -> bool or a score in [0, 1];"
        " c, cpp: as testlib's, with the arguments input, output, answer",
    )
    files: dict[_FileName, str] = Field(
        default_factory=dict, max_length=32, description="what lies beside it, such as testlib.h"
    )
    limits: TaskLimits | None = None


class StdioCase(BaseModel):
    """One input and the output it asks for."""

    model_config = _SHAPE

    stdin: str = ""
    stdout: str | None = Field(default=None, description="may be left out where a checker decides")
    weight: _Weight = 1.0
    limits: TaskLimits | None = None


class FunctionCase(BaseModel):
    """One call and the value, or the exception, it asks for."""

    # Written out: mypy's plugin has to see that nothing but the fields is taken.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    args: list[JsonValue] = Field(default_factory=list)
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    expected: JsonValue = None
    raises: str | None = Field(default=None, min_length=1, description="name of an exception")
    weight: _Weight = 1.0
    limits: TaskLimits | None = None

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> Self:
        if (self.raises is None) == ("expected" not in self.model_fields_set):
            raise ValueError("a case has either expected or raises")
        return self


class _Tests(BaseModel):
    model_config = _SHAPE

    language: LanguageName = "python"
    limits: TaskLimits = Field(default_factory=TaskLimits)
    scoring: Scoring | None = None


class StdioTests(_Tests):
    """A program that reads stdin and writes stdout."""

    mode: Literal["stdio"] = "stdio"
    public: list[StdioCase] = Field(default_factory=list, max_length=_MOST_CASES)
    hidden: list[StdioCase] = Field(default_factory=list, max_length=_MOST_CASES)
    compare: Compare = "tokens"
    checker: Checker | None = None

    @model_validator(mode="after")
    def _can_be_run(self) -> Self:
        cases = [*self.public, *self.hidden]
        if not cases:
            raise ValueError("neither public nor hidden holds a case")
        if self.checker is None and any(case.stdout is None for case in cases):
            raise ValueError("a case without stdout needs a checker")
        return self


class FunctionTests(_Tests):
    """A function that is called with plain data and returns plain data."""

    mode: Literal["function"]
    language: Literal["python"] = "python"
    entry: str = Field(
        min_length=1, description="name of a function, of a method of class Solution, or A.b"
    )
    public: list[FunctionCase] = Field(default_factory=list, max_length=_MOST_CASES)
    hidden: list[FunctionCase] = Field(default_factory=list, max_length=_MOST_CASES)
    compare: Literal["exact"] | Tolerance = "exact"
    types: Literal["exact", "loose"] = Field(
        default="exact",
        description="loose: a tuple does for a list, and a float for an int of its value",
    )
    setup: str = Field(default="", description="run before the program, which finds its names")
    unwrap: bool = Field(
        default=False, description="where a list of one thing is expected, that thing does, too"
    )

    @model_validator(mode="after")
    def _can_be_run(self) -> Self:
        if not self.public and not self.hidden:
            raise ValueError("neither public nor hidden holds a case")
        return self


class AssertTests(_Tests):
    """Python tests that call the program: asserts, check(candidate), unittest or pytest style."""

    mode: Literal["asserts"]
    language: Literal["python"] = "python"
    entry: str | None = Field(
        default=None, min_length=1, description="what check(candidate) is given"
    )
    setup: str = Field(default="", description="run before the tests, beside them")
    source: str = Field(default="", description="a hidden test source; hidden may hold more")
    public: list[str] = Field(default_factory=list, max_length=_MOST_CASES)
    hidden: list[str] = Field(default_factory=list, max_length=_MOST_CASES)

    @model_validator(mode="after")
    def _can_be_run(self) -> Self:
        if not any(text.strip() for text in (self.source, *self.public, *self.hidden)):
            raise ValueError("source, public and hidden hold no test")
        return self


# Any: what a client sent, looked at before it has a type.
def _mode(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("mode", "stdio"))
    return str(getattr(value, "mode", ""))


def _read(value: Any) -> Any:
    """Columns of Parquet files hold nested data as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("a text that is not JSON") from None
    return tests_of(value) if has_inputs_and_outputs(value) else value


Tests: TypeAlias = Annotated[
    Annotated[StdioTests, Tag("stdio")]
    | Annotated[FunctionTests, Tag("function")]
    | Annotated[AssertTests, Tag("asserts")],
    Discriminator(_mode),
]


class CodeReference(BaseModel):
    """The reference: the tests, as an object or as its JSON text, and maybe a solution.

    `{"inputs", "outputs", "fn_name"}` are read, too.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    tests: Annotated[Tests, BeforeValidator(_read)]
    solution: str | None = Field(
        default=None, description="a program that passes; `validate` runs it"
    )
