"""The wire's rules, put into the schema that pydantic has for a type.

pydantic takes rules such as "bytes as base64" from each model's own configuration, so a model that says nothing
could not carry arbitrary bytes in JSON. The wire's rules therefore go into the schema of every nested type:

* bytes are base64 in JSON (url-safe alphabet, as pydantic writes it) and raw in msgpack,
* NaN and infinity are refused,
* what the formats have no form for, such as dates, enums and sets, is read from text or a list also where a model
  is strict; strict numbers, texts and truth values stay strict, and those that are members of a union become so,
* a serializer that is meant for JSON works for msgpack too; secrets are written as what they hold,
* computed fields do not travel.

The rules hold for the JSON schema that pydantic makes of it, too.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any, Final

from service_core.wire.types import exact
from service_core.wire.types.json_forms import is_of_pydantic
from service_core.wire.types.schema_parts import OPAQUE, parts_of

RULES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "ser_json_bytes": "base64",
        "val_json_bytes": "base64",
        "ser_json_temporal": "iso8601",
        "ser_json_inf_nan": "constants",  # so that it can be seen and refused, instead of becoming null
        "allow_inf_nan": False,
    }
)

_CONFIGURED: Final = frozenset({"model", "dataclass", "typed-dict"})
_WITHOUT_A_FORM: Final = frozenset(
    {"date", "datetime", "time", "timedelta", "decimal", "uuid", "url", "multi-host-url", "complex", "enum"}
    | {"tuple", "set", "frozenset", "call", "dataclass", "model", "named-tuple", "deque", "fraction"}
    | {"union", "tagged-union", "json-or-python", "lax-or-strict"}
)
_FOR_JSON: Final = {"json": "always", "json-unless-none": "unless-none"}
_STRICT_IN_UNIONS: Final = frozenset({"bool", "int", "float"})
_SIMPLE: Final = frozenset(
    {"none", "bool", "int", "float", "str", "bytes", "date", "time", "datetime", "timedelta", "decimal", "uuid"}
    | {"literal", "enum"}
)
"""Kinds whose values are immutable and hold no others, so that sets of them stay sets."""

NAMED: Final = frozenset({"fields", "choices"})
"""Parts whose keys are names that the user chose."""


def with_rules(schema: Any, rules: Mapping[str, Any] = RULES, *, in_union: bool = False) -> Any:
    """A copy of a core schema that follows the wire's rules."""
    if isinstance(schema, dict):
        return _schema_with_rules(schema, rules, in_union)
    if isinstance(schema, list | tuple):
        return type(schema)(with_rules(part, rules, in_union=in_union) for part in schema)
    return schema


def kinds(schema: Any) -> set[str]:
    """The kinds of all parts of a core schema; ``custom`` among them if one has a serializer of its own."""
    found: set[str] = set()
    for part in parts_of(schema, OPAQUE | {"serialization"}):
        found.add(part["type"])
        if "serialization" in part and part["serialization"].get("function") is not exact.whole_minutes:
            found.add("custom")
    return found


def classes_in(schema: Any) -> tuple[type, ...]:
    """The classes of the models and dataclasses in a schema."""
    return tuple({part["cls"]: None for part in parts_of(schema) if part["type"] in ("model", "dataclass")})


def _schema_with_rules(schema: dict[str, Any], rules: Mapping[str, Any], in_union: bool) -> dict[str, Any]:
    kind = str(schema.get("type"))
    within = _is_within_union(kind, schema, in_union)
    copy = {key: _part_with_rules(key, part, rules, within) for key, part in schema.items()}
    if kind in _CONFIGURED:
        copy["config"] = {**(schema.get("config") or {}), **rules}
    if kind in _WITHOUT_A_FORM:
        copy["strict"] = False
    if in_union and kind in _STRICT_IN_UNIONS:
        copy["strict"] = True
    if kind in _DESCRIBED:
        copy["metadata"] = {**(schema.get("metadata") or {}), "pydantic_js_updates": _DESCRIBED[kind](schema)}
    copy.pop("computed_fields", None)
    when = schema.get("when_used", "json-unless-none" if kind in ("to-string", "format") else None)
    if when in _FOR_JSON:
        copy["when_used"] = _FOR_JSON[when]
    return _exact(kind, copy)


def _is_within_union(kind: str, schema: Mapping[str, Any], in_union: bool) -> bool:
    """Whether the parts of a schema are, as far as their numbers go, members of a union."""
    if kind in ("union", "tagged-union"):
        return "custom_error_type" not in schema
    return in_union and kind not in ("model", "dataclass", "typed-dict", "json-or-python", "lax-or-strict")


def _part_with_rules(key: str, part: Any, rules: Mapping[str, Any], in_union: bool) -> Any:
    if key in OPAQUE:
        return part
    if key in NAMED and isinstance(part, dict):
        return {name: with_rules(named, rules, in_union=in_union) for name, named in part.items()}
    return with_rules(part, rules, in_union=in_union and key != "keys_schema")


