"""Types that are refused where they are declared: their values can be validated, but would not arrive as sent.

Each reason says what to write instead.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

from pydantic import BaseModel, EncodedBytes, EncodedStr

from service_core.wire.types.exact import UnsendableValue, json_forms
from service_core.wire.types.json_forms import Definitions, Form, forms_of, is_of_pydantic
from service_core.wire.types.recursive_unions import duplicates_in
from service_core.wire.types.schema_parts import OBJECTS, OPAQUE, PYTHON_ONLY, definitions_in, fields_of, parts_of
from service_core.wire.types.unions import ambiguity_in

_FIELDS: Final = frozenset({"model-field", "dataclass-field", "typed-dict-field"})
_FUNCTIONS: Final = frozenset({"function-before", "function-after", "function-wrap", "function-plain"})

_KINDS: Final[Mapping[str, str]] = {
    "generator": "iterables are read one by one, so they would not be validated; use a list",
    "callable": "functions do not travel",
    "is-subclass": "classes do not travel",
    "json": "its text is parsed anew at each end; declare the type that the JSON holds",
    "is-instance": "an object of this class cannot be made from JSON; use a dataclass or a BaseModel",
}

_NOT_FOR_KEYS: Final = frozenset({"array", "object", "null", "any"})


class UnsendableType(TypeError):
    """Values of a type can be validated but not sent; says why, and what to use instead."""


def check(schema: Any, *, by_alias: bool) -> None:
    """Refuse what cannot arrive as it was sent. Raises UnsendableType."""
    definitions = definitions_in(schema)
    for part in parts_of(schema, OPAQUE | PYTHON_ONLY):
        kind = part["type"]
        reason = _KINDS.get(kind, "")
        if kind in _REASONS:
            reason = _REASONS[kind](part, definitions)
        elif kind in _FIELDS:
            reason = _field(part)
        elif kind in _FUNCTIONS:
            reason = _function(part)
        reason = reason or _unreadable(part, definitions)
        if reason:
            raise UnsendableType(reason)
        if by_alias and kind in OBJECTS:
            _check_aliases(part)


def _keys(part: Mapping[str, Any], definitions: Definitions) -> str:
    keys = part.get("keys_schema", {"type": "any"})
    forms = forms_of(keys, definitions)
    if keys.get("type") == "any":
        return "keys are written as text, and their type is lost; write 'dict[str, ...]', or a list of pairs"
    several = len({form.read_as for form in forms}) > 1
    if several or any(form.kind in _NOT_FOR_KEYS or _is_named_number(form) for form in forms):
        return "keys of maps are written as text, so they must be values of one simple type; use pairs"
    return ""


def _is_named_number(form: Form) -> bool:
    return form.values is not None and form.kind != "string"


def _model(part: Mapping[str, Any], _definitions: Definitions) -> str:
    if part["cls"] is BaseModel:
        return "BaseModel itself declares no field; write the model, or a union of models with a discriminator"
    return ""


def _dataclass(part: Mapping[str, Any], _definitions: Definitions) -> str:
    read = {name for name, declared in fields_of(part).items() if declared.get("init", True)}
    for field in fields(part["cls"]):
        if field.name not in read and field.compare:
            return (
                f"field '{field.name}' of {part['cls'].__name__} is not in its constructor, so it cannot be read back; "
                f"make it a property, or exclude it from comparison with field(init=False, compare=False)"
            )
    return ""


def _field(part: Mapping[str, Any]) -> str:
    if part.get("serialization_exclude") or "serialization_exclude_if" in part:
        return "a field that is excluded from serialization would be lost; use a private attribute for what stays here"
    if part.get("init_only"):
        return f"'{part['name']}' is an InitVar, which no object keeps, so it cannot be sent; make it a field"
    return ""


def _function(part: Mapping[str, Any]) -> str:
    function = part["function"]["function"]
    if isinstance(getattr(function, "__self__", None), EncodedBytes | EncodedStr):
        return "its values are decoded anew at each end; declare bytes, which travel as they are"
    if is_of_pydantic(function) and getattr(function, "__name__", "") == "import_string":
        return "its text names a module to import, so callers would choose what runs here; declare str"
    return ""


def _literal(part: Mapping[str, Any], _definitions: Definitions) -> str:
    for value in part["expected"]:
        raw = value.value if isinstance(value, enum.Enum) else value
        if type(raw) not in (str, int, bool, type(None)):
            return f"a literal of type {type(raw).__name__} has no form of its own in JSON; use texts or numbers"
        if raw is not value and any(type(one) is type(raw) and one == raw for one in part["expected"]):
            return f"{value!r} and {raw!r} look alike in JSON; take one of them"
    return ""


def _enum(part: Mapping[str, Any], _definitions: Definitions) -> str:
    try:
        json_forms(part["members"])
    except UnsendableValue as error:
        return f"{error}; give the members of {part['cls'].__name__} texts or numbers as values"
    return ""


def _union(part: Mapping[str, Any], definitions: Definitions) -> str:
    if "custom_error_type" in part:
        return ""
    return ambiguity_in(part, definitions) or (duplicates_in(part, definitions) if part["type"] == "union" else "")


def _unreadable(part: Mapping[str, Any], definitions: Definitions) -> str:
    """Why what a serializer of the user's writes cannot be read by the validators of its type."""
    serialization = part.get("serialization", {})
    function = serialization.get("function")
    if function is None or is_of_pydantic(function):
        return ""
    inner = {key: value for key, value in part.items() if key != "serialization"}
    if _has_reader(inner):
        return ""
    read = {form.kind for form in forms_of(inner, definitions)}
    written = {form.kind for form in forms_of(part, definitions)}
    advice = "add a validator that reads what it writes (mode 'before')"
    if "any" in written:
        return (
            ""
            if "object" not in read
            else f"the result type of its serializer is unknown; annotate its result, or {advice}"
        )
    if (
        read.isdisjoint(written)
        and "any" not in read
        and ("string" not in written or "object" in read or "array" in read)
    ):
        return f"its serializer writes JSON of type {'/'.join(sorted(written))}, which is not read; {advice}"
    return ""


