r"""Other ways to write a reference answer, each equal to it in a reader's judgement.

Every function takes the gold of a MATH-like task, in LaTeX, and returns the same answer in another
notation, or None where that notation does not apply.
"""

from __future__ import annotations

import re
from typing import Final

from tests.graders.ascii_math import as_ascii
from tests.graders.number_variants import GROUPED, NUMBER_VARIANTS, Variant, plain_number

__all__ = ["VARIANTS", "items_of"]


_WORDY: Final = re.compile(r"\\(?:text|mbox|begin|overline|mathrm|textbf|textrm)|\\\$|\\%|_|[:;]")
_RELATION: Final = re.compile(
    r"[=<>]|\\(?:le|ge|leq|geq|ne|neq|in|to|cup|cap|approx|equiv)(?![a-z])"
)
_OPERATOR: Final = re.compile(r"(?<=[0-9A-Za-z)}]) ?([-+=]) ?(?=[0-9A-Za-z(\\])")
_UNICODE: Final = (
    ("^\\circ", "°"), ("^{\\circ}", "°"), ("\\pi", "π"), ("\\cup", "\u222a"), ("\\infty", "∞"),
    ("\\leq", "≤"), ("\\le", "≤"), ("\\geq", "≥"), ("\\ge", "≥"), ("\\pm", "±"), ("\\cdot", "·"),
    ("\\times", "\u00d7"), ("\\neq", "≠"), ("\\ne", "≠"), ("\\in", "∈"), ("\\theta", "θ"),
    ("\\alpha", "\u03b1"), ("\\beta", "β"), ("\\lambda", "λ"), ("\\div", "÷"),
)  # fmt: skip
_EXPONENT: Final = re.compile(r"\^(?:\{(-?[0-9]{1,2})\}|([0-9]))")
_RAISED: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def _is_scalar(gold: str) -> bool:
    """Whether the gold is one number or formula: no list, relation, words, base or unit."""
    if plain_number(gold):
        return True
    is_formula = not _WORDY.search(gold) and not _RELATION.search(gold)
    return is_formula and "," not in gold and "\\pm" not in gold and "^\\circ" not in gold


def _is_expression(gold: str) -> bool:
    """Whether the gold is a formula beyond a number."""
    return _is_scalar(gold) and plain_number(gold) is None


def items_of(text: str) -> list[str]:
    """The parts between commas outside all brackets; one part for a number in groups of three."""
    if GROUPED.fullmatch(text) or "\\!" in text or "{,}" in text:
        return [text]
    return _split(text, ",")


