r"""One normal form for the many ways of writing the same answer.

Digits that stand apart are never joined: `4 2` stays two numbers; only proper groups of three
(`1\,234\,567`, `1{,}234`) become one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from graders.math_answers.layout import FONTS, in_lines, is_laid_out, without_layout
from graders.math_answers.unicode_signs import in_ascii_signs

__all__ = ["compact", "normal"]

_MAX_CACHED: Final = 4_096
_PLAIN: Final = re.compile(r"[-]?[0-9]+|[A-Za-z]+")
_ROOT_OF: Final = re.compile(
    r"\\sqrt(\[[34]\])?\s?(?:([0-9]+(?:\.[0-9]+)?|[A-Za-z])(?![0-9{])|\(([^()]*)\))"
)
_DOUBLED: Final = re.compile(r"\\\\(?=[A-Za-z,;:!{}%$ ])")
_GROUPED: Final = re.compile(
    r"(?<![0-9.,])[0-9]{1,3}(?:(?:\{,\}|,\s?\\!\s?|\\,|\\!)[0-9]{3})+(?![0-9])"
)
_COMMAND: Final = re.compile(r"\\(?:[a-zA-Z]+\*?|.)", re.DOTALL)
_WRAPPER: Final = re.compile(rf"\\(?:{FONTS})\*?\s?\{{([^{{}}]*)\}}")
_UNIT_NAMES: Final = {"m": "meters", "g": "grams", "s": "seconds", "h": "hours", "L": "liters"}
_COMMANDS: Final = {
    "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\cfrac": "\\frac", "\\dbinom": "\\binom",
    "\\tbinom": "\\binom", "\\nicefrac": "\\frac", "\\sfrac": "\\frac", "\\Bbb": "\\mathbb",
    "\\imath": "i ", "\\jmath": "j ", "\\le": "\\leq", "\\leqslant": "\\leq", "\\ge": "\\geq",
    "\\geqslant": "\\geq", "\\neq": "\\ne", "\\lt": "<", "\\gt": ">", "\\ast": "*",
    "\\times": "\\cdot",
    "\\div": "/", "\\degree": "^{\\circ}", "\\lbrace": "\\{", "\\rbrace": "\\}", "\\lbrack": "[",
    "\\rbrack": "]", "\\varnothing": "\\emptyset", "\\land": "and", "\\lor": "or", "\\vee": "or",
    "\\R": "\\mathbb{R}", "\\Z": "\\mathbb{Z}", "\\N": "\\mathbb{N}",
    "\\Q": "\\mathbb{Q}", "\\C": "\\mathbb{C}",
    "\\$": "\x01", "\\%": "\x02", "\\&": "&", "\\#": "#", "\\_": "_", "\\-": "", "\\/": "",
}  # fmt: skip
_DROPPED: Final = frozenset((
    "\\(", "\\)", "\\Big", "\\Bigg", "\\Bigl", "\\Bigr", "\\Huge", "\\LARGE", "\\Large", "\\[",
    "\\]", "\\bf", "\\bfseries", "\\big", "\\bigg", "\\biggl", "\\biggr", "\\bigl", "\\bigr",
    "\\boldmath", "\\displaystyle", "\\footnotesize", "\\huge", "\\it", "\\itshape", "\\large",
    "\\left", "\\limits", "\\mathstrut", "\\middle", "\\nolimits", "\\nonumber", "\\normalsize",
    "\\notag", "\\right", "\\rm", "\\rmfamily", "\\scriptscriptstyle", "\\scriptsize",
    "\\scriptstyle", "\\sf", "\\small", "\\strut", "\\textstyle", "\\tiny", "\\tt",
))  # fmt: skip
_SPACES: Final = frozenset((
    "\\\n", "\\ ", "\\!", "\\,", "\\:", "\\;", "\\>", "\\enspace", "\\hfill", "\\medspace",
    "\\qquad", "\\quad", "\\space", "\\thinspace",
))  # fmt: skip
_FRAC_SHORT: Final = re.compile(
    r"\\frac\s?(?:([0-9a-zA-Z]|\\pi)|\{([^{}]*)\})\s?(?:([0-9a-zA-Z]|\\pi)|(\{))"
)
_CIRC: Final = re.compile(r"\s?\^\s?(?:\\circ(?![a-zA-Z])|\{\s?\\circ\s?\})")
# Lines of a formula without an environment: an equation or a number follows the mark.
_LINE_MARK: Final = re.compile(
    r"[,;]?\s?\\\\(?=\s?(?:[A-Za-z](?:_(?:[0-9a-z]|\{[0-9a-z]{1,3}\}))?\s?&?=|-?[0-9]))"
)
_DOTTED: Final = re.compile(
    r"\\dot\s?(?:\{[0-9]\}|[0-9])(?:[0-9]|\\dot\s?(?:\{[0-9]\}|[0-9]))*\\dot\s?(?:\{[0-9]\}|[0-9])"
)
_TEN_TIMES: Final = re.compile(r"(?<=[0-9]) ?[xX] ?(?=10\^)")
_ORDINAL: Final = re.compile(r"(?<=[0-9])\^\{(st|nd|rd|th)\}")
# The letter that counts the solutions, and what it stands for.
_DOMAIN: Final = re.compile(
    r"(?:,? ?\(|,? ?(?:where|for|with) (?:(?:all|any|some|every) )?|,)([A-Za-z])"
    r"(?:\\in ?(?:\\mathbb)? ?\{?([ZN])\}?(\^\{?[+*]\}?)?| (?:is )?(?:an |any )?integer)\)?$"
    r"|,? ?\(?(?:where|for) (?:(?:all|any|some|every) )?integers? ([A-Za-z])\)?$"
)
_BUILDER: Final = re.compile(
    r"\{([A-Za-z](?:\\in ?(?:\\mathbb)? ?\{?[ZNQR]\}?)?(?:\||\\mid|:).*[<>=].*"
    r"|[A-Za-z](?:\\in ?(?:\\mathbb)? ?\{?[ZNQR]\}?)?(?:\||\\mid|:).*\\(?:leq|geq|ne).*)\}"
)
_BLANK_LINES: Final = re.compile(r"\n[ \t\r]*(?:\n[ \t\r]*)+")
_LINE_ITEM: Final = re.compile(r"\$?[-+]?[0-9.,/]+\$?$|\$?[A-Za-z](?:_\{?[A-Za-z0-9]\}?)? ?=(?!=)")
_LEFT_EDGE: Final = " ,;:"
_RIGHT_EDGE: Final = " .,;:"
_OPENINGS: Final = " \"'*`{"
# A list of numbers must not turn into one number: `99, 100` is written `99;100`.
_LISTED: Final = re.compile(r"(?<=[0-9])(?:\s{1,9},\s{0,9}|,\s{1,9})(?=[0-9]{3}(?![0-9]))")
_SPACE_RUN: Final = re.compile(r"\s+")
_LOOSE_SPACE: Final = re.compile(r" (?=[^0-9A-Za-z.])|(?<=[^0-9A-Za-z.]) ")
_COMMAND_SPACE: Final = re.compile(r"(\\[a-zA-Z]+) (?![a-zA-Z])")
_INFINITY: Final = re.compile(
    r"(?:(?<=[(\[,])|^)\+\\infty(?![a-zA-Z])|(?<![a-zA-Z\\])inf(?:inity)?(?![a-zA-Z])"
)
_OUTWARD: Final = re.compile(r"([\[\]])([^\[\],]+,[^\[\],]+)([\[\]])")
_JOINABLE: Final = re.compile(r"(?<=[0-9]) (?=[a-zA-Z](?![a-zA-Z]))")


@lru_cache(maxsize=_MAX_CACHED)
def normal(text: str) -> str:
    r"""The normal form; equal normal forms mean the same, unequal ones say nothing yet.

    A money sign is `$`, a percent sign `%` and a TeX comment sign `\x03`.
    """
    text = text.strip()
    if text[-1:] == "\\":
        text = text.rstrip("\\ ")
    if _PLAIN.fullmatch(text) and "inf" not in text:
        return text
    if not text.isascii():
        text = in_ascii_signs(text)
    if "\n" in text:
        text = _listed_lines(text)
    if "\\" in text or "{,}" in text or "{:}" in text:
        text = _without_commands(text)
    text = _money(_percent(text))
    text = _unwrapped(_spaced(text))
    return _standing(text)


def _standing(text: str) -> str:
    """One spelling for infinity, powers of ten, the empty set and half-open intervals."""
    if "^" in text:
        text = _ORDINAL.sub(r"\1", text)
        text = _TEN_TIMES.sub(r"\\cdot", text) if "10^" in text else text
    if "\\in" in text or "integer" in text:
        text = _DOMAIN.sub(_domain, text)
    if "inf" in text:
        text = _INFINITY.sub(r"\\infty", text)
    if text == "\\{\\}":
        return "\\emptyset"
    if text[:1] == "]" or text[-1:] == "[":
        outward = _OUTWARD.fullmatch(text)
        if outward:
            opening = "[" if outward[1] == "[" else "("
            return f"{opening}{outward[2]}{']' if outward[3] == ']' else ')'}"
    return text


def _domain(match: re.Match[str]) -> str:
    return f",{match[1] or match[4]}\\in\\mathbb{{{match[2] or 'Z'}}}{match[3] or ''}"


def compact(text: str) -> str:
    """A normal form without the space between a number and a letter: `2 i` is `2i`."""
    return _JOINABLE.sub("", text) if " " in text else text


def _listed_lines(text: str) -> str:
    """Lines set apart by blank ones, or numbers or equations line by line, are a list."""
    if "\\begin" in text:
        return text
    lines = [line.strip() for line in text.split("\n")]
    if "" in lines:
        blocks = [" ".join(block.split()) for block in _BLANK_LINES.split(text)]
    elif all(_LINE_ITEM.match(line) for line in lines):
        blocks = lines
    else:
        return text
    return ";".join(block.rstrip(",;") for block in blocks if block)


def _without_commands(text: str) -> str:
    text = _in_one_line(text)
    if is_laid_out(text):
        text = without_layout(text)
    if "\\dot" in text:
        text = _DOTTED.sub(_repeated, text)
    if "," in text or "!" in text:
        text = _GROUPED.sub(_joined, text)
    text = _COMMAND.sub(_command, text)
    for _ in range(3):
        shorter = _WRAPPER.sub(_unwrapped_words, text)
        if shorter == text:
            break
        text = shorter
    if "\\frac" in text:
        text = _FRAC_SHORT.sub(_braced, text)
    if "\\sqrt" in text:
        text = _ROOT_OF.sub(_root, text)
    if "\\circ" in text:
        text = _CIRC.sub(" degrees ", text)
    return text


def _unwrapped_words(match: re.Match[str]) -> str:
    r"""What a wrapper holds; a unit of one letter is spelled out where no space can mark it."""
    inner, start = match[1].strip(), match.start()
    if start and match.string[start - 1] in "^_":
        return f"{{{inner}}}"
    name = _UNIT_NAMES.get(inner)
    before = match.string[max(0, start - 6) : start].rstrip(" \\,;~") if name else ""
    return f" {name} " if before[-1:] in ("}", ")") else f" {inner} "


def _in_one_line(text: str) -> str:
    """Lines as a list, and backslashes that were escaped once too often as one."""
    if "\\\\begin" in text:
        text = text.replace("\\\\", "\\")
    if "\\left." in text or "\\right." in text:
        text = text.replace("\\left.", "").replace("\\right.", "")
    if "\\begin" in text:
        text = in_lines(text)
    elif "\\\\" in text:
        text = _DOUBLED.sub(r"\\", _LINE_MARK.sub(";", text))
    return text.replace("{:}", ":")


def _repeated(match: re.Match[str]) -> str:
    return f"\\overline{{{_joined(match)}}}"


def _joined(match: re.Match[str]) -> str:
    return "".join(char for char in match[0] if char.isdigit())


def _command(match: re.Match[str]) -> str:
    name = match[0]
    if name in _SPACES:
        return " "
    if name in _DROPPED:
        return ""
    return _COMMANDS.get(name, name)


def _braced(match: re.Match[str]) -> str:
    top = match[1] or match[2]
    return f"\\frac{{{top}}}" + (f"{{{match[3]}}}" if match[3] else "{")


def _root(match: re.Match[str]) -> str:
    return f"\\sqrt{match[1] or ''}{{{match[2] or match[3]}}}"


def _percent(text: str) -> str:
    r"""Tell `50%` from the TeX comment in `17 % 42`."""
    if "%" in text:
        head, _, tail = text.rpartition("%")
        is_sign = "%" not in head and not tail.strip(" .$)}*")
        text = text.replace("%", "\x02" if is_sign else "\x03")
    return text.replace("\x02", "%")


def _money(text: str) -> str:
    """Drop the marks of formulas; a lone dollar sign before a number is money."""
    if "$" in text:
        lone = text.count("$") == 1 and re.match(r"[-+]?\s?\$\s?[0-9.]", text)
        text = text.replace("$", "\x01" if lone else " ")
    return text.replace("\x01", "$")


def _spaced(text: str) -> str:
    text = text.replace("~", " ")
    if "," in text:
        text = _LISTED.sub(";", text)
    if "  " in text or not text.isprintable():
        text = _SPACE_RUN.sub(" ", text)
    text = text.lstrip(_LEFT_EDGE)
    text = text.rstrip(" " if text.endswith("...") else _RIGHT_EDGE)
    if " " in text:
        text = _COMMAND_SPACE.sub(r"\1", _LOOSE_SPACE.sub("", text))
    return text


def _unwrapped(text: str) -> str:
    """Drop braces, quotes and emphasis around the whole."""
    if text[:1] not in _OPENINGS and text[-1:] not in _RIGHT_EDGE:
        return text
    for _ in range(4):
        before = text
        is_quoted = text[:1] in ('"', "'", "*", "`") and text[-1:] == text[:1] and len(text) > 2
        if is_quoted or (text[:1] == "{" and text[-1:] == "}" and _is_one_group(text)):
            builder = _BUILDER.fullmatch(text)
            if builder:
                return f"\\{{{builder[1]}\\}}"
            text = text[1:-1]
        text = text.strip(" ") if text.endswith("...") else text.lstrip(" ").rstrip(_RIGHT_EDGE)
        if text == before:
            break
    return text


def _is_one_group(text: str) -> bool:
    depth = 0
    escaped = False
    for place, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0 and place < len(text) - 1:
                return False
    return depth == 0
