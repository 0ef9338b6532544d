"""Schemas whose validation costs no more than a multiple of the bytes that are read.

pydantic collects an error for each wrong item, about 1 KB of memory for as few as two bytes, and CPython's hashes of
numbers have no secret, so keys can be chosen that all have the same one and take quadratic time to insert. In a
bounded schema

* validation of a collection stops at its first wrong item,
* unexpected fields of a model that forbids them are one error, or a few,
* integers that are keys or items of sets have at most 64 bits, of which no more than 17 share a hash,
* other keys without a secret hash (UUIDs, decimals, tuples) are counted by hash, see :class:`HashCounter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from service_core.wire.schema import NAMED, OPAQUE

__all__ = ["HashCounter", "bounded", "counts_hashes"]

MAX_EQUAL_HASHES: Final = 64
"""How many different keys of one value may have the same hash; by accident two do among some billions."""
_MAX_NAMES: Final = 20

_COLLECTIONS: Final[Mapping[str, str]] = {
    "list": "items_schema",
    "deque": "items_schema",
    "set": "items_schema",
    "frozenset": "items_schema",
    "dict": "values_schema",
    "frozendict": "values_schema",
    "ordered-dict": "values_schema",
    "counter": "items_schema",
}
"""Kinds of any number of items, and where the schema of these stands."""
_HASHED: Final[Mapping[str, str]] = {
    "set": "items_schema",
    "frozenset": "items_schema",
    "counter": "items_schema",
    "dict": "keys_schema",
    "frozendict": "keys_schema",
    "ordered-dict": "keys_schema",
}
_SIMPLE: Final = frozenset(
    {"any", "none", "bool", "int", "float", "str", "bytes", "date", "time", "datetime", "literal"}
)
_SECRET_HASHES: Final = _SIMPLE - {"any", "int"} | {"timedelta", "enum", "url", "multi-host-url"}
"""Kinds whose hashes have a secret, or of whose values only a few share one."""


class HashCounter:
    """Counts the different keys of one value by their hashes. Raises PydanticCustomError if too many share one."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[str, list[Any]] = {}  # by the hash as text, since the hash of a text has a secret

    def add(self, key: Any) -> None:
        """Count a key before it is inserted."""
        keys = self._keys.setdefault(str(hash(key)), [key])
        if keys[0] == key:
            return
        if len(keys) >= MAX_EQUAL_HASHES:
            raise PydanticCustomError(
                "equal_hashes", "More than {most} keys have the same hash", {"most": MAX_EQUAL_HASHES}
            )
        keys.append(key)


def bounded(schema: Any, *, pauses: bool = False) -> Any:
    """A copy of a core schema that validates in linear time and memory.

    With ``pauses`` a Python function is called before each item that is no simple value, so that a thread that
    validates a large value lets others run; pydantic itself holds the interpreter's lock from begin to end.
    """
    return _Bounds(pauses=pauses).of(schema)


def counts_hashes(schema: Any) -> bool:
    """Whether a bounded schema needs a :class:`HashCounter` as the context of validation."""
    if isinstance(schema, dict):
        return schema.get("function") == _COUNTED or any(
            counts_hashes(part) for key, part in schema.items() if key not in OPAQUE
        )
    return isinstance(schema, list | tuple) and any(counts_hashes(part) for part in schema)


class _Bounds:
    def __init__(self, *, pauses: bool) -> None:
        self._pauses = pauses

    def of(self, part: Any, *, forbids: bool = False) -> Any:
        """A bounded copy; ``forbids`` says that the model around it forbids fields that are not declared."""
        if isinstance(part, list | tuple):
            return type(part)(self.of(one, forbids=forbids) for one in part)
        if not isinstance(part, dict):
            return part
        config = part.get("config") or {}
        forbids = config.get("extra_fields_behavior") == "forbid" if _has_config(part) else forbids
        copy = {key: self._part(key, inner, forbids=forbids) for key, inner in part.items()}
        return self._with_bounds(copy, forbids=forbids)

    def _part(self, key: str, part: Any, *, forbids: bool) -> Any:
        if key in OPAQUE or key in ("serialization", "config"):
            return part
        if key in NAMED and isinstance(part, dict):
            return {name: self.of(named) for name, named in part.items()}
        return self.of(part, forbids=forbids)

    def _with_bounds(self, schema: dict[str, Any], *, forbids: bool) -> dict[str, Any]:
        kind = str(schema.get("type"))
        if kind in _COLLECTIONS or "variadic_item_index" in schema:
            schema["fail_fast"] = True
        if kind in _HASHED and _HASHED[kind] in schema:
            schema[_HASHED[kind]] = _hashable(schema[_HASHED[kind]])
        if self._pauses and _COLLECTIONS.get(kind) in schema:
            schema[_COLLECTIONS[kind]] = _pausing(schema[_COLLECTIONS[kind]])
        if kind in _EXTRAS and schema.get("extra_behavior", "forbid" if forbids else None) == "forbid":
            return _forbidding(schema, kind)
        return schema


def _has_config(schema: dict[str, Any]) -> bool:
    return schema.get("type") in ("model", "dataclass", "typed-dict")


# keys


def _hashable(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if kind == "int":
        low, high = max(schema.get("ge", -(2**63)), -(2**63)), min(schema.get("le", 2**64 - 1), 2**64 - 1)
        return {**schema, "ge": low, "le": high}
    return schema if kind in _SECRET_HASHES else _around(schema, "function-after", _COUNTED)


def _count(key: Any, info: Any) -> Any:
    if info.context is not None:
        info.context.add(key)
    return key


_COUNTED: Final = {"type": "with-info", "function": _count}


# items


def _pausing(schema: dict[str, Any]) -> dict[str, Any]:
    return schema if schema.get("type") in _SIMPLE else _around(schema, "function-before", _PAUSE)


def _pause(value: Any) -> Any:
    return value  # the interpreter lets other threads run where a function begins


_PAUSE: Final = {"type": "no-info", "function": _pause}


def _around(schema: dict[str, Any], kind: str, function: Mapping[str, Any]) -> dict[str, Any]:
    """A function around a schema, which is referred to where the schema was."""
    inner = dict(schema)
    reference = {"ref": inner.pop("ref")} if "ref" in inner else {}
    return {"type": kind, "function": function, "schema": inner, **reference}


# fields that are not declared


def _forbidding(schema: dict[str, Any], kind: str) -> dict[str, Any]:
    """pydantic's own check makes an error for each; here they are let in, and refused together."""
    known = frozenset(schema["fields"]) if isinstance(schema["fields"], dict) else _names(schema["fields"])
    read = _EXTRAS[kind]

    def refuse(validated: Any) -> Any:
        extras = read(validated, known)
        if extras:
            raise ValidationError.from_exception_data("", [_forbidden(name) for name in extras[:_MAX_NAMES]])
        return (validated[0], None, validated[2]) if kind == "model-fields" else validated

    return _around({**schema, "extra_behavior": "allow"}, "function-after", {"type": "no-info", "function": refuse})


def _names(fields: list[dict[str, Any]]) -> frozenset[str]:
    return frozenset(str(field["name"]) for field in fields)


def _forbidden(name: str) -> InitErrorDetails:
    return InitErrorDetails(type="extra_forbidden", loc=(name,), input=None)


_EXTRAS: Final[Mapping[str, Any]] = {
    "model-fields": lambda validated, known: list(validated[1] or ()),
    "dataclass-args": lambda validated, known: [name for name in validated[0] if name not in known],
    "typed-dict": lambda validated, known: [name for name in validated if name not in known],
}
