r"""Text in normal form to tokens, in one pass.

A token's kind is what the grammar asks for: `n` a plain number, `r` a repeating decimal, `l` a
letter or Greek letter, `f` a function's name, `w` a word of prose, `u` a unit of two letters,
`constant`, `undone`, `unknown`, or else the sign itself in its one spelling (`<=` for `\leq`).
"""

from __future__ import annotations

import re
from typing import Final

from graders.math_answers.formulas.reading.names import (
    COMMAND_KINDS,
    FUNCTIONS,
    SHORT_UNITS,
    SHORT_WORDS,
    SYMBOL_COMMANDS,
    UNDONE,
)
from graders.math_answers.formulas.tree import TooBig

__all__ = ["END", "Tokens", "lex"]

END: Final = "end of text"
_MAX_DEPTH: Final = 50
_MAX_TOKENS: Final = 2_000
_TOKEN: Final = re.compile(
    r"(?P<r>[0-9]*\.[0-9]*(?:\\(?:overline|bar|dot)\s?(?:\{[0-9]+\}|[0-9])|\([0-9]+\))"
    r"|[0-9]*\.[0-9]+(?:\.\.\.|\\[lc]?dots(?![a-zA-Z])))"
    r"|(?P<n>(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)"
    r"(?:[eE](?:[0-9]+|(?:(?<=[.][0-9][eE])|(?<=[.0-9][0-9][eE])|(?<=1[eE]))[-+][0-9]+"
    r"|[-+][0-9]{2,})(?![0-9A-Za-z^.]))?)"
    r"|(?P<a>[A-Za-z]+)"
    r"|(?P<c>\\(?:[a-zA-Z]+|.))"
    r"|(?P<o>\*\*|<=|>=|!=|==|:=|!!|\.\.\.|->|<->|[^ ])",
    re.DOTALL,
)
_DERIVATIVE: Final = re.compile(
    r"\\frac\{d(?:\^\{?[0-9n]\}?)?[A-Za-z]?\}\{d[A-Za-z](?:\^\{?[0-9n]\}?)?\}"
)
_SIGNS: Final = {"**": "^", "...": "dots", "->": "to", "<->": "iff"}
_ORDINALS: Final = frozenset(("st", "nd", "rd", "th"))
_NAMED: Final = {
    **{name: "l" for name in SYMBOL_COMMANDS.values() if len(name) > 2},
    **dict.fromkeys(SHORT_UNITS, "u"),
    **dict.fromkeys(FUNCTIONS, "f"),
    **{joint: joint for joint in ("and", "or", "mod", "in")},
    "union": "cup",
    "pi": "constant",
    "oo": "infty",
    "infty": "infty",
}
_ENDS: Final = frozenset((")", "]", "\\}"))
_BEGINNINGS: Final = frozenset(("(", "[", "\\{"))
_OPENING: Final = frozenset(("(", "{", "\\{", "langle", "begin", "lfloor", "lceil"))
_CLOSING: Final = frozenset((")", "}", "\\}", "rangle", "end", "rfloor", "rceil"))
_VOWELS: Final = frozenset("aeiouyAEIOUY")
_NAME: Final = re.compile(r"sin|cos|tan|cot|sec|csc|ln|log|exp|sqrt|pi|[a-zA-Z]")
_NAMED_RUN: Final = re.compile(
    r"[A-DRa-dknrtxyz]?(?:(?:sin|cos|tan|cot|sec|csc|ln|log|exp)[xyznABC]?)+|pi(?:sin|cos|tan|sqrt|[xyzrn])"
)


class Tokens:
    """The tokens of one text side by side: kinds, texts and where each starts."""

    __slots__ = ("kinds", "starts", "text", "texts")

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.texts: list[str] = []
        self.starts: list[int] = []

    def add(self, kind: str, text: str, start: int) -> None:
        self.kinds.append(kind)
        self.texts.append(text)
        self.starts.append(start)


