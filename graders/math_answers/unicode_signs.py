"""Unicode's signs of mathematics in the spelling of TeX."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["in_ascii_signs"]

_SUPERSCRIPTS: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾⁼ⁿⁱˣ", "0123456789-+()=nix", strict=True)) | dict(
    zip("ᵃᵇᶜᵈᵉᶠᵍʰᵏˡᵐᵒᵖʳˢᵗᵘᵛʷʸᶻ", "abcdefghklmoprstuvwyz", strict=True)
)
_SUBSCRIPTS: Final = dict(
    zip("₀₁₂₃₄₅₆₇₈₉₋₊ₙᵢₖₓₐₑₒₕₗₘₚₛₜ", "0123456789-+nikxaeohlmpst", strict=True)
)
_SET_LETTERS: Final = "\u211d\u2124\u2115\u211a\u2102"
_GREEK: Final = {
    "\u03b1": "alpha", "β": "beta", "\u03b3": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ξ": "xi",
    "\u03c1": "rho", "\u03c3": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "∆": "Delta", "Θ": "Theta", "Λ": "Lambda",
    "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega", "π": "pi", "\u2113": "ell",
}  # fmt: skip
_SIGNS: Final = {
    "\u00d7": "times", "·": "cdot", "⋅": "cdot", "∙": "cdot", "∞": "infty", "≤": "leq", "⩽": "leq",
    "≥": "geq", "⩾": "geq", "≠": "ne", "±": "pm", "∓": "mp", "\u222a": "cup", "∩": "cap", "∈": "in",
    "∉": "notin", "∅": "emptyset", "ø": "emptyset", "⌀": "emptyset", "≈": "approx", "≡": "equiv",
    "⊂": "subset", "⊆": "subseteq", "\u2216": "setminus", "→": "to", "⇔": "iff", "⇒": "Rightarrow",
    "⊥": "perp", "∥": "parallel", "∠": "angle", "△": "triangle", "√": "sqrt", "⟨": "langle",
    "⟩": "rangle", "⌊": "lfloor", "⌋": "rfloor", "⌈": "lceil", "⌉": "rceil", "∑": "sum",
    "∫": "int", "∏": "prod", "∂": "partial", "∇": "nabla", "…": "ldots", "⋯": "cdots",
    "✓": "checkmark", "✔": "checkmark", "✅": "checkmark", "∎": "blacksquare", "■": "blacksquare",
    "□": "square", "∧": "land", "\u2228": "lor", "⟹": "Rightarrow", "⟺": "iff", "〈": "langle",
    "〉": "rangle",
}  # fmt: skip
_FRACTIONS: Final = {
    "½": "12", "⅓": "13", "⅔": "23", "¼": "14", "¾": "34", "⅕": "15", "⅖": "25", "⅗": "35",
    "⅘": "45", "⅙": "16", "⅚": "56", "⅐": "17", "⅛": "18", "⅜": "38", "⅝": "58", "⅞": "78",
    "⅑": "19", "⅒": "110", "↉": "03",
}  # fmt: skip
_TABLE: Final = str.maketrans(
    {
        **{mark: "-" for mark in "\u2212\u2013\u2014\u2010\u2011\ufe63\uff0d"},
        **{chr(0xFF01 + n): chr(0x21 + n) for n in range(94) if n != 12},
        **{space: " " for space in "\u00a0\u2002\u2003\u2009\u200a\u202f\u3000\u200b\u2060\ufeff"},
        **{sign: f"\\{name} " for sign, name in (_GREEK | _SIGNS).items()},
        **{sign: f"\\frac{{{pair[0]}}}{{{pair[1:]}}}" for sign, pair in _FRACTIONS.items()},
        **{
            letter: f"\\mathbb{{{plain}}}"
            for letter, plain in zip(_SET_LETTERS, "RZNQC", strict=True)
        },
        "÷": "/", "\u2215": "/", "\u2044": "/", "°": "^{\\circ}", "º": "^{\\circ}",
        "∛": "\\sqrt[3]", "∜": "\\sqrt[4]", "。": ".", "、": ",", "\u2223": "|", "‖": "\\|",
        "“": '"', "”": '"', "\u2018": "'", "\u2019": "'", "\u2032": "'", "″": "''",
    }
)  # fmt: skip
_RAISED: Final = re.compile(f"[{''.join(map(re.escape, _SUPERSCRIPTS))}]+")
_LOWERED: Final = re.compile(f"[{''.join(_SUBSCRIPTS)}]+")
_HAN: Final = "\u3400-\u9fff"
_IS_HAN: Final = re.compile(f"[{_HAN}]")
_OR: Final = re.compile(f"(?<=[^{_HAN}]) ?\u6216\u8005? ?(?=[^{_HAN}])")
_AND: Final = re.compile(
    f"(?<=[^{_HAN}]) ?(?:[\u548c\u4e0e\u4e14\u53ca]|\u4ee5\u53ca|\u5e76\u4e14) ?(?=[^{_HAN}])"
)
_STYLED: Final = re.compile("[\U0001d400-\U0001d7ff]+")


def in_ascii_signs(text: str) -> str:
    """The text with TeX's spelling of signs, and with raised and lowered digits in groups."""
    text = _STYLED.sub(_unstyled, text).translate(_TABLE)
    if _IS_HAN.search(text):
        # Joints between values only: inside of words they are part of a name.
        text = _AND.sub(" and ", _OR.sub(" or ", text))
    return _LOWERED.sub(_lowered, _RAISED.sub(_raised, text))


def _unstyled(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0])


def _raised(match: re.Match[str]) -> str:
    return "^{" + "".join(_SUPERSCRIPTS[char] for char in match[0]) + "}"


def _lowered(match: re.Match[str]) -> str:
    return "_{" + "".join(_SUBSCRIPTS[char] for char in match[0]) + "}"
