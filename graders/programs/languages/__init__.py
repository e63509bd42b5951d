"""The languages that programs can be written in."""

from __future__ import annotations

from typing import Final

from graders.programs.languages.bash import BASH
from graders.programs.languages.c import C
from graders.programs.languages.contract import (
    SELF_TEST_STDIN,
    SELF_TEST_STDOUT,
    Language,
    Names,
    Needs,
)
from graders.programs.languages.cpp import CPP
from graders.programs.languages.go import GO
from graders.programs.languages.java import JAVA
from graders.programs.languages.javascript import JAVASCRIPT
from graders.programs.languages.python import PYTHON
from graders.programs.languages.rust import RUST
from graders.programs.languages.typescript import TYPESCRIPT
from graders.programs.tasks import LanguageName

__all__ = [
    "LANGUAGES",
    "SELF_TEST_STDIN",
    "SELF_TEST_STDOUT",
    "Language",
    "Names",
    "Needs",
    "scaled_cpu_s",
]

LANGUAGES: Final[dict[LanguageName, Language]] = {
    "python": PYTHON,
    "c": C,
    "cpp": CPP,
    "javascript": JAVASCRIPT,
    "typescript": TYPESCRIPT,
    "java": JAVA,
    "go": GO,
    "rust": RUST,
    "bash": BASH,
}


def scaled_cpu_s(cpu_s: float, *, language: LanguageName, calibrated_for: LanguageName) -> float:
    """The CPU time in one language that is as generous as `cpu_s` in another.

    What a runtime needs to start is not part of either: `Program.job` adds it.
    """
    ratio = LANGUAGES[language].cpu_multiple / LANGUAGES[calibrated_for].cpu_multiple
    return cpu_s * ratio