def lex(text: str) -> Tokens:
    """The tokens of a normal form, ended by END; TooBig where brackets are too deep."""
    tokens = Tokens(text)
    add = tokens.add
    for match in _TOKEN.finditer(text):
        group, piece = match.lastgroup, match[0]
        if group == "a":
            _add_letters(tokens, piece, match.start())
        elif group == "c":
            kind = COMMAND_KINDS.get(piece)
            if kind is None:
                _add_command(tokens, piece, match.start())
            else:
                add(kind, piece, match.start())
        elif group == "o":
            add(_SIGNS.get(piece, piece), piece, match.start())
        else:
            add(group or "", piece, match.start())
    add(END, "", len(text))
    if ("U" in text or "u" in text) and "," in text:
        _mark_unions(tokens)
    if "\\frac{d" in text:
        _mark_derivatives(tokens)
    _bound(tokens.kinds)
    return tokens


def _bound(kinds: list[str]) -> None:
    if len(kinds) > _MAX_TOKENS:
        raise TooBig
    if len(kinds) < _MAX_DEPTH:
        return
    depth = deepest = 0
    for kind in kinds:
        if kind in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif kind in _CLOSING:
            depth -= 1
    if deepest > _MAX_DEPTH:
        raise TooBig


def _mark_unions(tokens: Tokens) -> None:
    """A letter U between two intervals stands for the sign of a union."""
    kinds, texts = tokens.kinds, tokens.texts
    for at in range(1, len(kinds) - 1):
        is_between = kinds[at - 1] in _ENDS and kinds[at + 1] in _BEGINNINGS
        if is_between and kinds[at] == "l" and texts[at] in ("U", "u"):
            kinds[at] = "cup"


def _mark_derivatives(tokens: Tokens) -> None:
    r"""`\frac{d}{dx}` and `\frac{dy}{dx}` are work left undone."""
    for at, kind in enumerate(tokens.kinds):
        if kind == "frac" and _DERIVATIVE.match(tokens.text, tokens.starts[at]):
            tokens.kinds[at], tokens.texts[at] = "undone", "derivative"


def _add_command(tokens: Tokens, piece: str, start: int) -> None:
    name = SYMBOL_COMMANDS.get(piece)
    if name is not None:
        tokens.add("l", name, start)
    elif piece in UNDONE:
        tokens.add("undone", UNDONE[piece], start)
    elif piece[1:] in FUNCTIONS:
        tokens.add("f", FUNCTIONS[piece[1:]], start)
    else:
        tokens.add("unknown", piece, start)


def _add_letters(tokens: Tokens, run: str, start: int) -> None:
    """A run of letters is a name, a word, or letters side by side."""
    if run in _ORDINALS and tokens.kinds[-1:] == ["n"] and tokens.text[start - 1].isdigit():
        return
    kind = "l" if len(run) == 1 else _NAMED.get(run)
    if kind is not None:
        tokens.add(kind, run if kind != "f" else FUNCTIONS[run], start)
    elif _NAMED_RUN.fullmatch(run):
        _add_named_run(tokens, run, start)
    elif _is_word(run):
        tokens.add("w", run, start)
    else:
        for offset, letter in enumerate(run):
            tokens.add("l", letter, start + offset)


def _add_named_run(tokens: Tokens, run: str, start: int) -> None:
    """`sinx`, `xlnx`, `pisqrt`: names and letters without a space between."""
    for match in _NAME.finditer(run):
        kind = "l" if len(match[0]) == 1 else _NAMED[match[0]]
        name = FUNCTIONS[match[0]] if kind == "f" else match[0]
        tokens.add(kind, name, start + match.start())


def _is_word(run: str) -> bool:
    if len(run) <= 3:
        is_name = len(run) == 3 and run.istitle() and not _VOWELS.isdisjoint(run[1:])
        return is_name or run.lower() in SHORT_WORDS
    if run.islower() and list(run) == sorted(run):
        return False
    return len(run) > 5 or not _VOWELS.isdisjoint(run)
