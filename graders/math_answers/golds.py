"""Reading a reference answer: once per distinct gold, not once per completion."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from graders.extract import extract
from graders.math_answers.arithmetic import TooBig
from graders.math_answers.judging import Gold, Kind
from graders.math_answers.notation import normal
from graders.math_answers.quantities import read_quantity
from graders.math_answers.shapes import Container, chain_of, container_of, expanded, interval_of
from graders.math_answers.words import choice_of, clock_of, reads_as_text

__all__ = ["read_gold"]

_MAX_CACHED: Final = 4_096
_READABLE: Final = re.compile(r"[0-9A-Za-z]|\\[a-zA-Z]|\\\{")
_RELATION: Final = re.compile(r"[=<>]|\\(?:leq|geq|ne|in|subset|equiv)(?![a-zA-Z])")


@lru_cache(maxsize=_MAX_CACHED)
def read_gold(text: str) -> Gold | None:
    """Read a gold's kind; None where there is nothing to compare an answer with."""
    if "\\boxed" in text or "\\fbox" in text:
        text = extract(text, ("boxed",)).text
    form = normal(text)
    if not _READABLE.search(form) and form not in ("\\{\\}",):
        return None
    if (clock := clock_of(form)) is not None:
        return Gold(text, clock, "clock")
    if _is_choice(form):
        return Gold(text, choice_of(form) or form, "choice")
    if reads_as_text(text, form):
        return Gold(text, form, "text")
    chain = chain_of(form)
    form = chain.parts[0] if chain.label and len(chain.parts) == 1 else form
    try:
        quantity = read_quantity(form)
    except TooBig:
        quantity = None
    if quantity is not None:
        return Gold(text, form, "number", quantity)
    form = interval_of(normal(text))
    container = container_of(form)
    if container is None and len(expanded(form)) > 1 and "=" not in form:
        container = Container("", "", (form,))
    return Gold(text, form, _shape(form, container), container=container)


def _is_choice(form: str) -> bool:
    return choice_of(form) is not None and (len(form) == 1 or form[:1] == "(" or form[1:2] in ".:)")


def _shape(form: str, container: Container | None) -> Kind:
    if container is not None:
        return "container"
    return "relation" if _RELATION.search(form) else "expression"
