"""The words and commands of notation, and what each of them is."""

from __future__ import annotations

from typing import Final

from graders.math_answers.formulas.tree import Operator

__all__ = [
    "COMMAND_KINDS", "DEGREE_WORDS", "FUNCTIONS", "INVERTIBLE", "OPERATORS", "SHORT_UNITS",
    "SHORT_WORDS", "SYMBOL_COMMANDS", "UNDONE",
]  # fmt: skip

_TRIGONOMETRIC: Final = ("sin", "cos", "tan", "cot", "sec", "csc")
_INVERSE: Final = {
    spelling + name: "arc" + name
    for name in _TRIGONOMETRIC
    for spelling in ("arc", "a")
    if spelling + name != "asec"
}
_HYPERBOLIC: Final = {
    prefix + name + "h": ("arc" if prefix else "") + name + "h"
    for name in _TRIGONOMETRIC
    for prefix in ("", "arc", "ar", "a")
}
FUNCTIONS: Final = {
    **{name: name for name in _TRIGONOMETRIC},
    **_INVERSE,
    **_HYPERBOLIC,
    "tg": "tan", "ctg": "cot", "cosec": "csc", "arctg": "arctan", "arcctg": "arccot",
    "ln": "ln", "log": "log", "lg": "lg", "exp": "exp", "sqrt": "sqrt", "cbrt": "cbrt",
    "abs": "abs", "Abs": "abs", "floor": "floor", "ceil": "ceil", "ceiling": "ceil",
    "factorial": "factorial", "binomial": "binomial", "binom": "binomial", "comb": "binomial",
    "nCr": "binomial", "nPr": "permutations", "perm": "permutations", "conjugate": "conjugate",
    "Re": "re", "Im": "im", "re": "re", "im": "im", "arg": "arg", "sgn": "sign", "sign": "sign",
    "gcd": "gcd", "lcm": "lcm", "max": "max", "min": "min", "Matrix": "Matrix",
}  # fmt: skip
INVERTIBLE: Final = frozenset((*_TRIGONOMETRIC, *(f"{name}h" for name in _TRIGONOMETRIC)))
"""Functions whose power -1 is the inverse function: `\\sin^{-1} x`."""

OPERATORS: Final[dict[str, Operator]] = {
    "=": "=", "==": "=", ":=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=",
    "in": "in", "notin": "notin", "subset": "subset", "equiv": "equiv", "approx": "approx",
    "to": "to", "iff": "iff", "divides": "divides", "perp": "perp", "parallel": "parallel",
    "sim": "sim",
}  # fmt: skip
COMMAND_KINDS: Final = {
    "\\leq": "<=", "\\geq": ">=", "\\ne": "!=", "\\in": "in", "\\notin": "notin",
    "\\subset": "subset", "\\subseteq": "subset", "\\equiv": "equiv", "\\approx": "approx",
    "\\simeq": "approx", "\\to": "to", "\\rightarrow": "to", "\\iff": "iff",
    "\\Leftrightarrow": "iff", "\\mid": "divides", "\\perp": "perp", "\\parallel": "parallel",
    "\\sim": "sim", "\\cdot": "*", "\\pm": "pm", "\\mp": "pm", "\\cup": "cup", "\\cap": "cap",
    "\\setminus": "setminus", "\\backslash": "setminus", "\\langle": "langle",
    "\\rangle": "rangle", "\\{": "\\{", "\\}": "\\}", "\\vert": "|", "\\lvert": "|",
    "\\rvert": "|", "\\|": "||", "\\Vert": "||", "\\lVert": "||", "\\rVert": "||",
    "\\lfloor": "lfloor", "\\rfloor": "rfloor", "\\lceil": "lceil", "\\rceil": "rceil",
    "\\frac": "frac", "\\sqrt": "sqrt", "\\binom": "binom", "\\over": "over",
    "\\choose": "choose", "\\begin": "begin", "\\end": "end", "\\\\": "row",
    "\\overline": "over-bar", "\\bar": "over-bar", "\\vec": "accent", "\\hat": "accent",
    "\\tilde": "accent", "\\overrightarrow": "accent", "\\angle": "shape",
    "\\triangle": "shape", "\\mathbb": "mathbb", "\\mathds": "mathbb", "\\mathcal": "accent",
    "\\emptyset": "empty", "\\infty": "infty", "\\pi": "constant", "\\ldots": "dots",
    "\\dots": "dots", "\\cdots": "dots", "\\dotsc": "dots", "\\bmod": "mod", "\\mod": "mod",
    "\\pmod": "pmod", "\\prime": "'", "\\colon": ":", "\\operatorname": "operatorname",
    "\\hline": "hline", "\\lbrace": "\\{", "\\rbrace": "\\}",
}  # fmt: skip
_GREEK: Final = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi"
    " rho varrho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma"
    " Upsilon Phi Psi Omega ell hbar"
)
SYMBOL_COMMANDS: Final = {f"\\{name}": name for name in _GREEK.split()}
UNDONE: Final = {
    "\\sum": "sum", "\\int": "integral", "\\iint": "integral", "\\iiint": "integral",
    "\\oint": "integral", "\\lim": "limit", "\\prod": "product", "\\partial": "derivative",
    "\\nabla": "derivative", "\\bigcup": "union", "\\bigcap": "intersection", "\\limsup": "limit",
    "\\liminf": "limit",
}  # fmt: skip
DEGREE_WORDS: Final = frozenset(("degrees", "degree", "deg"))
SHORT_UNITS: Final = frozenset(
    ("sq", "cu", "cm", "mm", "km", "kg", "ft", "ml", "lb", "oz", "hr", "yd", "mph")
)
SHORT_WORDS: Final = frozenset((
    "all", "am", "an", "any", "are", "as", "at", "be", "but", "by", "day", "dne", "few", "for",
    "her", "his", "how", "if", "is", "it", "its", "may", "mon", "new", "nil", "no", "non", "not",
    "now", "of", "odd", "off", "old", "on", "one", "our", "out", "per", "pm", "red", "she", "six",
    "so", "sum", "sun", "ten", "the", "tie", "too", "two", "up", "use", "was", "we", "who", "why",
    "win", "yes", "you", "nan", "let",
))  # fmt: skip
