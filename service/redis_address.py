"""Where Redis is, as its URL says: one server, Sentinels that know it, or nodes of a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from urllib.parse import SplitResult, parse_qs, urlsplit

from redis.asyncio.connection import parse_url

__all__ = ["BadRedisUrl", "Place", "RedisAddress", "read_redis_url", "shown_url"]

Kind: TypeAlias = Literal["one", "sentinel", "cluster"]

_SCHEMES: Final[Mapping[str, tuple[str, Kind]]] = {
    "redis": ("redis", "one"),
    "rediss": ("rediss", "one"),
    "unix": ("unix", "one"),
    "redis+sentinel": ("redis", "sentinel"),
    "rediss+sentinel": ("rediss", "sentinel"),
    "redis+cluster": ("redis", "cluster"),
    "rediss+cluster": ("rediss", "cluster"),
}
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OF_SENTINEL: Final = frozenset({"sentinel_username", "sentinel_password"})
_NOT_OF_THE_MASTER: Final = _OF_SENTINEL | {"connection_class", "host", "port"}
_OF_TLS: Final = frozenset({*_FILES, "ssl_check_hostname", "ssl_password"})
_OF_A_SOCKET: Final = frozenset({"username", "password"})
_USUAL_PORTS: Final[Mapping[Kind, int]] = {"one": 6379, "sentinel": 26379, "cluster": 6379}
_ESCAPE: Final = "percent-encode / ? # @ & [ and ] in the password, such as %2F for /"
_NAME: Final = re.compile(r"[a-z_]{1,32}")
_SECRETS: Final = re.compile(r"\A(\s*[\w+.-]*:/+)?.*@", re.DOTALL)
# What stands for a port and is none: the host may have been forgotten, and this be the password.
_NO_PORT: Final = re.compile(r":(?!/|\d{1,5}(?:[,/]|\Z))[^\[\]:,/]+(?=[,/]|\Z)")
_HOST: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:,\s]+)(?::(\d{1,5}))?\Z")


class BadRedisUrl(ValueError):
    """The URL names no Redis; the message says what to write, and shows no password."""


class Place(NamedTuple):
    """A server's host and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class RedisAddress:
    """A URL that was read: whom to ask, for which master, and how to connect."""

    kind: Kind
    tls: bool
    places: Sequence[Place]
    master: str
    # Any: redis-py's own keywords, of many types.
    options: Mapping[str, Any]
    asking: Mapping[str, Any]
    """How to connect to a Sentinel, where that differs from `options`."""


def read_redis_url(url: str) -> RedisAddress:
    """What the URL says, or BadRedisUrl."""
    parts = _split(url)
    if parts.scheme not in _SCHEMES:
        known = ", ".join(f"{name}://" for name in _SCHEMES)
        raise BadRedisUrl(f"{shown_url(url)!r} begins with none of {known}")
    if "#" in url or "@" in parts.path + parts.query:
        raise BadRedisUrl(f"{shown_url(url)!r}: {_ESCAPE}")
    scheme, kind = _SCHEMES[parts.scheme]
    if kind == "one":
        _check_query(url, parts, scheme=scheme, kind=kind)
        return RedisAddress(kind, scheme == "rediss", (), "", _options(url, url), {})
    user, at, hosts = parts.netloc.rpartition("@")
    master = _master(url, parts) if kind == "sentinel" else ""
    if kind == "cluster" and (parts.path.strip("/") not in {"", "0"} or "db=" in parts.query):
        raise BadRedisUrl(f"{shown_url(url)!r}: a cluster has one database, so name none")
    query = _check_query(url, parts, scheme=scheme, kind=kind)
    options = _options(f"{scheme}://{user}{at}localhost?{parts.query}", url)
    asking = {name: value for name, value in options.items() if name.startswith("ssl_")}
    for name in _OF_SENTINEL & query.keys():
        asking[name.removeprefix("sentinel_")] = query[name][0]
    kept = {name: value for name, value in options.items() if name not in _NOT_OF_THE_MASTER}
    return RedisAddress(kind, scheme == "rediss", _places(url, hosts, kind), master, kept, asking)


def shown_url(url: str) -> str:
    """A URL without its secrets, wherever in it they were put."""
    place, mark, query = _SECRETS.sub(r"\1***@", url).partition("?")
    place, sharp, _ = place.partition("#")
    place = _NO_PORT.sub(":***", place) + (sharp and "#***")
    pairs = [pair.partition("=") for pair in query.split("&")] if mark else []
    named = [
        f"{name}=***" if value and _NAME.fullmatch(name) else "***" for name, _, value in pairs
    ]
    return place + mark + "&".join(named)


def _places(url: str, hosts: str, kind: Kind) -> Sequence[Place]:
    found = [_HOST.match(host.strip()) for host in hosts.split(",")]
    places = [
        Place(match[1].strip("[]"), int(match[2] or _USUAL_PORTS[kind]))
        for match in found
        if match is not None
    ]
    if len(places) < len(found) or any(not 0 < place.port < 65_536 for place in places):
        raise BadRedisUrl(f"{shown_url(url)!r}: write the hosts as host:port,host:port")
    return places


def _master(url: str, parts: SplitResult) -> str:
    name = parts.path.strip("/")
    if not name or "/" in name:
        raise BadRedisUrl(
            f"{shown_url(url)!r}: put the master's name behind the Sentinels, as in"
            " redis+sentinel://host:26379,host:26379/mymaster"
        )
    return name


def _check_query(
    url: str, parts: SplitResult, *, scheme: str, kind: Kind
) -> Mapping[str, Sequence[str]]:
    query = parse_qs(parts.query, keep_blank_values=True)
    known = {"db"} if kind != "cluster" else set()
    known |= _OF_TLS if scheme == "rediss" else set()
    known |= _OF_A_SOCKET if scheme == "unix" else set()
    known |= _OF_SENTINEL if kind == "sentinel" else set()
    for name in query.keys() - known:
        offered = ", ".join(sorted(known)) or "none"
        if _NAME.fullmatch(name) is None or not any(query[name]):
            raise BadRedisUrl(f"{shown_url(url)!r}: {_ESCAPE}; the options are: {offered}")
        raise BadRedisUrl(f"{shown_url(url)!r}: no option {name!r}; there are: {offered}")
    for name in _FILES:
        for file in query.get(name, ()):
            if not Path(file).is_file():
                raise BadRedisUrl(
                    f"{shown_url(url)!r}: {name} names no file that can be read: {file}"
                )
    return query


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        # Its own words would repeat what may be a password.
        raise BadRedisUrl(f"{shown_url(url)!r} is no URL: {_ESCAPE}") from None


def _options(plain: str, url: str) -> Mapping[str, Any]:
    try:
        _ = urlsplit(plain).port
    except ValueError:
        raise BadRedisUrl(f"{shown_url(url)!r}: the port is no number up to 65535") from None
    try:
        return dict(parse_url(plain))
    except ValueError as error:
        raise BadRedisUrl(f"{shown_url(url)!r}: {error}") from None
