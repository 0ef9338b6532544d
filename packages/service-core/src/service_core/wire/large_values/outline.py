"""What a value has to look like, as far as it can be checked piece by piece.

That a piece is wrong must mean that the whole is. So the parts of lists, dicts and objects are known, and those of
what a function may change or a union may take otherwise are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from service_core.wire.bounds.bounded import hashable
from service_core.wire.large_values.placeholders import SchemaPath, schema_at, with_holes
from service_core.wire.large_values.references import needs_others, references, without_names
from service_core.wire.large_values.splitter import LIST, MAP
from service_core.wire.types.json_forms import Definitions, choices_of
from service_core.wire.types.schema_parts import OBJECTS, definitions_in
from service_core.wire.values import WireType

_ANY: Final = {"type": "any"}
_ITEMS: Final = frozenset({"list", "set", "frozenset", "deque"})
_SETS: Final = frozenset({"set", "frozenset"})
_VALUES: Final = frozenset({"dict", "ordered-dict", "frozendict"})
_WRAPPERS: Final = frozenset({"default", "nullable", "definitions", "function-after"})
_NO_CONTAINERS: Final = frozenset(
    {"none", "bool", "int", "float", "str", "bytes", "date", "time", "datetime", "timedelta", "uuid", "url", "literal"}
)
"""Kinds that no list and no map is read as."""
_FIELDS: Final = frozenset({"model-fields", "dataclass-args"})
_MOST_KEPT: Final = 64
"""How many types of one outline are kept that differ in what has been read."""


def outline_of(wire: WireType) -> Outline:
    """The outline of a type, made when it is first needed."""
    if wire.outline is None:
        wire.outline = Outline(wire)
    outline: Outline = wire.outline
    return outline


class Outline:
    """The type of a value, and of its parts. Safe to use from several threads."""

    def __init__(self, root: WireType, schema: Any = None, definitions: Definitions | None = None) -> None:
        """That of a whole value; ``schema`` is that of a part."""
        self.root = root
        """The type of the whole value."""
        self._schema = root.core_schema if schema is None else schema
        self.definitions = definitions_in(root.core_schema) if definitions is None else definitions
        """What parts of the schema refer to."""
        self._wire: WireType | None = None
        self._parts: dict[str, Part | None] = {}
        self._with_holes: dict[Any, WireType] = {}

    @property
    def wire(self) -> WireType:
        """The type for reading a value."""
        if self._wire is None:
            self._wire = self.read_as(self._schema)
        return self._wire

    @property
    def schema(self) -> Any:
        """The schema itself, where there is only a reference to it."""
        return schema_at(self._schema, self.definitions)

    def with_holes(self, paths: Sequence[SchemaPath], *, is_whole: bool = False) -> WireType:
        """The type for reading a value of which the containers at these places have been read."""
        if not paths and not is_whole:
            return self.wire
        key = (*paths, is_whole)
        known = self._with_holes.get(key)
        if known is None:
            if len(self._with_holes) > _MOST_KEPT:
                self._with_holes.clear()
            known = self.read_as(with_holes(self._schema, paths, self.definitions), is_whole=is_whole)
            self._with_holes[key] = known
        return known

    @property
    def unknown(self) -> Outline:
        """The outline of a value of which only the format is known."""
        return self.of(_ANY)

    def part_for(self, kind: str) -> Part | None:
        """The part of the type that reads a list or a map; None if there is none."""
        if kind not in self._parts:
            takers = list(_takers(self._schema, kind, self.definitions))
            unknown = len(takers) > 1 or _ANY in takers
            self._parts[kind] = Part(self, _ANY if unknown else takers[0]) if takers else None
        return self._parts[kind]

    @cached_property
    def parted(self) -> Part:
        """How the items of a container are read."""
        return Part(self, self.schema)

    def read_as(self, schema: Any, *, is_whole: bool = False) -> WireType:
        """The type for reading values of a part of the schema."""
        if schema["type"] == "definitions":
            schema = schema["schema"]
        used = dict[str, Any]()
        waiting = list(references(schema))
        while waiting:
            name = waiting.pop()
            if name not in used:
                used[name] = without_names(self.definitions[name])
                waiting += references(used[name])
        named = [{**part, "ref": name} for name, part in used.items()]
        inner = without_names(schema)
        whole = {"type": "definitions", "schema": inner, "definitions": named} if named else inner
        return self.root.part(whole, is_whole=is_whole)

    def of(self, schema: Any) -> Outline:
        """The outline of a part."""
        return Outline(self.root, schema, self.definitions)


class Part:
    """How the items of a list, the values of a map or the fields of an object are read."""

    def __init__(self, outline: Outline, schema: Any) -> None:
        self._outline = outline
        self._schema = schema
        self._partial: dict[frozenset[str], WireType] = {}
        kind = schema["type"]
        items, keys = _ANY, _ANY
        if kind in _VALUES:
            keys, items = schema.get("keys_schema", _ANY), schema.get("values_schema", _ANY)
        elif kind == "tuple":
            items = schema["items_schema"][0]
        elif kind in _ITEMS:
            items = schema.get("items_schema", _ANY)
        if kind in _SETS:
            items = hashable(items)
        self.items = outline.of(items)
        """The outline of each item or value."""
        self._containers = {
            LIST: {"type": "list", "items_schema": items},
            MAP: {"type": "dict", "keys_schema": keys, "values_schema": items},
        }
        self._pieces: dict[str, WireType] = {}
        self.unknown = outline.unknown
        """The outline of a member that is no field."""
        self.fields: Mapping[str, Outline] | None = None
        """The outlines of an object's fields by their names in the data; None for what is no object."""
        self.refuses_others = False
        """Whether an object has no other fields."""
        if kind in OBJECTS:
            fields = declared_fields(schema)
            self.refuses_others = _extra(schema) == "forbid"
            by_alias = outline.root.by_alias
            self.fields = {
                name_in_data(name, one, by_alias=by_alias): outline.of(_readable(one)) for name, one in fields.items()
            }

    def pieces(self, kind: str) -> WireType:
        """The type for reading some items of a list, or some pairs of a map."""
        known = self._pieces.get(kind)
        return known or self._pieces.setdefault(kind, self._outline.read_as(self._containers[kind]))

    def pair_with_holes(self, paths: Sequence[SchemaPath]) -> WireType:
        """The type for reading a map of one pair, in whose value the containers at these places have been read."""
        return self._pair.with_holes([("values_schema", *path) for path in paths])

    @cached_property
    def _pair(self) -> Outline:
        return self._outline.of(self._containers[MAP])

    def partial(self, absent: frozenset[str]) -> WireType:
        """The type of an object as a map, of which some fields are checked elsewhere."""
        known = self._partial.get(absent)
        return known or self._partial.setdefault(absent, self._partial_type(absent))

    def _partial_type(self, absent: frozenset[str]) -> WireType:
        fields = {}
        for name, one in declared_fields(self._schema).items():
            key = name_in_data(name, one, by_alias=self._outline.root.by_alias)
            schema = _ANY if key in absent else _readable(one)
            is_needed = one.get("required", True) and one.get("init", True) and one["schema"]["type"] != "default"
            fields[key] = {"type": "typed-dict-field", "schema": schema, "required": is_needed and key not in absent}
        more = {"extra_behavior": extra} if (extra := _extra(self._schema)) else {}
        config = {"config": self._schema["config"]} if "config" in self._schema else {}
        return self._outline.read_as({"type": "typed-dict", "fields": fields, **more, **config})


