"""The script a slot's warm parent is started as; after the fork, the frame below every program.

It puts empty packages where `sandbox` and its folders would be imported, so that the warm parent
loads the few modules it needs and neither the room's door nor what that loads.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

__all__ = ["main"]


def main(control: int) -> Callable[[], NoReturn]:
    """Serve the owner; returns only in the process of a run, with what it is to do."""
    room = Path(__file__).resolve().parents[2]
    for folder in (room, room / "backends", room / "backends" / "forkserver"):
        name = ".".join(folder.relative_to(room.parent).parts)
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    from sandbox.backends.forkserver import warm

    return warm.serve(control)


if __name__ == "__main__":
    # Called from here, so that of all our frames a program is left with this one and one more.
    main(int(sys.argv[1]))()
