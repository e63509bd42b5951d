"""What a run is asked for: the models of the grader `run`."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    EncodedBytes,
    EncoderProtocol,
    Field,
    model_validator,
)

from graders.programs.limits import MIB
from graders.programs.tasks import LanguageName, TaskLimits

__all__ = ["MOST_COMPILE_S", "MOST_OUTPUT_BYTES", "RunOptions", "RunReference"]

MOST_COMPILE_S: Final = 30.0
MOST_OUTPUT_BYTES: Final = 4 * MIB
"""What is written is told, and travels with the verdict."""
_MOST_FILES: Final = 200
_MOST_NAME_BYTES: Final = 255
_NO_NAMES: Final = frozenset({"", ".", ".."})


class _Base64(EncoderProtocol):
    """Base64 without anything beside it."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            raise ValueError("not base64") from None

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return base64.b64encode(value)

    @classmethod
    def get_json_format(cls) -> Literal["base64"]:
        return "base64"


def _below_work(name: str) -> str:
    parts = name.split("/")
    if "\0" in name or not _NO_NAMES.isdisjoint(parts):
        raise ValueError("not a path below the folder that the program starts in")
    if max(len(part.encode("utf-8", "surrogatepass")) for part in parts) > _MOST_NAME_BYTES:
        raise ValueError(f"a part of the path is longer than {_MOST_NAME_BYTES} bytes")
    return name


_Path = Annotated[str, AfterValidator(_below_work)]
_Content = Annotated[bytes, EncodedBytes(encoder=_Base64)]


class RunOptions(BaseModel):
    """Options of the grader `run`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    extract: Literal["whole", "last_block"] = Field(
        default="whole",
        description="what the program is: the whole text as it is, or the last fenced block after"
        " the thinking",
    )


class RunReference(BaseModel):
    """The reference: what the program is given."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    language: LanguageName = "python"
    stdin: str = ""
    files: dict[_Path, _Content] = Field(
        default_factory=dict,
        max_length=_MOST_FILES,
        description="what lies beside the program, in base64 by path",
    )
    fetch_files: list[_Path] = Field(
        default_factory=list, max_length=_MOST_FILES, description="what is wanted afterwards"
    )
    limits: TaskLimits = Field(default_factory=TaskLimits)
    compile_s: float = Field(
        default=MOST_COMPILE_S, gt=0, le=MOST_COMPILE_S, description="CPU time of the compiler"
    )

    within_s: float | None = Field(
        default=None,
        gt=0,
        description="when an answer is of no use any more: what others may have slowed down is run"
        " again, alone, only if that can end before",
    )

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        if (self.limits.output_bytes or 0) > MOST_OUTPUT_BYTES:
            raise ValueError(f"limits.output_bytes: at most {MOST_OUTPUT_BYTES}")
        return self
