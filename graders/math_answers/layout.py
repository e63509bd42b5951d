r"""TeX that only sets a formula out: fonts, sizes, colours, gaps, rows without an environment.

`\phantom`, `\cancel`, `\not` and the like change what is seen, so they stay where they are.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["FONTS", "in_lines", "is_laid_out", "without_layout"]

FONTS: Final = (
    "boldsymbol|bm|pmb|ensuremath|mathbf|mathbfit|mathrm|mathit|mathsf|mathtt|mathnormal|symbf"
    "|text|textrm|textbf|textit|textup|textsf|texttt|textmd|textsl|textsc|textnormal|mbox|hbox|fbox"
    "|emph|operatorname|mathop|mathord|mathrel|mathbin|mathopen|mathclose|smash"
)
_PLAIN_TEX: Final = "pmatrix|bmatrix|vmatrix|matrix|cases"
_ELSE: Final = (
    "textcolor|color|colorbox|[hv]space|mspace|[hm]skip|m?kern|tag|label|cr|checkmark|blacksquare"
    "|square|Box|qed|bigcup|bigcap"
)
_LAYOUT: Final = re.compile(
    rf"\\(?:(?:{FONTS})\*?\s?(?:\{{[^{{}}]*\{{|(?![a-zA-Z*{{\s])|\s[^{{\s])"
    rf"|(?:{_PLAIN_TEX})\s?\{{|(?:{_ELSE})(?![a-zA-Z])|\\\s?\[)"
)
_COLOUR: Final = re.compile(
    r"\\(?:text)?color(?:box)?\s?(?:\[[a-zA-Z]{0,9}\]\s?)?\{[^{}]{0,40}\}(\s?\{)?"
)
_GAP: Final = re.compile(
    r"\\(?:(?:[hv]space\*?|mspace)\s?\{[^{}]{0,20}\}"
    r"|(?:[hm]skip|m?kern)\s?-?[0-9.]{1,8}\s?(?:mm|cm|pt|em|ex|mu|in)(?![a-zA-Z]))"
)
_MARK: Final = re.compile(
    r"\\(?:tag\*?\s?\{\s?\(?[0-9.*]{0,6}[a-z]?\)?\s?\}|label\s?\{[^{}]{0,40}\})"
)
_END_MARK: Final = re.compile(
    r"(?<=[^\s\\])\s*(?:\\(?:checkmark|blacksquare|square|Box|qed)[\s.$]*)+$"
)
_ROW: Final = re.compile(
    r"(?:\\\\|\\cr(?![a-zA-Z]))(?:\s?\[\s?-?[0-9.]{1,8}\s?(?:mm|cm|pt|em|ex|in)\s?\])?"
)
_BIG: Final = re.compile(r"\\big(cup|cap)(?!\s?[_^a-zA-Z])")
_PIECE: Final = re.compile(
    rf"(?P<font>\\(?:{FONTS}|__color)(?![a-zA-Z])\*?)(?P<group>\s?\{{)?"
    rf"|\\(?P<matrix>{_PLAIN_TEX})\s?\{{|\\.|(?P<brace>[{{}}])",
    re.DOTALL,
)
_LINES: Final = re.compile(
    r"[\s$]*(?:(?:\\left\s?)?(?P<brace>\\\{)\s?)?\\begin\s?\{"
    r"(?P<name>aligned|align\*?|gathered|gather\*?|split|eqnarray\*?|array|matrix|cases)\}"
    r"(?:\s?\{[lcr| ]{0,20}\})?"
)
_ROW_END: Final = "\x04"
_COLUMN: Final = "\x05"
_RELATED: Final = re.compile(r"=|<|>|\\(?:leq?|geq?|ne|equiv|approx)(?![a-zA-Z])")
_ALWAYS: Final = {
    "array": _RELATED,
    "matrix": _RELATED,
    "cases": re.compile(rf"{_COLUMN}\s?(?:{_RELATED.pattern})"),
}
"""What every line of a table has to hold where the table is a list of relations."""
_LINES_END: Final = re.compile(r"\\end\s?\{(?P<name>[a-z]+\*?)\}[\s.$]*")
_MARKS: Final = re.compile(
    r"(?P<open>\\begin(?![a-zA-Z]))|(?P<close>\\end(?![a-zA-Z]))"
    r"|(?P<row>\\\\(?:\s?\[[^\[\]]{0,12}\])?)|(?P<column>&)|\\."
)


def is_laid_out(text: str) -> bool:
    """Whether there is anything for `without_layout` to take away."""
    return _LAYOUT.search(text) is not None


def without_layout(text: str) -> str:
    """The text with fonts and colours taken off, gaps as spaces and every row ended one way."""
    text = text.removeprefix("\\checkmark")
    text = _END_MARK.sub("", _MARK.sub("", _GAP.sub(" ", text)))
    text = _ROW.sub(r"\\\\", _BIG.sub(r"\\\1", text))
    text = _COLOUR.sub(lambda match: "\\__color{" if match[1] else "", text)
    pieces: list[str] = []
    closings: list[str] = []
    start = 0
    for match in _PIECE.finditer(text):
        pieces.append(text[start : match.start()])
        pieces.append(_piece(match, closings))
        start = match.end()
    pieces.append(text[start:])
    return "".join(pieces)


def _piece(match: re.Match[str], closings: list[str]) -> str:
    """What stands for a command or brace; `closings` is what the open groups end with."""
    if match["font"]:
        if not match["group"]:
            return " "
        # A group without braces of its own is left to the unwrapping of words and units.
        is_nested = "{" in match.string[match.end() : _next_end(match)]
        if is_nested and match.start() and match.string[match.start() - 1] in "^_":
            closings.append("}")
            return "{"
        closings.append(" " if is_nested or match["font"] == "\\__color" else "}")
        return " " if closings[-1] == " " else match[0]
    if match["matrix"]:
        closings.append(f"\\end{{{match['matrix']}}}")
        return f"\\begin{{{match['matrix']}}}"
    if match["brace"] == "{":
        closings.append("}")
    elif match["brace"] == "}":
        return closings.pop() if closings else "}"
    return match[0]


def _next_end(match: re.Match[str]) -> int:
    """The place of the next closing brace, up to which a group of words has no other brace."""
    end = match.string.find("}", match.end())
    return len(match.string) if end < 0 else end


def in_lines(text: str) -> str:
    r"""Equations line by line as a list: `\begin{aligned}x&=1\\y&=2\end{aligned}` is `x=1;y=2`.

    A line that begins with its relation sign goes on with the line before.
    """
    opening = _LINES.match(text)
    if opening is None:
        return text
    # The end mark is the last one, so that only what stands around it is looked at.
    ending = _LINES_END.fullmatch(text, max(0, text.rfind("\\end")))
    if ending is None or ending["name"] != opening["name"]:
        return text
    lines = _lines(text[opening.end() : ending.start()])
    related = _ALWAYS.get(opening["name"])
    is_table = related is not None and not all(map(related.search, lines))
    if is_table or not lines or any(map(_is_case, lines)):
        return text
    joint = " and " if opening["brace"] else ";"
    joined = lines[0].replace(_COLUMN, " ")
    for line in lines[1:]:
        bare = line.lstrip(_COLUMN + " ")
        goes_on = line[0] == _COLUMN and _RELATED.match(bare)
        joined = f"{joined.rstrip(' ,;')}{' ' if goes_on else joint}{bare.replace(_COLUMN, ' ')}"
    return joined


def _lines(text: str) -> list[str]:
    """The lines with anything on them; a sign of its own marks the columns of the outer table."""
    pieces: list[str] = []
    depth = start = 0
    for match in _MARKS.finditer(text):
        depth += 1 if match["open"] else -1 if match["close"] else 0
        if depth < 0:
            return []
        sign = _ROW_END if match["row"] else _COLUMN if match["column"] else ""
        if sign and depth == 0:
            pieces.extend((text[start : match.start()], sign))
            start = match.end()
    pieces.append(text[start:])
    lines = "".join(pieces).split(_ROW_END)
    return [line.strip() for line in lines if line.strip()]


def _is_case(line: str) -> bool:
    """Whether words stand behind the mark of a column, as a condition does."""
    behind = line.partition(_COLUMN)[2]
    return "\\text" in behind or "\\mbox" in behind or behind.lstrip().startswith(("if", "for"))
