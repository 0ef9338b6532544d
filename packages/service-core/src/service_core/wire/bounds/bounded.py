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

from pydantic_core import PydanticCustomError

from service_core.wire.methods.sent_fields import Defaults
from service_core.wire.schema import NAMED
from service_core.wire.types.schema_parts import OBJECTS, OPAQUE
from service_core.wire.types.unknown_fields import refusing_fields

MAX_EQUAL_HASHES: Final = 64
"""How many different keys of one value may have the same hash; by accident two do among some billions."""

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


_WITH_FIELDS: Final = frozenset({"model-fields", "dataclass-args", "typed-dict"})


class HashCounter:
    """Counts the different keys of one value by their hashes. Raises PydanticCustomError if too many share one."""

    __slots__ = ("_keys", "defaults")

    def __init__(self, defaults: Defaults | None = None) -> None:
        self.defaults: Defaults = defaults or {}
        """Those of the caller's fields, if the value is read by a schema that is bounded for a caller."""
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


def bounded(schema: Any, *, pauses: bool = False, for_caller: bool = False) -> Any:
    """A copy of a core schema that validates in linear time and memory.

    ``for_caller`` is for values of a caller that declares other fields: those that are unknown here are refused unless
    they have the caller's default, see :class:`HashCounter`. With ``pauses`` a Python function is called before each
    item that is no simple value, so that a thread that validates a large value lets others run; pydantic itself holds
    the interpreter's lock from begin to end.
    """
    return _Bounds(pauses=pauses, for_caller=for_caller).of(schema)


def counts_hashes(schema: Any) -> bool:
    """Whether a bounded schema needs a :class:`HashCounter` as the context of validation."""
    if isinstance(schema, dict):
        return schema.get("function") == _COUNTED or any(
            counts_hashes(part) for key, part in schema.items() if key not in OPAQUE
        )
    return isinstance(schema, list | tuple) and any(counts_hashes(part) for part in schema)


class _Bounds:
    def __init__(self, *, pauses: bool, for_caller: bool) -> None:
        self._pauses = pauses
        self._for_caller = for_caller

    def of(self, part: Any, *, extra: str = "ignore") -> Any:
        """A bounded copy; ``extra`` is what the model around it does with fields that are not declared."""
        if isinstance(part, list | tuple):
            return type(part)(self.of(one, extra=extra) for one in part)
        if not isinstance(part, dict):
            return part
        if part.get("type") in OBJECTS:
            extra = (part.get("config") or {}).get("extra_fields_behavior") or "ignore"
        copy = {key: self._part(key, inner, extra=extra) for key, inner in part.items()}
        return self._with_bounds(copy, extra=extra)

    def _part(self, key: str, part: Any, *, extra: str) -> Any:
        if key in OPAQUE or key in ("serialization", "config"):
            return part
        if key in NAMED and isinstance(part, dict):
            return {name: self.of(named) for name, named in part.items()}
        return self.of(part, extra=extra)

    def _with_bounds(self, schema: dict[str, Any], *, extra: str) -> dict[str, Any]:
        kind = str(schema.get("type"))
        if kind in _COLLECTIONS or "variadic_item_index" in schema:
            schema["fail_fast"] = True
        if kind in _HASHED and _HASHED[kind] in schema:
            schema[_HASHED[kind]] = hashable(schema[_HASHED[kind]])
        if self._pauses and _COLLECTIONS.get(kind) in schema:
            schema[_COLLECTIONS[kind]] = _pausing(schema[_COLLECTIONS[kind]])
        if kind in _WITH_FIELDS:
            extra = schema.get("extra_behavior") or extra
            if extra == "forbid" or (self._for_caller and extra == "ignore"):
                return refusing_fields(schema, of_caller=self._for_caller)
        return schema


# keys


def hashable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a key, or of an item of a set, of which few can be chosen that have the same hash."""
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
