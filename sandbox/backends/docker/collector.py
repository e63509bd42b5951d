"""Brings the wanted files out of a container once the program in it is dead.

Its text is sent into the container after that of `confinement` and `frames`, and runs as the
program's user.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox.backends.docker.frames import pack, read_from, unpack
from sandbox.confinement import collect

__all__ = ["main"]

_WORK: Final = Path("/work")
_LINKED: Final = "not_regular"
_MOST_QUESTION: Final = 2**20


def main() -> None:
    head, _ = unpack(read_from(0), most_bytes=_MOST_QUESTION)
    folder = os.open(_WORK, os.O_RDONLY | os.O_DIRECTORY)
    # gVisor follows a link to a folder even where it is told not to.
    linked = [name for name in head["names"] if not _open_up(name)]
    plain = [name for name in head["names"] if name not in linked]
    files, unfetched = collect(folder, plain, most_bytes=head["most_bytes"])
    answer = {"names": list(files), "unfetched": {**unfetched, **dict.fromkeys(linked, _LINKED)}}
    for part in pack(answer, list(files.values())):
        left = memoryview(part)
        while left:
            left = left[os.write(1, left) :]


def _open_up(name: str) -> bool:
    """Undo what the program did to the modes on the way to a file; False where a link is on it."""
    path = _WORK
    for part in name.split("/"):
        path /= part
        if path.is_symlink():
            return False
        with suppress(OSError):
            path.chmod(0o700)
    return True


if __name__ == "__main__":
    main()