def _split(text: str, mark: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, char in enumerate(text):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
        if depth == 0 and text.startswith(mark, place):
            parts.append(text[start:place].strip())
            start = place + len(mark)
    return [*parts, text[start:].strip()]


def _terms_of(gold: str) -> list[str] | None:
    """The signed terms of a sum, each beginning with its sign; None where there is one term."""
    if not _is_expression(gold):
        return None
    terms, depth, start = [], 0, 0
    for place, char in enumerate(gold):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
        if (
            depth == 0
            and char in "+-"
            and place > start
            and gold[:place].rstrip()[-1:] not in "+-^"
        ):
            terms.append(gold[start:place].strip())
            start = place
    terms.append(gold[start:].strip().rstrip("."))
    if len(terms) < 2:
        return None
    return [term if term[0] in "+-" else f"+{term}" for term in terms]


def _full_stop(gold: str) -> str | None:
    return None if gold.endswith(".") else f"{gold}."


def _unicode(gold: str) -> str | None:
    if "\\begin" in gold or "\\text" in gold:
        return None
    text = gold
    for command, sign in _UNICODE:
        text = re.sub(rf"{re.escape(command)}(?![A-Za-z])", sign, text)
    text = re.sub(r"\\sqrt(?:\{([0-9]+)\}| ?([0-9]))", r"√\1\2", text)
    text = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", text)
    text = _EXPONENT.sub(lambda found: (found[1] or found[2]).translate(_RAISED), text)
    text = text.replace("-", "\u2212")
    return text if text != gold else None


def _braces(gold: str) -> str | None:
    return f"{{{gold}}}"


def _inner_braces(gold: str) -> str | None:
    if not _is_expression(gold):
        return None
    text = re.sub(r"\^([0-9])(?![0-9])", r"^{\1}", gold)
    text = re.sub(r"\\(sqrt|frac) ?([0-9])", r"\\\1{\2}", text)
    text = re.sub(r"(\\frac\{[0-9]\})([0-9])", r"\1{\2}", text)
    return text if text != gold else None


def _thin_spaces(gold: str) -> str | None:
    is_list = len(items_of(gold)) > 1 or _inner_commas(gold)
    return _spaced_commas(gold) if is_list and not gold.startswith("\\$") else None


def _inner_commas(gold: str) -> bool:
    return gold[:1] in "([" and gold[-1:] in ")]" and "," in gold and "\\!" not in gold


def _spaced_commas(gold: str) -> str:
    return re.sub(r", ?(?!\\!)", r",\\,", gold)


def _spaced_operators(gold: str) -> str | None:
    text = _OPERATOR.sub(r"\\, \1 \\;", gold) if "\\begin" not in gold else gold
    return text if text != gold else None


def _close(gold: str) -> str | None:
    """Without any space that TeX does not need."""
    text = (
        re.sub(r"(?<![A-Za-z\\]) |(?<!\\) (?![A-Za-z])", "", gold)
        if not _WORDY.search(gold)
        else gold
    )
    has_mixed = re.search(r"[0-9] \\[dt]?frac|[0-9] [0-9]", gold)
    return None if has_mixed or text == gold else text


def _renamed(old: str, new: str) -> Variant:
    def variant(gold: str) -> str | None:
        text = re.sub(rf"\\{old}(?![a-z])", lambda _: f"\\{new}", gold)
        return text if text != gold else None

    return variant


def _doubled(gold: str) -> str | None:
    return gold.replace("\\", "\\\\") if "\\" in gold and "\\begin" not in gold else None


def _doubled_matrix(gold: str) -> str | None:
    return gold.replace("\\", "\\\\") if "\\begin" in gold else None


def _named(gold: str) -> str | None:
    if not _is_scalar(gold) or gold.isupper():
        return None
    free = [name for name in "xyzAk" if name not in gold]
    return f"{free[0]} = {gold}"


def _around(before: str, after: str) -> Variant:
    def variant(gold: str) -> str | None:
        return f"{before}{gold}{after}"

    return variant


def _unmarked(gold: str) -> bool:
    return "$" not in gold and "\\(" not in gold


def _marked(before: str, after: str) -> Variant:
    return lambda gold: f"{before}{gold}{after}" if _unmarked(gold) else None


def _left_right(gold: str) -> str | None:
    if "\\left" in gold or "\\begin" in gold or "\\text" in gold:
        return (
            re.sub(r"\\left(?![a-z]) ?|\\right(?![a-z]) ?", "", gold) if "\\left" in gold else None
        )
    text = re.sub(r"(?<!\\)([(\[])", r"\\left\1", gold)
    text = re.sub(r"(?<!\\)([)\]])", r"\\right\1", text)
    is_plain = "\\sqrt[" not in gold and text.count("\\left") == text.count("\\right")
    return text if is_plain and text != gold else None


def _reordered(gold: str) -> str | None:
    inner = gold[2:-2] if gold.startswith("\\{") and gold.endswith("\\}") else gold
    items = items_of(inner)
    if len(items) < 2 or _RELATION.search(inner) or _WORDY.search(inner):
        return None
    text = ", ".join(reversed(items))
    return f"\\{{{text}\\}}" if inner != gold else text


def _as_set(gold: str) -> str | None:
    is_list = len(items_of(gold)) > 1 and not _RELATION.search(gold) and not _WORDY.search(gold)
    return f"\\{{{gold}\\}}" if is_list and not gold.startswith("\\{") else None


def _reordered_union(gold: str) -> str | None:
    parts = _split(gold, "\\cup")
    is_union = len(parts) > 1 and gold[:1] in "([" and "\\left" not in gold
    return " \\cup ".join(reversed(parts)) if is_union else None


def _reordered_sum(gold: str) -> str | None:
    terms = _terms_of(gold)
    return " ".join(reversed(terms)).removeprefix("+") if terms else None


VARIANTS: Final[dict[str, Variant]] = {
    **NUMBER_VARIANTS,
    "full stop": _full_stop,
    "Unicode": _unicode,
    "ASCII": lambda gold: as_ascii(gold, power="**"),
    "ASCII with ^": lambda gold: as_ascii(gold, power="^"),
    "braces": _braces,
    "inner braces": _inner_braces,
    "thin spaces": _thin_spaces,
    "spaced operators": _spaced_operators,
    "no spaces": _close,
    "dfrac": _renamed("frac", "dfrac"),
    "tfrac": _renamed("frac", "tfrac"),
    "frac": _renamed("[dt]frac", "frac"),
    "doubled backslashes": _doubled,
    "doubled backslashes, matrix": _doubled_matrix,
    "x =": _named,
    "left right": _left_right,
    "$..$": _marked("$", "$"),
    "\\(..\\)": _marked("\\(", "\\)"),
    "displaystyle": _around("\\displaystyle ", ""),
    "reordered": _reordered,
    "as a set": _as_set,
    "reordered union": _reordered_union,
    "reordered sum": _reordered_sum,
}  # fmt: skip
