"""Lines of JSON: read with their places, proven by a digest, and written so that any tool reads."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final, NamedTuple, NoReturn

from trainer_client.curate.errors import BadRow, CannotResume

__all__ = ["Line", "Place", "Reader", "encoded", "parsed", "read_at"]

_BOM: Final = b"\xef\xbb\xbf"
_DIGEST_BYTES: Final = 16
_HUGE: Final = re.compile(rb"[eE]\+?\d{3}|\d{309}")  # may be beyond the range of a double


class Line(NamedTuple):
    """One line, without its line break."""

    number: int
    offset: int
    raw: bytes
    size: int  # with its line break


class Place(NamedTuple):
    """How far IN is read; the digest is of all that is before the place."""

    lines: int = 0
    offset: int = 0
    digest: str = ""


class Reader:
    """A file or a pipe from its beginning, line by line; lines of white space are left out."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self._lines = 0
        self._offset = 0

    @property
    def place(self) -> Place:
        """The place after the last line that was read."""
        return Place(self._lines, self._offset, self._hash.hexdigest())

    def __iter__(self) -> Iterator[Line]:
        return (line for line in self._lines_of_all_kinds() if line.raw.strip())

    def skip_to(self, place: Place, seen: Callable[[Line], None]) -> None:
        """Read up to the place, or CannotResume if what is before it has changed."""
        lines = self._lines_of_all_kinds()
        while self._offset < place.offset and (line := next(lines, None)) is not None:
            if line.raw.strip():
                seen(line)
        if place.digest and self.place != place:
            raise CannotResume(
                f"the input has changed in the {place.lines:,} lines that are done: "
                "put it back as it was, or delete the output to begin anew"
            )

    def go_back(self) -> None:
        """Stand again where the reading stopped, after a look elsewhere."""
        self._stream.seek(self._offset)

    def _lines_of_all_kinds(self) -> Iterator[Line]:
        for raw in self._stream:
            offset = self._offset
            self._hash.update(raw)
            self._lines += 1
            self._offset += len(raw)
            yield _line(raw, number=self._lines, offset=offset)


def read_at(stream: BinaryIO, *, number: int, offset: int) -> Line:
    """The line that begins at the offset."""
    if stream.tell() != offset:
        stream.seek(offset)
    return _line(stream.readline(), number=number, offset=offset)


def parsed(raw: bytes) -> dict[str, object]:
    """The object in a line, or a BadRow that says what is wrong and quotes nothing."""
    try:
        # Decoders of byte-level tokens do write half of a pair, as an escape or as bytes.
        row = json.loads(raw.decode("utf-8", "surrogatepass"), parse_constant=_no_json)
    except UnicodeDecodeError as error:
        raise BadRow(f"is not UTF-8 (byte {error.start + 1} of the line)") from error
    except json.JSONDecodeError as error:
        raise BadRow(f"is not JSON ({error.msg} at column {error.colno})") from error
    except RecursionError as error:
        raise BadRow("is nested too deeply") from error
    except ValueError as error:  # an integer of more than 4,300 digits
        raise BadRow(f"holds a number that cannot be read ({error})") from error
    if not isinstance(row, dict):
        raise BadRow(f"is of type {type(row).__name__}: write one JSON object a line")
    if _HUGE.search(raw):
        _check_range(row)
    return row


def encoded(row: Mapping[str, object]) -> bytes:
    """One line of strict JSON in UTF-8; half of a surrogate pair stays as its escape."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _check_range(row: Mapping[str, object]) -> None:
    try:
        json.dumps(row, allow_nan=False)
    except ValueError as error:
        raise BadRow("holds a number beyond the range of a double: write a string") from error


def _line(raw: bytes, *, number: int, offset: int) -> Line:
    text = raw.rstrip(b"\r\n")
    return Line(number, offset, text.removeprefix(_BOM) if offset == 0 else text, len(raw))


def _no_json(name: str) -> NoReturn:
    raise BadRow(f"holds {name}, which is no JSON: write null or a number")
