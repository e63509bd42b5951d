"""Tier 3: Math-Verify in a killable child, for the little that is still unsure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from graders.math_answers import symbolic
from graders.math_answers.guard import is_too_complex
from graders.math_answers.judging import DIFFERENT, EQUAL, Gold, Judgement
from graders.math_answers.notation import compact, normal
from graders.math_answers.options import MathOptions
from sandbox import CallCrashed, CallLimits, CallOutOfMemory, CallTimedOut, call, warm_calls

__all__ = ["SymbolicTier", "UnreadableGold"]

_PRELOAD: Final = ("graders.math_answers.symbolic:warm_up",)
_LIMITS: Final = CallLimits(cpu_s=0.3, memory_bytes=256 * 1024 * 1024)
"""Half a second is what an answer may cost; reading its gold comes on top, once."""
_MAX_CACHED: Final = 4_096
_NAMES: Final = re.compile(
    r"(?<![a-zA-Z\\])(pi|theta|alpha|beta|lambda|sqrt|sin|cos|tan|ln|log|exp|infinity|inf|oo)"
    r"(?![a-zA-Z])"
)
_TIMED_OUT: Final = Judgement("different", "timeout")
_TOO_COMPLEX: Final = Judgement("different", "too_complex")
_UNPARSED: Final = Judgement("different", "unparsed_answer")


class UnreadableGold(ValueError):
    """The task's fault: the gold cannot be read, or not within the limits."""


class SymbolicTier:
    """Asks a child that may be killed; always sure, strictly."""

    name = "symbolic"

    def judge(self, gold: Gold, answer: str, options: MathOptions) -> Judgement:
        """Compare; raise UnreadableGold for a gold that cannot be read at all."""
        if not is_readable(gold):
            if gold.tree is None:
                raise UnreadableGold
            return _UNPARSED
        form = normal(answer)
        if is_too_complex(form):
            return _TOO_COMPLEX
        try:
            ruling = call(
                symbolic.compare,
                as_latex(gold.normal),
                as_latex(form),
                limits=_LIMITS,
                preload=_PRELOAD,
            )
        except CallTimedOut:
            return _TIMED_OUT
        except (CallCrashed, CallOutOfMemory):
            return _TOO_COMPLEX
        if ruling == "unparsed_answer":
            return _UNPARSED
        return EQUAL if ruling == "equal" else DIFFERENT


def is_readable(gold: Gold) -> bool:
    """Whether a child reads the gold; asked once per distinct gold."""
    return _is_readable(gold.normal)


def warm_up() -> None:
    """Start a child that has everything loaded."""
    warm_calls(_PRELOAD)


@lru_cache(maxsize=_MAX_CACHED)
def _is_readable(form: str) -> bool:
    try:
        text = as_latex(form)
        return call(symbolic.is_readable, text, limits=_LIMITS, preload=_PRELOAD) is True
    except (CallTimedOut, CallCrashed, CallOutOfMemory):
        return False


def as_latex(form: str) -> str:
    """A normal form as LaTeX that the reader takes without guessing."""
    text = compact(form).replace("%", "\\%").replace("$", "").replace("**", "^").replace(";", ",")
    text = text.replace(" degrees", "").replace("*", "\\cdot ")
    text = re.sub(r"\^(-?[0-9]{2,})", r"^{\1}", text)
    return _NAMES.sub(_command, _called(text, "exp", "e^"))


def _called(text: str, name: str, replacement: str) -> str:
    """Rewrite `exp(x)` as `e^{x}` and `sqrt(x)` as a root."""
    pattern = rf"(?<![a-zA-Z\\]){name}\(([^()]*)\)"
    text = re.sub(pattern, lambda match: f"{replacement}{{{match[1]}}}", text)
    return text if name == "sqrt" else _called(text, "sqrt", "\\sqrt")


def _command(match: re.Match[str]) -> str:
    name = match[1]
    return "\\infty " if name in ("infinity", "inf", "oo") else f"\\{name} "
