"""What of a prompt and a response is graded, and what a label means."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize

from pydantic import JsonValue

from service.strict_json import BadJson, loads
from service.wires.contract import NotForUs, Recipe

__all__ = ["prefill_of", "reference_of", "response_of", "text_at", "without_end_tokens"]

_LONGEST_TOKEN: Final = 64
_END_TOKEN: Final = re.compile(
    r"<\|[\w.-]{1,48}\|>|<\uff5c[\w\u2581.-]{1,48}\uff5c>|</s>|<(eos|pad|eot|end_of_turn)>"
)
_BEGINNING: Final = re.compile(r"(?:\s|<[^<>\s]{1,64}>|\[[A-Z]{1,8}\])*+")
_WORD: Final = re.compile(r"\S+")
_NESTING: Final = 32
_THINK: Final = "<think>"


def response_of(query: str, prompt: str) -> str:
    """What follows the prompt, which tokens of the template may precede; raises NotForUs.

    White space and the form of Unicode may differ: a tokenizer does not always give back what it
    was given. What a response says of the prompt again is its own.
    """
    found = query.find(prompt)
    if found >= 0 and _BEGINNING.fullmatch(query, 0, found):
        return query[found + len(prompt) :]
    for form in (prompt, normalize("NFC", prompt), normalize("NFKC", prompt)):
        end = _end_of(query, "".join(form.split()))
        if end is not None:
            return query[end:]
    raise NotForUs("the query does not hold its prompt: send the text that was generated from")


def _end_of(query: str, prompt: str) -> int | None:
    """Where in the query the prompt, without white space, ends first."""
    start = "".join(query.split()).find(prompt)
    if start < 0:
        return None
    left = start + len(prompt)
    for word in _WORD.finditer(query):
        length = word.end() - word.start()
        if left <= length:
            return word.start() + left
        left -= length
    return len(query)


def without_end_tokens(text: str) -> str:
    """The text without the special tokens that end it, such as `<|im_end|>`."""
    # By places: of thousands of tokens each would be a copy of all before it.
    cut, end = len(text), _stripped(text, len(text))
    while text.endswith(">", 0, end):
        start = text.rfind("<", max(0, end - _LONGEST_TOKEN), end)
        if start < 0 or _END_TOKEN.fullmatch(text, start, end) is None:
            break
        cut, end = start, _stripped(text, start)
    return text[:cut]


def _stripped(text: str, end: int) -> int:
    """Where the text before the place ends, but for white space."""
    while end and text[end - 1].isspace():
        end -= 1
    return end


def prefill_of(prompt: JsonValue, recipe: Recipe) -> str:
    """What the template has written of the response: as the recipe says, or a think tag's opening.

    A prompt of messages does not show it.
    """
    if recipe.prefill or not isinstance(prompt, str):
        return recipe.prefill
    start = prompt.rfind(_THINK, max(0, len(prompt) - _LONGEST_TOKEN))
    is_last = start >= 0 and not prompt[start + len(_THINK) :].strip()
    return prompt[start:] if is_last else ""


def reference_of(label: JsonValue, recipe: Recipe) -> dict[str, JsonValue]:
    """The reference: the label in its field, or a label that is a whole reference itself."""
    if label is None:
        return {}
    whole = _object(label)
    if whole is not None and (recipe.label is None or recipe.label in whole):
        return whole
    return {} if recipe.label is None else {recipe.label: label}


def _object(label: JsonValue) -> dict[str, JsonValue] | None:
    if isinstance(label, str) and label.lstrip().startswith("{"):
        try:
            label = loads(label.encode(), nesting=_NESTING)
        except (BadJson, UnicodeEncodeError):
            return None
    return label if isinstance(label, dict) else None


def text_at(field: str, value: object) -> str:
    """The value, which must be a text; raises NotForUs."""
    if not isinstance(value, str):
        raise NotForUs(f"{field}: a string is expected")
    return value
