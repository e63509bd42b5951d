"""Which columns of a dataset the graders read: asked of the service, so that nobody lists them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from trainer_client.verdicts import GraderInfo

__all__ = ["ReferenceKeys", "columns_by_key", "reference_keys"]

_STRUCTURES: Final = frozenset({"object", "array", "null"})


class ReferenceKeys(NamedTuple):
    """The keys that the graders of a run read from an item's reference."""

    readers: Mapping[str, str]
    """The grader that reads each key; the first, where several do."""
    required: frozenset[str]
    structured: frozenset[str]
    """Those that hold an object or a list and never a text."""


def reference_keys(offered: Sequence[GraderInfo], names: Collection[str] | None) -> ReferenceKeys:
    """What the graders of these names read, or all that are offered where rows name their own."""
    known = {info.name: info for info in offered}
    for name in names or ():
        if name not in known:
            raise ValueError(
                f"the service has no grader {name!r}{_perhaps(name, known)}; "
                f"it has {', '.join(sorted(known))}"
            )
    readers: dict[str, str] = {}
    texts: set[str] = set()
    required: set[str] = set()
    for info in known.values() if names is None else [known[name] for name in names]:
        for key, schema in _object(info.reference.get("properties")).items():
            readers.setdefault(key, info.name)
            if not _kinds(schema, info.reference) <= _STRUCTURES:
                texts.add(key)
        if names is not None:
            required.update(str(key) for key in _list(info.reference.get("required")))
    return ReferenceKeys(readers, frozenset(required), frozenset(readers.keys() - texts))


def columns_by_key(
    keys: ReferenceKeys, columns: Mapping[str, str], present: Collection[str]
) -> Mapping[str, str]:
    """The column of each key that the dataset has, or a ValueError that says what to map."""
    for key, column in columns.items():
        if key not in keys.readers:
            known = ", ".join(sorted(keys.readers)) or "nothing"
            raise ValueError(f"columns names {key!r}, and the graders read {known}")
        if column not in present:
            raise ValueError(
                f"columns takes {key!r} from {column!r}, and the dataset has no such column"
                f"{_perhaps(column, present)}; it has {_listed(present)}"
            )
    found = {key: columns.get(key, key) for key in keys.readers}
    for key in sorted(keys.required):
        if found[key] not in present:
            raise ValueError(
                f"the grader {keys.readers[key]} needs the reference {key!r}, and the dataset has "
                f'no such column: give columns={{"{key}": "<column>"}}; it has {_listed(present)}'
            )
    return {key: column for key, column in found.items() if column in present}


def _kinds(schema: object, root: Mapping[str, object]) -> set[str]:
    """The JSON types a schema admits, as far as it says; "any" where it does not."""
    fields = _object(schema)
    match fields.get("$ref"):
        case str(place):
            definitions = _object(root.get("$defs"))
            return _kinds(definitions.get(place.rpartition("/")[2]), root)
    for several in ("anyOf", "oneOf"):
        if several in fields:
            return {kind for one in _list(fields[several]) for kind in _kinds(one, root)}
    kind = fields.get("type", "any")
    return {str(one) for one in (kind if isinstance(kind, list) else [kind])}


def _perhaps(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (perhaps {near[0]!r}?)" if near else ""


def _listed(present: Collection[str]) -> str:
    return ", ".join(sorted(present)) or "none beside the prompt"


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