# serializers that write values as they are


def _exact(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    serialization = schema.get("serialization")
    if serialization is not None:
        if _hides(serialization):
            schema["serialization"] = _revealing(schema)
        elif getattr(serialization.get("function"), "__name__", "") == "serialize_sequence_via_list":
            # pydantic's own for Sequence writes what is none by other rules, as it may be in a union.
            schema["serialization"] = _as_list(serialization["schema"], exact.sequence_as_list)
            schema["python_schema"] = _before(exact.no_text, schema["python_schema"])
        return schema
    if kind == "any":
        schema["serialization"] = _function("function-plain", exact.plain, return_schema={"type": "any"})
    elif kind in ("datetime", "time"):
        schema["serialization"] = _function(
            "function-plain", exact.whole_minutes, return_schema={"type": kind}, when_used="json"
        )
    elif kind in ("set", "frozenset") and schema.get("items_schema", {"type": "any"})["type"] not in _SIMPLE:
        schema["serialization"] = _as_list(schema.get("items_schema", {"type": "any"}), exact.set_as_list)
    elif kind == "typed-dict" and schema.get("extra_behavior") != "allow":
        schema["serialization"] = _function("function-wrap", exact.only_known_keys(schema["fields"]))
    elif kind == "literal" and any(isinstance(value, enum.Enum) for value in schema["expected"]):
        return _literal_of_members(schema)
    elif kind == "enum" and not all(type(member.value) in (str, int) for member in schema["members"]):
        return _enum_of_any_values(schema)
    return schema


def _function(kind: str, function: Callable[..., Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, "function": function, **more}


def _as_list(items: Any, function: Callable[..., Any]) -> dict[str, Any]:
    return _function("function-wrap", function, schema={"type": "list", "items_schema": items})


def _hides(serialization: Mapping[str, Any]) -> bool:
    """Whether it is the serializer of pydantic's secrets, which writes stars."""
    function = serialization.get("function")
    return getattr(function, "__module__", "") == "pydantic.types" and "secret" in getattr(function, "__name__", "")


def _revealing(schema: Mapping[str, Any]) -> dict[str, Any]:
    # With info, since pydantic calls serializers without it for the defaults that documents show.
    held = schema["json_schema"]["schema"]
    return _function("function-plain", exact.reveal, info_arg=True, return_schema=held, when_used="unless-none")


def _enum_of_any_values(schema: dict[str, Any]) -> dict[str, Any]:
    outer = _before(exact.member_reader(schema["members"]), schema)
    outer["serialization"] = _function("function-plain", exact.member_value, return_schema={"type": "any"})
    return _moved_ref(schema, outer)


def _literal_of_members(schema: dict[str, Any]) -> dict[str, Any]:
    reader = exact.member_reader(value for value in schema["expected"] if isinstance(value, enum.Enum))
    return _moved_ref(schema, _before(reader, schema))


def _before(function: Callable[[Any], Any], schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function-before", "function": {"type": "no-info", "function": function}, "schema": schema}


def _moved_ref(inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
    """The outer schema under the reference of the inner one, which it stands for."""
    if "ref" in inner:
        outer["ref"] = inner.pop("ref")
    return outer


# variants


def with_class_guards(schema: Any, *, in_union: bool = False) -> Any:
    """A copy in which objects of subclasses with further fields are refused when they are written."""
    if isinstance(schema, list | tuple):
        return type(schema)(with_class_guards(part, in_union=in_union) for part in schema)
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    within = kind in ("union", "tagged-union") or (in_union and kind not in ("model", "dataclass"))
    copy = {key: part if key in OPAQUE else with_class_guards(part, in_union=within) for key, part in schema.items()}
    if kind in ("model", "dataclass") and "serialization" not in copy:
        guard = exact.exact_class(schema["cls"], in_union=in_union)
        copy["serialization"] = _function("function-wrap", guard)
    return copy


def for_checking(schema: Any) -> Any:
    """A copy for values that are written: unknown fields are refused, and validators of the user's see copies."""
    if isinstance(schema, list | tuple):
        return type(schema)(for_checking(part) for part in schema)
    if not isinstance(schema, dict):
        return schema
    skipped = OPAQUE | {"serialization"}
    copy = {key: part if key in skipped else for_checking(part) for key, part in schema.items()}
    kind = schema.get("type")
    if kind in ("model-fields", "dataclass-args", "typed-dict") and copy.get("extra_behavior") != "allow":
        copy["extra_behavior"] = "forbid"
    if kind in ("function-before", "function-after", "function-wrap") and _may_change(schema):
        return _moved_ref(copy, _before(deepcopy, copy))
    return copy


def _may_change(schema: Mapping[str, Any]) -> bool:
    """Whether a function of the user's is given an object that it can change."""
    return not is_of_pydantic(schema["function"]["function"]) and not kinds(schema["schema"]) <= _SIMPLE


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
