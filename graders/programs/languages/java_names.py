"""What a Java program's text says of its file and of the class to be started."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from graders.programs.languages.contract import Names

__all__ = ["java_names"]

_LEXEME: Final = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|"{3}(?:\\.|[^\\])*?(?:"{3}|\Z)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?"""
    r"""|(?P<word>[^\W\d][\w$]*|\$[\w$]*)|(?P<sign>[{}();])""",
    re.DOTALL,
)
_KINDS: Final = ("class", "interface", "enum", "record")
_LONGEST: Final = 200
"""Bytes of a name; a file's may have 255."""
_PLAIN: Final = "Main"


@dataclass(slots=True)
class _Unit:
    """What has been found in the text so far; words are those since the last sign."""

    package: str = ""
    classes: list[str] = field(default_factory=list)
    public: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    depth: int = 0


def java_names(source: str) -> Names:
    """The file that javac wants it in, and its class with a main method, the public one first."""
    unit = _Unit()
    for lexeme in _lexemes(source):
        _read(unit, lexeme)
    wanted = [*unit.public, _PLAIN, *unit.started]
    main = next((name for name in wanted if name in unit.started), None)
    file = next(iter(unit.public), None) or main or _PLAIN
    main = main or next(iter(unit.classes), _PLAIN)
    whole = f"{unit.package}.{main}" if unit.package else main
    return Names(f"{_short(file)}.java", main=_short(whole))


def _lexemes(source: str) -> Iterator[str]:
    for match in _LEXEME.finditer(source):
        if match.lastgroup is not None:
            yield match[0]


def _read(unit: _Unit, lexeme: str) -> None:
    if lexeme not in "{}();":
        if unit.depth <= 1:
            unit.words.append(lexeme)
        return
    if lexeme in "({":
        _open(unit, lexeme)
        unit.depth += 1
    elif lexeme in ")}":
        unit.depth = max(0, unit.depth - 1)
    elif unit.depth == 0 and unit.words[:1] == ["package"]:
        unit.package = ".".join(unit.words[1:])
    # What stands in the parentheses of an annotation or a record does not end a header.
    if lexeme in "{};" and unit.depth <= 1:
        unit.words.clear()


def _open(unit: _Unit, sign: str) -> None:
    words = unit.words
    if unit.depth == 0 and sign == "{":
        for kind, name in itertools.pairwise(words):
            if kind in _KINDS:
                unit.classes.append(name)
                unit.public += [name] if "public" in words[: words.index(kind)] else []
                return
    if unit.depth == 1 and sign == "(" and words[-1:] == ["main"] and "static" in words:
        unit.started += unit.classes[-1:]


def _short(name: str) -> str:
    return name if len(name.encode()) <= _LONGEST else _PLAIN
