"""Unknown names, told with the known one that is meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["unknown"]


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """A message about a name that is not known, with the nearest that is, else with all."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"{what} {name!r} is unknown: did you mean {near[0]!r}?"
    listed = ", ".join(names) if len(names) <= 40 else f"{', '.join(names[:40])}, ..."
    return f"{what} {name!r} is unknown; known are: {listed}"
