"""The wire's rules, put into the schema that pydantic has for a type.

pydantic takes rules such as "bytes as base64" from each model's own configuration, so a model that says nothing
could not carry arbitrary bytes in JSON. The wire's rules therefore go into the schema of every nested type:

* bytes are base64 in JSON (url-safe alphabet, as pydantic writes it) and raw in msgpack,
* NaN and infinity are refused,
* what the formats have no form for, such as dates, enums and sets, is read from text or a list also where a model
  is strict; strict numbers, texts and truth values stay strict,
* a serializer that is meant for JSON works for msgpack too,
* computed fields stay at home.

The rules hold for the JSON schema that pydantic makes of it, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

__all__ = ["NAMED", "OPAQUE", "RULES", "UnsendableType", "kinds", "with_rules"]

RULES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "ser_json_bytes": "base64",
        "val_json_bytes": "base64",
        "ser_json_inf_nan": "constants",  # so that it can be seen and refused, instead of becoming null
        "allow_inf_nan": False,
    }
)

_CONFIGURED: Final = frozenset({"model", "dataclass", "typed-dict"})
_WITHOUT_A_FORM: Final = frozenset(
    {"date", "datetime", "time", "timedelta", "decimal", "uuid", "url", "multi-host-url", "complex", "enum"}
    | {"tuple", "set", "frozenset", "call", "dataclass", "model"}
    | {"union", "tagged-union", "json-or-python", "lax-or-strict"}
)
_FOR_JSON: Final = {"json": "always", "json-unless-none": "unless-none"}
_NOT_FOR_KEYS: Final = frozenset(
    {"tuple", "list", "set", "frozenset", "dict", "call", "dataclass", "model", "typed-dict"}
    | {"union", "tagged-union", "nullable", "none"}
)
_UNSENDABLE: Final = {
    "generator": "iterables are read one by one, so they would not be validated; use a list",
    "callable": "functions do not travel",
    "is-subclass": "classes do not travel",
}

OPAQUE: Final = frozenset({"cls", "metadata", "function", "default", "expected", "members"})
"""Parts of a schema that hold classes, functions and values."""
NAMED: Final = frozenset({"fields", "choices"})
"""Parts whose keys are names that the user chose."""


class UnsendableType(TypeError):
    """Values of a type can be validated but not sent; says why, and what to use instead."""


def with_rules(schema: Any, rules: Mapping[str, Any] = RULES) -> Any:
    """A copy of a core schema that follows the wire's rules. Raises UnsendableType."""
    if isinstance(schema, dict):
        return _schema_with_rules(schema, rules)
    if isinstance(schema, list | tuple):
        return type(schema)(with_rules(part, rules) for part in schema)
    return schema


def kinds(schema: Any) -> set[str]:
    """The kinds of all parts of a core schema; ``custom`` among them if one has a serializer of its own."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            kind = part.get("type")
            if isinstance(kind, str):
                found.add(kind)
            if "serialization" in part:
                found.add("custom")
            waiting += [inner for key, inner in part.items() if key not in OPAQUE and not isinstance(inner, str)]
        elif isinstance(part, list | tuple):
            waiting += part
    return found


def _schema_with_rules(schema: dict[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(schema.get("type"))
    if kind in _UNSENDABLE:
        raise UnsendableType(_UNSENDABLE[kind])
    if kind == "dict" and not _are_keys(schema.get("keys_schema", {})):
        raise UnsendableType("keys of maps are written as text, so they must be values of one simple type; use pairs")
    copy = {key: _part_with_rules(key, part, rules) for key, part in schema.items()}
    if kind in _CONFIGURED:
        copy["config"] = {**(schema.get("config") or {}), **rules}
    if kind in _WITHOUT_A_FORM:
        copy["strict"] = False
    if kind in _DESCRIBED:
        copy["metadata"] = {**(schema.get("metadata") or {}), "pydantic_js_updates": _DESCRIBED[kind](schema)}
    copy.pop("computed_fields", None)
    when = schema.get("when_used", "json-unless-none" if kind in ("to-string", "format") else None)
    if when in _FOR_JSON:
        copy["when_used"] = _FOR_JSON[when]
    return copy


def _are_keys(schema: dict[str, Any]) -> bool:
    """Whether values can be read from their text alone."""
    if schema.get("type") == "literal":
        return all(isinstance(value, str) for value in schema["expected"])
    return schema.get("type") not in _NOT_FOR_KEYS


def _part_with_rules(key: str, part: Any, rules: Mapping[str, Any]) -> Any:
    if key in OPAQUE:
        return part
    if key in NAMED and isinstance(part, dict):
        return {name: with_rules(named, rules) for name, named in part.items()}
    return with_rules(part, rules)


# What JSON schema says about values whose text pydantic describes less exactly than it is.


def _bytes(schema: Mapping[str, Any]) -> dict[str, Any]:
    lengths = {"maxLength": schema.get("max_length"), "minLength": schema.get("min_length")}
    in_characters = {name: 4 * math.ceil(length / 3) for name, length in lengths.items() if length is not None}
    return {"format": "base64url", "contentEncoding": "base64url", "pattern": _BASE64} | in_characters


def _timedelta(_schema: Mapping[str, Any]) -> dict[str, Any]:
    # Not the format "duration", which has no parts of seconds (RFC 3339, appendix A).
    return {"format": "iso8601-duration", "pattern": _DURATION}


_DESCRIBED: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "bytes": _bytes,
    "timedelta": _timedelta,
}
# With no bits behind the last byte, which pydantic refuses.
_BASE64: Final = r"^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]==|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]=)?$"
_SECONDS: Final = r"\d{1,2}(\.\d{1,6})?S"
_TIME: Final = rf"T(\d{{1,2}}H(\d{{1,2}}M)?({_SECONDS})?|\d{{1,2}}M({_SECONDS})?|{_SECONDS})"
_DURATION: Final = rf"^-?P(\d{{1,8}}D({_TIME})?|{_TIME})$"