def _has_reader(part: Mapping[str, Any]) -> bool:
    """Whether a validator of the user's sees what is read before pydantic does."""
    while True:
        if part["type"] in ("function-before", "function-wrap", "function-plain"):
            return True
        inner = part.get("schema")
        if part["type"] not in ("default", "nullable", "function-after", "model", "dataclass") or inner is None:
            return False
        part = inner


def _check_aliases(part: Mapping[str, Any]) -> None:
    named = fields_of(part)
    config = part.get("config") or {}
    by_name = bool(config.get("validate_by_name") or config.get("populate_by_name"))
    for name, field in named.items():
        written = field.get("serialization_alias") or name
        alias = field.get("validation_alias", name)
        read = (
            [alias]
            if isinstance(alias, str)
            else [path[0] for path in alias if isinstance(path, list) and len(path) == 1]
        )
        if written not in read and not (by_name and written == name):
            raise UnsendableType(
                f"field '{name}' is written as '{written}' and read as {' or '.join(map(repr, read)) or 'a path'}; "
                f"give it one 'alias'"
            )
        if by_name and written != name and written in named:
            raise UnsendableType(
                f"the alias of field '{name}' is the name of another one, and both may be used; "
                f"rename one, or remove populate_by_name"
            )


_REASONS: Final[Mapping[str, Callable[[Mapping[str, Any], Definitions], str]]] = {
    **dict.fromkeys(("dict", "ordered-dict", "counter"), _keys),
    "model": _model,
    "dataclass": _dataclass,
    "literal": _literal,
    "enum": _enum,
    "union": _union,
}
