"""JSON forms: how the values of a core schema look in JSON, as far as the schema shows it."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

Definitions: TypeAlias = Mapping[str, dict[str, Any]]
"""The schemas that others refer to, by their reference."""

_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("none", "missing-sentinel"), "null"),
    "bool": "boolean",
    "int": "integer",
    "float": "number",
    **dict.fromkeys(("str", "bytes", "date", "time", "datetime", "timedelta", "decimal", "fraction"), "string"),
    **dict.fromkeys(("uuid", "url", "multi-host-url", "complex", "json"), "string"),
    **dict.fromkeys(("list", "tuple", "set", "frozenset", "deque", "named-tuple", "generator"), "array"),
    **dict.fromkeys(("dict", "ordered-dict", "counter", "typed-dict", "model", "dataclass"), "object"),
}
_SCALARS: Final = frozenset({"null", "boolean", "integer", "number", "string"})
_WRAPPERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("default", "definitions", "custom-error", "function-before", "function-after"), "schema"),
    "function-wrap": "schema",
    "json-or-python": "json_schema",
}
_SEVERAL: Final = frozenset({"nullable", "union", "tagged-union", "lax-or-strict", "chain"})
_USER_FUNCTIONS: Final = frozenset({"function-before", "function-after", "function-wrap"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """One way in which a value may look in JSON."""

    kind: str
    """``null``, ``boolean``, ``integer``, ``number``, ``string``, ``array`` or ``object``; ``any`` if unknown."""
    read_as: str
    """What it is read as: two scalars of one type are equal if their JSON is."""
    schema: Mapping[str, Any]
    """The part of the core schema that it comes from."""
    values: frozenset[tuple[type, Any]] | None = None
    """The only values that it may have, None if they are unknown."""
    checked: bool = False
    """Whether a validator of the user's may change what is read."""

    @property
    def is_scalar(self) -> bool:
        """Whether it holds no other values."""
        return self.kind in _SCALARS

    @property
    def name(self) -> str:
        """What the user calls its type."""
        cls = self.schema.get("cls")
        return cls.__name__ if isinstance(cls, type) else self.read_as.partition(" ")[0]


def forms_of(schema: Mapping[str, Any], definitions: Definitions) -> list[Form]:
    """All forms that values of the schema may have."""
    return list(_forms(schema, definitions, frozenset()))


def _forms(schema: Mapping[str, Any], definitions: Definitions, seen: frozenset[str]) -> Iterator[Form]:
    serialization = schema.get("serialization")
    if serialization is not None and not _keeps_form(serialization):
        return _written_forms(schema, serialization, definitions, seen)
    kind = str(schema.get("type"))
    if kind == "definition-ref":
        ref = schema["schema_ref"]
        return (
            _forms(definitions[ref], definitions, seen | {ref}) if ref in definitions and ref not in seen else iter(())
        )
    if kind in _WRAPPERS:
        return _inner_forms(schema, kind, definitions, seen)
    if kind in _SEVERAL or (kind == "model" and schema.get("root_model")):
        return _several_forms(schema, kind, definitions, seen)
    if kind in ("literal", "enum"):
        return _named_values(schema, kind)
    return iter((Form(kind=_KINDS.get(kind, "any"), read_as=kind, schema=schema),))


def _inner_forms(
    schema: Mapping[str, Any], kind: str, definitions: Definitions, seen: frozenset[str]
) -> Iterator[Form]:
    function = schema["function"]["function"] if kind in _USER_FUNCTIONS else None
    checked = function is not None and not is_of_pydantic(function)
    for form in _forms(schema[_WRAPPERS[kind]], definitions, seen):
        if function is not None and form.is_scalar:  # such as those that make a secret or a path of a text
            form = replace(form, read_as=f"{getattr(function, '__name__', form.read_as)} {id(function)}")
        yield replace(form, checked=True) if checked else form


def _several_forms(
    schema: Mapping[str, Any], kind: str, definitions: Definitions, seen: frozenset[str]
) -> Iterator[Form]:
    if kind == "nullable":
        yield Form(kind="null", read_as="none", schema=schema)
        yield from _forms(schema["schema"], definitions, seen)
    elif kind == "lax-or-strict":
        yield from _lax_or_strict(schema, definitions, seen)
    elif kind == "chain":
        yield from _forms(schema["steps"][-1], definitions, seen)
    elif kind == "model":
        yield from (replace(form, checked=True) for form in _forms(_root_of(schema), definitions, seen))
    else:
        for choice in choices_of(schema):
            yield from _forms(choice, definitions, seen)


def choices_of(schema: Mapping[str, Any]) -> list[Any]:
    """The members of a union."""
    choices = schema["choices"]
    listed = choices.values() if isinstance(choices, Mapping) else choices
    return [choice[0] if isinstance(choice, tuple) else choice for choice in listed]


def _root_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    inner: Mapping[str, Any] = schema["schema"]
    fields = inner.get("fields", {})
    return fields["root"]["schema"] if "root" in fields else inner


def _lax_or_strict(schema: Mapping[str, Any], definitions: Definitions, seen: frozenset[str]) -> Iterator[Form]:
    lax = list(_forms(schema["lax_schema"], definitions, seen))
    unknown = any(form.kind == "any" for form in lax)
    yield from _forms(schema["strict_schema"], definitions, seen) if unknown else lax


def _keeps_form(serialization: Mapping[str, Any]) -> bool:
    """Whether what is written has the form of what is validated."""
    if serialization["type"] in ("to-string", "format") or "return_schema" in serialization:
        return False
    function = serialization.get("function")
    return function is None or is_of_pydantic(function)


def _written_forms(
    schema: Mapping[str, Any], serialization: Mapping[str, Any], definitions: Definitions, seen: frozenset[str]
) -> Iterator[Form]:
    label = f"{schema.get('type')} {id(schema)}"  # a type of its own: other JSON may be read as the same value
    if serialization["type"] in ("to-string", "format"):
        yield Form(kind="string", read_as=label, schema=schema)
    elif "return_schema" in serialization:
        for form in _forms(serialization["return_schema"], definitions, seen):
            yield form if form.read_as == schema.get("type") else replace(form, read_as=label)
    else:
        yield Form(kind="any", read_as=label, schema=schema)


def _named_values(schema: Mapping[str, Any], kind: str) -> Iterator[Form]:
    values = [member.value for member in schema["members"]] if kind == "enum" else schema["expected"]
    for value in values:
        raw = value.value if isinstance(value, enum.Enum) else value
        label = _LITERALS.get(type(raw))
        if label is None:
            yield Form(kind="any", read_as=kind, schema=schema)
        else:
            is_member = kind == "enum" or isinstance(value, enum.Enum)
            type_ = f"enum {id(schema.get('cls', type(value)))}" if is_member else label
            yield Form(kind=_KINDS[label], read_as=type_, schema=schema, values=frozenset({(type(raw), raw)}))


_LITERALS: Final[Mapping[type, str]] = {type(None): "none", bool: "bool", int: "int", str: "str", float: "float"}


def is_of_pydantic(function: Any) -> bool:
    """Whether a function of a schema belongs to pydantic, not to the user."""
    owner = getattr(function, "func", function)
    module = getattr(owner, "__module__", None) or type(owner).__module__
    return str(module).partition(".")[0] in ("pydantic", "pydantic_core", "operator", "ipaddress", "builtins")
