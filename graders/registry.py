"""Every grader by name: one line each."""

from __future__ import annotations

from typing import Final

from graders.arithmetic_steps import ArithmeticStepsGrader
from graders.choice import ChoiceGrader
from graders.constraints import ConstraintsGrader
from graders.contract import Grader
from graders.controls import ConstantGrader, RandomGrader
from graders.exact import ExactGrader
from graders.format_styles import FormatGrader
from graders.json_answers import JsonGrader
from graders.language import LanguageGrader
from graders.length import LengthGrader
from graders.length_only import LengthOnlyGrader
from graders.matching import RegexGrader
from graders.math_answers import MathGrader
from graders.programs import CodeGrader, RunGrader
from graders.repetition import RepetitionGrader
from graders.token_f1 import TokenF1Grader
from graders.tool_calls import ToolCallGrader

__all__ = ["GRADERS"]

GRADERS: Final[dict[str, Grader]] = {
    "arithmetic_steps": ArithmeticStepsGrader(),
    "choice": ChoiceGrader(),
    "code": CodeGrader(),
    "constant": ConstantGrader(),
    "constraints": ConstraintsGrader(),
    "exact": ExactGrader(),
    "format": FormatGrader(),
    "json": JsonGrader(),
    "language": LanguageGrader(),
    "length": LengthGrader(),
    "length_only": LengthOnlyGrader(),
    "math": MathGrader(),
    "random": RandomGrader(),
    "regex": RegexGrader(),
    "repetition": RepetitionGrader(),
    "run": RunGrader(),
    "token_f1": TokenF1Grader(),
    "tool_call": ToolCallGrader(),
}
