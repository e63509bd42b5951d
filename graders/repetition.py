"""The repetition grader: how much of a text says again what it has said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from graders.contract import Grade, Judges, Lane, NoReference, ScoreRange
from graders.extract import shortened
from graders.wording import Scope, Unit, load_scripts, part_of, units_in

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    _Hashes = numpy.typing.NDArray[numpy.uint64]

__all__ = ["RepetitionGrader", "RepetitionOptions", "RepetitionReason"]

RepetitionReason: TypeAlias = Literal["varied", "repetitive", "too_short", "penalised"]

_NAME: Final = "repetition"
_VERSION: Final = "1"
_PENALTY: Final = -1.0
_WINDOWS: Final = (256, 1_024)
_FACTOR: Final = 0x9E3779B97F4A7C15  # odd, and its bits look random: sums of products rarely meet


class RepetitionOptions(BaseModel):
    """Options of the repetition grader."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Unit = Field(
        default="auto",
        description="what an n-gram is made of: words parted by white space, characters, or words "
        "where a script puts spaces and characters where it does not",
    )
    ngram: int = Field(default=3, ge=1, le=32, description="how many units an n-gram has")
    max_ratio: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="score 1 where at most this share of the n-grams are repeats, in the whole "
        "text and in each stretch of 256 and of 1,024 units, and 0 else; fit for a gate",
    )
    penalty: float | None = Field(
        default=None,
        ge=-1.0,
        le=0.0,
        description="the score is this times the share of repeats; -1 where `max_ratio` is not "
        "given either",
    )
    scope: Scope = Field(
        default="all",
        description="what is looked at: all, the thinking (the whole text where none is marked), "
        "or what follows it",
    )
    fold_numbers: bool | None = Field(
        default=None,
        description="take each number for its difference to the one before, so that counting up is "
        "repetition and a table of results is not; by default with `max_ratio` and not with a "
        "penalty",
    )
    min_units: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="with `max_ratio`, texts of fewer units are not judged and earn 1",
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.max_ratio is not None and self.penalty is not None:
            raise ValueError(
                f"max_ratio {self.max_ratio} and penalty {self.penalty} exclude each other; "
                "give one of them"
            )
        return self

    @property
    def folds(self) -> bool:
        """Whether all numbers count as one."""
        return self.max_ratio is not None if self.fold_numbers is None else self.fold_numbers


class RepetitionGrader:
    """Holds repeated n-grams against a text: as a limit, or as a penalty as TRL and open-r1 do."""

    name: str = _NAME
    version: str = _VERSION
    lane: Lane = "light"
    judges: Judges = "form"
    score_range: ScoreRange = ScoreRange(-1.0, 1.0)
    reasons: tuple[str, ...] = get_args(RepetitionReason)
    Options = RepetitionOptions
    Reference = NoReference

    def grade(self, text: str, reference: NoReference, options: RepetitionOptions) -> Grade:
        """Count the n-grams that occur before; a text with no n-gram repeats nothing."""
        units = units_in(part_of(text, options.scope), options.unit, fold_numbers=options.folds)
        short = options.max_ratio is not None and len(units) < options.min_units
        if len(units) < options.ngram or short:
            return _graded("too_short", 0.0 if options.max_ratio is None else 1.0, {})
        hashes = _hashes(units, options.ngram)
        counted = _counted(hashes)
        detail = _detail(counted, units, hashes, options=options)
        ratio = 1 - counted.unique / counted.total
        if options.max_ratio is None:
            score = ratio * self.lowest(options) + 0.0  # no negative zero
            return _graded("penalised" if score else "varied", score, detail)
        worst = max(ratio, *(_worst(hashes, size) for size in _WINDOWS))
        detail["worst_ratio"] = round(worst, 4)
        varied = worst <= options.max_ratio
        return _graded("varied" if varied else "repetitive", float(varied), detail)

    def lowest(self, options: RepetitionOptions) -> float:
        """What a text earns that repeats nothing but one n-gram."""
        if options.max_ratio is not None:
            return 0.0
        return _PENALTY if options.penalty is None else options.penalty

    def essence(self, text: str, options: RepetitionOptions) -> str:
        """The part that is looked at."""
        return part_of(text, options.scope)

    def validate(self, reference: NoReference, options: RepetitionOptions) -> Grade:
        """There is no reference that could be wrong."""
        return _graded("varied", self.score_range.high, {})

    def warm_up(self) -> None:
        """Make the table of scripts."""
        load_scripts()


class _Counted(NamedTuple):
    """The n-grams of a text, and the one that occurs most."""

    total: int
    unique: int
    most: int
    first: int


def _hashes(units: Sequence[str], ngram: int) -> _Hashes:
    """A number for each n-gram, so that a million of them take little memory."""
    import numpy

    numbers = numpy.fromiter(map(hash, units), dtype=numpy.int64, count=len(units))
    ids = numbers.view(numpy.uint64)
    total = len(ids) - ngram + 1
    hashes = numpy.zeros(total, dtype=numpy.uint64)
    for offset in range(ngram):
        hashes *= numpy.uint64(_FACTOR)
        hashes += ids[offset : offset + total]
    return hashes


def _counted(hashes: _Hashes) -> _Counted:
    import numpy

    unique, counts = numpy.unique(hashes, return_counts=True)
    most = int(counts.max())
    # The first of those that occur most: the hashes of words differ from process to process.
    first = int(numpy.isin(hashes, unique[counts == most]).argmax()) if most > 1 else 0
    return _Counted(len(hashes), len(unique), most, first)


def _worst(hashes: _Hashes, size: int) -> float:
    """The largest share of repeats in a stretch of this size; stretches overlap by half."""
    import numpy

    if len(hashes) <= size:
        return 0.0
    starts = [*range(0, len(hashes) - size, size // 2), len(hashes) - size]
    stretches = numpy.sort(hashes[numpy.add.outer(starts, numpy.arange(size))], axis=1)
    repeats = (stretches[:, 1:] == stretches[:, :-1]).sum(axis=1)
    return float(repeats.max()) / size


def _detail(
    counted: _Counted, units: Sequence[str], hashes: _Hashes, *, options: RepetitionOptions
) -> dict[str, JsonValue]:
    between = "" if options.unit == "characters" else " "
    ngram = between.join(units[counted.first : counted.first + options.ngram])
    return {
        "ratio": round(1 - counted.unique / counted.total, 4),
        "total": counted.total,
        "unique": counted.unique,
        "most_repeated": shortened(ngram),
        "count": counted.most,
    }


def _graded(reason: RepetitionReason, score: float, detail: dict[str, JsonValue]) -> Grade:
    return Grade(
        grader=_NAME,
        version=_VERSION,
        score=score,
        outcome="graded",
        reason=reason,
        detail=detail,
    )
