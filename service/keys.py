"""API keys: named, scoped, and known here by their digests alone."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

__all__ = [
    "SCOPES",
    "BadKey",
    "Key",
    "NewKey",
    "Scope",
    "make_key",
    "name_of",
    "read_keys",
    "scopes_of",
]

Scope: TypeAlias = Literal["grade", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DIGEST_MARK: Final = "sha256="
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f]")
_MOST_FILE_BYTES: Final = 2**20
_SHAPE: Final = "write name:secret or name+scope:sha256=<digest>"


class BadKey(ValueError):
    """A key is not written as it should be; the message repeats no secret."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key may do, and the SHA-256 of its secret."""

    scopes: frozenset[Scope]
    digest: bytes = field(repr=False)


class NewKey(NamedTuple):
    """A secret nobody has seen yet, and the line by which the service knows it."""

    secret: str
    line: str


def scopes_of(key: Key) -> list[Scope]:
    """What the key may do, in their usual order: all that is ever shown of it."""
    return [scope for scope in SCOPES if scope in key.scopes]


def make_key(name: str, scopes: Iterable[Scope]) -> NewKey:
    """A new key of 256 random bits."""
    if _NAME.fullmatch(name) is None:
        raise BadKey(_bad_name())
    secret = secrets.token_urlsafe(32)
    named = "+".join((name, *dict.fromkeys(scopes)))
    return NewKey(secret, f"{named}:{_DIGEST_MARK}{_digest(secret).hex()}")


def read_keys(text: str, file: Path | None = None) -> dict[str, Key]:
    """The keys of the text, where commas part them, and of the file, where lines do."""
    keys: dict[str, Key] = {}
    entries = [("TOUCHSTONE_API_KEYS", entry) for entry in text.split(",")]
    for source, entry in (*entries, *(_lines(file) if file is not None else ())):
        if not entry.strip():
            continue
        name, key = _key(entry.strip(), source)
        if name in keys:
            raise BadKey(f"{source}: each name may stand once, {name!r} stands twice")
        twin = next((other for other, known in keys.items() if known.digest == key.digest), None)
        if twin is not None:
            raise BadKey(f"{source}: {name!r} has the secret of {twin!r}: give it one of its own")
        keys[name] = key
    return keys


def name_of(secret: bytes, keys: Mapping[str, Key]) -> str | None:
    """The name of the key with this secret, if there is one."""
    if not secret:
        return None
    shown = hashlib.sha256(secret).digest()
    # Every key is compared, so that the time taken tells nothing about which came close.
    found = [name for name, key in keys.items() if hmac.compare_digest(shown, key.digest)]
    return found[0] if found else None


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    try:
        with file.open(encoding="utf-8") as lines:
            if os.fstat(lines.fileno()).st_mode & stat.S_IRWXO:
                raise BadKey(
                    f"TOUCHSTONE_API_KEYS_FILE: everybody can reach {file}: chmod o= {file}"
                )
            content = lines.read(_MOST_FILE_BYTES)
    except UnicodeDecodeError:
        raise BadKey(f"TOUCHSTONE_API_KEYS_FILE: {file} is not UTF-8 text: {_SHAPE}") from None
    except OSError as error:
        raise BadKey(
            f"TOUCHSTONE_API_KEYS_FILE: {file} cannot be read ({error.strerror}):"
            " name a file of keys, a line each"
        ) from None
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.lstrip().startswith("#"):
            yield f"TOUCHSTONE_API_KEYS_FILE, line {number}", line


def _key(entry: str, source: str) -> tuple[str, Key]:
    named, _, secret = entry.partition(":")
    name, *asked = (part.strip() for part in named.split("+"))
    if not secret.strip():
        # What stands here may be a secret without a name: it is not said again.
        raise BadKey(f"{source}: {_SHAPE}, several joined by commas")
    if _NAME.fullmatch(name) is None:
        raise BadKey(f"{source}: {_bad_name()}")
    scopes = frozenset(scope for scope in SCOPES if scope in asked)
    if len(scopes) < len(set(asked)):
        raise BadKey(f"{source}: the scopes of {name!r} may be {' and '.join(SCOPES)}")
    return name, Key(scopes or frozenset({"grade"}), _known_by(secret.strip(), name, source))


def _known_by(secret: str, name: str, source: str) -> bytes:
    digest = secret.removeprefix(_DIGEST_MARK)
    if digest != secret:
        if _DIGEST.fullmatch(digest) is None:
            raise BadKey(f"{source}: the digest of {name!r} is not 64 hexadecimal digits")
        if bytes.fromhex(digest) == _digest(""):
            raise BadKey(f"{source}: the digest of {name!r} is that of no secret at all: make one")
        return bytes.fromhex(digest)
    if _UNFIT.search(secret) is not None:
        raise BadKey(f"{source}: the secret of {name!r} holds white space: no header can carry it")
    return _digest(secret)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _bad_name() -> str:
    return "the name of a key has 1 to 64 letters, digits, dots, dashes or underscores"
