"""Other ways to write a reference answer that is a number or a simple fraction."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

__all__ = ["GROUPED", "NUMBER_VARIANTS", "Variant", "plain_number"]

Variant: TypeAlias = "Callable[[str], str | None]"

_DIGITS: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_FRACTION: Final = re.compile(
    r"(-?)\\[dt]?frac(?:\{(-?[0-9]+)\}\{([0-9]+)\}| ?([0-9])([0-9])| ?([0-9])\{([0-9]+)\})"
)
_WIDE: Final = {ord(char): ord(char) + 0xFEE0 for char in "0123456789"}
_VULGAR: Final = {
    "\\frac{1}{2}": "½", "\\frac{1}{3}": "⅓", "\\frac{2}{3}": "⅔", "\\frac{1}{4}": "¼",
    "\\frac{3}{4}": "¾", "\\frac{1}{5}": "⅕", "\\frac{1}{8}": "⅛", "\\frac{3}{8}": "⅜",
    "\\frac{5}{8}": "⅝", "\\frac{7}{8}": "⅞", "\\frac{5}{6}": "⅚", "\\frac{1}{6}": "⅙",
    "\\frac{2}{5}": "⅖", "\\frac{3}{5}": "⅗", "\\frac{4}{5}": "⅘", "\\frac{1}{7}": "⅐",
    "\\frac{1}{9}": "⅑", "\\frac{1}{10}": "⅒",
}  # fmt: skip
GROUPED: Final = re.compile(r"-?[0-9]{1,3}(?:(?:\{,\}|,\\!|,)[0-9]{3})+")


def plain_number(gold: str) -> str | None:
    """The digits of an integer or a plain decimal, without separators; None for anything else."""
    if _DIGITS.fullmatch(gold):
        return gold
    if GROUPED.fullmatch(gold):
        return re.sub(r"[^0-9-]", "", gold)
    return None


def _integer(gold: str) -> str | None:
    number = plain_number(gold)
    return number if number and "." not in number else None


def _vulgar(gold: str) -> str | None:
    sign = "-" if gold.startswith("-") else ""
    char = _VULGAR.get(re.sub(r"\\[dt]frac", r"\\frac", gold.removeprefix("-")))
    return sign + char if char else None


def _wide(gold: str) -> str | None:
    return gold.translate(_WIDE) if plain_number(gold) == gold else None


def _with(suffix: str) -> Variant:
    def variant(gold: str) -> str | None:
        return f"{gold}{suffix}" if plain_number(gold) else None

    return variant


def _fraction_of(gold: str) -> tuple[str, str, str] | None:
    found = _FRACTION.fullmatch(gold)
    if found is None:
        return None
    return found[1], found[2] or found[4] or found[6], found[3] or found[5] or found[7]


def _short_fraction(gold: str) -> str | None:
    parts = _fraction_of(gold)
    if parts is None or len(parts[1]) > 1 or len(parts[2]) > 1:
        return None
    text = f"{parts[0]}\\frac{parts[1]}{parts[2]}"
    return text if text != gold else None


def _slashed(gold: str) -> str | None:
    parts = _fraction_of(gold)
    return "{}{}/{}".format(*parts) if parts else None


def _wrapped(command: str) -> Variant:
    def variant(gold: str) -> str | None:
        return f"\\{command}{{{gold}}}" if plain_number(gold) == gold else None

    return variant


def _separated(mark: str) -> Variant:
    def variant(gold: str) -> str | None:
        number = _integer(gold)
        if number is None or len(number.lstrip("-")) < 4:
            return None
        return f"{int(number):,}".replace(",", mark)

    return variant


def _joined(gold: str) -> str | None:
    number = plain_number(gold)
    return number if number != gold else None


def _point_zero(gold: str) -> str | None:
    number = _integer(gold)
    return f"{number}.0" if number and len(number) < 15 else None


NUMBER_VARIANTS: Final[dict[str, Variant]] = {
    "Unicode fraction": _vulgar,
    "full-width digits": _wide,
    "cm": _with("\\text{ cm}"),
    "square units": _with(" square units"),
    "dollars": _with(" dollars"),
    "unit apart": _with("~\\mathrm{cm}^2"),
    "short fraction": _short_fraction,
    "a/b": _slashed,
    "text": _wrapped("text"),
    "mathbf": _wrapped("mathbf"),
    "textbf": _wrapped("textbf"),
    "comma groups": _separated(","),
    "{,} groups": _separated("{,}"),
    "thin groups": _separated("\\,"),
    "no groups": _joined,
    "point zero": _point_zero,
}
