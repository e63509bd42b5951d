"""What a scalar answer may not be: a list, a relation, work left undone, a hidden second answer."""

from __future__ import annotations

import re
from typing import Final

from graders.math_answers.judging import Gold, MathReason, is_one_value
from graders.math_answers.shapes import is_bare_list, is_bracketed

__all__ = ["refusal"]

_SUSPECT: Final = re.compile(
    r"(?P<several>\\(?:pm|mp)(?![a-zA-Z])|(?<![a-zA-Z\\])(?:or|either|maybe|and/or)(?![a-zA-Z]))"
    r"|(?P<undone>\\(?:sum|i{1,3}nt|oint|lim|prod|gcd|lcm|max|min|sup|det|bmod|pmod|mod|bigcup"
    r"|bigcap|operatorname|partial)(?![a-zA-Z])|\\frac\{d\}\{d"
    r"|(?<![a-zA-Z\\])(?:gcd|lcm|lim|sum|prod|mod)(?![a-zA-Z]))"
    r"|(?P<wrapped>\\(?:overline|underline|bar|not|cancel|widehat"
    r"|hat|tilde|boxed|phantom)(?![a-zA-Z]))"
    r"|(?P<relation>[<>]|\\(?:ne|leq|geq|in|notin|ni|subset|subseteq|equiv|sim|approx|to|mid"
    r"|rightarrow|Rightarrow|implies|iff|propto)(?![a-zA-Z]))"
    r"|(?P<apart>[0-9] [0-9.])"
    r"|(?P<hidden>\x03)"
)
_BUILDER: Final = re.compile(r"\\\{[^{}]{0,200}?(?::|\||\\mid|\\vert)")


def refusal(gold: Gold, form: str) -> MathReason | None:
    """Why an answer that is no plain number cannot state the gold; None where it may."""
    for suspect in _SUSPECT.finditer(form):
        kind, mark = suspect.lastgroup, suspect[0]
        if mark in gold.normal or (kind == "apart" and _SUSPECT.search(gold.normal)):
            continue
        if kind == "hidden":
            return "unparsed_answer"
        if kind in ("several", "relation") and not is_one_value(gold):
            continue
        return "several_answers" if kind == "several" else "different"
    if _BUILDER.search(form) and not _BUILDER.search(gold.normal):
        return "different"
    if not is_one_value(gold):
        return None
    if is_bracketed(form):
        return "different"
    return "several_answers" if is_bare_list(form) else None