def _takers(schema: Mapping[str, Any], kind: str, definitions: Definitions) -> Iterator[Mapping[str, Any]]:
    """The parts of a schema that may read a list or a map; ``_ANY`` for one of which no more is known."""
    type_ = schema["type"]
    if type_ == "definition-ref":
        yield from _takers(definitions[schema["schema_ref"]], kind, definitions)
    elif type_ in _WRAPPERS:
        yield from _takers(schema["schema"], kind, definitions)
    elif type_ == "union" and "custom_error_type" not in schema:
        for choice in choices_of(schema):
            yield from _takers(choice, kind, definitions)
    elif type_ in _ITEMS or (type_ == "tuple" and is_of_one_type(schema)):
        yield from [schema] if kind == LIST else []
    elif type_ in _VALUES or is_plain_object(schema):
        yield from [schema] if kind == MAP else []
    elif type_ not in _NO_CONTAINERS:
        yield _ANY


def is_of_one_type(schema: Mapping[str, Any]) -> bool:
    """Whether a tuple has any number of items of one type."""
    return schema.get("variadic_item_index") == 0 and len(schema["items_schema"]) == 1


def is_plain_object(schema: Mapping[str, Any]) -> bool:
    """Whether an object has fields by simple names, and no function sees them before they are read."""
    if schema["type"] not in OBJECTS or schema.get("root_model") or schema.get("custom_init"):
        return False
    if schema["type"] != "typed-dict" and schema["schema"]["type"] not in _FIELDS:
        return False
    config = schema.get("config") or {}
    aliases = [one.get("validation_alias", "") for one in declared_fields(schema).values()]
    return config.get("validate_by_alias") is not False and all(isinstance(alias, str) for alias in aliases)


def declared_fields(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a plain object, by name."""
    fields = (schema if schema["type"] == "typed-dict" else schema["schema"])["fields"]
    return dict(fields) if isinstance(fields, Mapping) else {one["name"]: one for one in fields}


def _extra(schema: Mapping[str, Any]) -> Any:
    inner = schema if schema["type"] == "typed-dict" else schema["schema"]
    return inner.get("extra_behavior") or (schema.get("config") or {}).get("extra_fields_behavior")


def name_in_data(name: str, declared: Mapping[str, Any], *, by_alias: bool) -> str:
    """What a field is called in the data."""
    return str(declared.get("validation_alias", name)) if by_alias else name


def _readable(declared: Mapping[str, Any]) -> Any:
    """The schema of a field that is given, unless it needs the fields before it."""
    schema = declared["schema"]
    if schema["type"] == "default":
        schema = schema["schema"]
    return _ANY if not declared.get("init", True) or needs_others(schema) else schema
