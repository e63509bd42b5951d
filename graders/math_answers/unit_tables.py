"""The units that answers are given in: their spellings, dimensions and sizes."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

__all__ = ["NAMES", "SCALES", "SYMBOLS", "Scale"]


class Scale(NamedTuple):
    """A unit in terms of the base units of its dimensions."""

    dimensions: tuple[tuple[str, int], ...]
    factor: Fraction


_ENERGY: Final = "mass length^2 time^-2"
_POWER: Final = "mass length^2 time^-3"
_PRESSURE: Final = "mass length^-1 time^-2"
_METRIC: Final = {
    "m": ("length", "1", "meter metre", "n m c d k"),
    "g": ("mass", "0.001", "gram gramme", "m k M"),
    "L": ("length^3", "0.001", "liter litre", "m c d k"),
    "s": ("time", "1", "second", "n m"),
    "J": (_ENERGY, "1", "joule", "m k M G"),
    "W": (_POWER, "1", "watt", "m k M G"),
    "N": ("mass length time^-2", "1", "newton", "m k M"),
    "Pa": (_PRESSURE, "1", "pascal", "k M G"),
    "Hz": ("time^-1", "1", "hertz", "k M G T"),
    "V": (f"{_POWER} current^-1", "1", "volt", "m k M"),
    "A": ("current", "1", "ampere amp", "m k"),
    "ohm": (f"{_POWER} current^-2", "1", "ohm", ""),
    "eV": (_ENERGY, "1.602176634e-19", "electronvolt", "k M G"),
    "cal": (_ENERGY, "4.184", "calorie", "k"),
    "mol": ("amount", "1", "mole", "m k"),
    "B": ("data", "8", "byte", "k M G T"),
    "bit": ("data", "1", "bit", ""),
}
_PREFIXES: Final = {
    "n": ("nano", -9), "m": ("milli", -3), "c": ("centi", -2), "d": ("deci", -1),
    "k": ("kilo", 3), "M": ("mega", 6), "G": ("giga", 9), "T": ("tera", 12),
}  # fmt: skip
_OTHERS: Final = {
    "inch": ("length", "0.0254", "inch inche ins"), "foot": ("length", "0.3048", "foot feet ft"),
    "yard": ("length", "0.9144", "yard yd yds"), "mile": ("length", "1609.344", "mile mi"),
    "furlong": ("length", "201.168", "furlong"), "parsec": ("parsec", "1", "parsec"),
    "lightyear": ("lightyear", "1", "lightyear light-year"),
    "micrometer": ("length", "0.000001", "micrometer micrometre micron"),
    "microgram": ("mass", "0.000000001", "microgram mcg"),
    "microsecond": ("time", "0.000001", "microsecond"),
    "pound": ("mass", "0.45359237", "pound lb lbs"),
    "ounce": ("mass", "0.028349523125", "ounce oz"),
    "ton": ("ton", "1", "ton"), "tonne": ("mass", "1000", "tonne"),
    "minute": ("time", "60", "minute min mins"), "hour": ("time", "3600", "hour hr hrs"),
    "day": ("time", "86400", "day"), "week": ("time", "604800", "week wk wks"),
    "month": ("calendar", "1", "month"), "year": ("calendar", "12", "year yr yrs"),
    "decade": ("calendar", "120", "decade"), "century": ("calendar", "1200", "century centurie"),
    "gallon": ("length^3", "0.003785411784", "gallon gal"),
    "quart": ("length^3", "0.000946352946", "quart qt qts"),
    "pint": ("length^3", "0.000473176473", "pint"),
    "cup": ("length^3", "0.0002365882365", "cup"), "cc": ("length^3", "0.000001", "cc"),
    "tablespoon": ("spoon", "3", "tablespoon tbsp"), "teaspoon": ("spoon", "1", "teaspoon tsp"),
    "acre": ("length^2", "4046.8564224", "acre"), "hectare": ("length^2", "10000", "hectare"),
    "mph": ("length time^-1", "0.44704", "mph"), "knot": ("knot", "1", "knot"),
    "kWh": (_ENERGY, "3600000", "kilowatt-hour kwh"), "atm": (_PRESSURE, "101325", "atm"),
    "horsepower": ("horsepower", "1", "horsepower hp"), "psi": ("psi", "1", "psi"),
    "rpm": ("rpm", "1", "rpm"), "decibel": ("decibel", "1", "decibel"),
    "dollar": ("dollar", "1", "dollar usd buck $"), "cent": ("dollar", "0.01", "cent \u00a2"),
    "dime": ("dollar", "0.1", "dime"), "nickel": ("dollar", "0.05", "nickel"),
    "penny": ("dollar", "0.01", "penny pennie"), "euro": ("euro", "1", "euro eur €"),
    "pound sterling": ("pound sterling", "1", "£ gbp"), "yen": ("yen", "1", "yen"),
    "rupee": ("rupee", "1", "rupee"), "peso": ("peso", "1", "peso"),
    "yuan": ("yuan", "1", "yuan rmb"), "franc": ("franc", "1", "franc"),
    "degree": ("degree", "1", "degree deg °"), "radian": ("radian", "1", "radian rad"),
    "celsius": ("celsius", "1", "celsius centigrade"),
    "fahrenheit": ("fahrenheit", "1", "fahrenheit"), "kelvin": ("kelvin", "1", "kelvin"),
    "unit": ("unit", "1", "unit"), "%": ("%", "1", "percent pct %"),
}  # fmt: skip


def _scale(dimensions: str, factor: Fraction) -> Scale:
    parts = (part.partition("^") for part in dimensions.split())
    return Scale(tuple((name, int(power or 1)) for name, _, power in parts), factor)


_PREFIXED: Final = [
    (prefix + symbol, long + name, _scale(dimensions, Fraction(factor) * Fraction(10) ** exponent))
    for symbol, (dimensions, factor, names, _) in _METRIC.items()
    for prefix, (long, exponent) in _PREFIXES.items()
    for name in names.split()
]
SCALES: Final = {
    **{symbol: _scale(row[0], Fraction(row[1])) for symbol, row in _METRIC.items()},
    **{symbol: scale for symbol, _, scale in _PREFIXED},
    **{name: _scale(row[0], Fraction(row[1])) for name, row in _OTHERS.items()},
}
"""Every unit by its standard name."""

SYMBOLS: Final = {
    **{prefix + symbol: prefix + symbol for symbol, row in _METRIC.items()
       for prefix in row[3].split()},
    **{symbol: symbol for symbol in _METRIC if symbol not in ("A", "B", "bit")},
    "h": "hour", "l": "L", "ml": "mL", "cl": "cL", "dl": "dL", "in": "inch",
    "kWh": "kWh", "ha": "hectare", "mi": "mile",
}  # fmt: skip
"""Standard names by symbols, whose case counts."""

NAMES: Final = {
    **{name: symbol for symbol, row in _METRIC.items() for name in row[2].split()},
    **{name: symbol for symbol, name, _ in _PREFIXED},
    **{name: standard for standard, row in _OTHERS.items() for name in row[2].split()},
    **{name: name for name in ("cm", "mm", "km", "kg")},
    "ml": "mL", "cms": "cm", "kms": "km", "kgs": "kg", "gm": "g", "gms": "g", "mls": "mL",
    "sec": "s", "secs": "s",
}  # fmt: skip
"""Standard names by spellings, in small letters and without a plural ending."""
