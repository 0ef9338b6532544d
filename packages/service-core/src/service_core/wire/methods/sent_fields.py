"""The fields of the objects in arguments, by which a server knows whether its caller declares the same ones.

A request of our clients has a digest of all fields that the objects in its arguments declare, and the defaults of the
optional ones. If the digest is that of the server, no field can be unknown to it. Otherwise a field that the server
does not know is ignored as long as it has the caller's default, and the call is refused if it has another value, which
would be lost.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pydantic_core import SchemaError, SchemaSerializer, from_json

from service_core.wire.schema import RULES
from service_core.wire.types.json_forms import Definitions
from service_core.wire.types.schema_parts import OBJECTS, OPAQUE, PYTHON_ONLY, definitions_in, fields_of

Defaults: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The defaults of optional fields by the names of class and field, as they are written."""

_EMPTY: Final = frozenset({list, tuple, set, frozenset, dict})
"""Factories of defaults that are always the same value."""
_SKIPPED: Final = OPAQUE | PYTHON_ONLY
_LONGEST: Final = 1000
"""About how many characters of defaults are sent with each request at most; of more the digest alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFields:
    """The fields of a caller's objects."""

    digest: str
    """Equal if the objects have the same fields."""
    defaults: Defaults = field(default_factory=dict)
    """Empty if they are too many."""

    @property
    def written(self) -> list[Any]:
        """The form in a request."""
        return [self.digest, self.defaults] if self.defaults else [self.digest]

    @classmethod
    def read(cls, data: Any) -> SentFields:
        """What was written as :attr:`written`. Raises ValueError."""
        if not (isinstance(data, list) and data and isinstance(data[0], str)):
            raise ValueError("'fields' must be a list of a digest and a map of defaults")
        defaults = data[1] if len(data) > 1 and isinstance(data[1], dict) else {}
        return cls(digest=data[0], defaults={name: one for name, one in defaults.items() if isinstance(one, dict)})


def sent_fields(schema: Any, *, by_alias: bool = False, as_json: bool = True) -> SentFields | None:
    """The fields of the objects in a core schema; None if there is no object.

    With ``by_alias`` fields are written under their aliases. Defaults are data of JSON, or, without ``as_json``, data
    that msgpack writes.
    """
    definitions = definitions_in(schema)
    roots = list(_objects_in(schema, definitions))
    if not roots:
        return None
    known = {id(part): part for part in roots}
    waiting, lines = list(known.values()), {"".join(_outline(part, by_alias) for part in roots)}
    for part in waiting:  # which becomes longer meanwhile
        for name, declared in fields_of(part).items():
            inner = list(_objects_in(declared["schema"], definitions))
            waiting += [one for one in inner if id(one) not in known]
            known.update({id(one): one for one in inner})
            shapes = "".join(sorted(_outline(one, by_alias) for one in inner))
            lines.add(f"{_outline(part, by_alias)}.{name}:{shapes}")
    hashed = hashlib.blake2b("\n".join(sorted(lines)).encode(), digest_size=6).digest()
    defaults = _Defaults(by_alias=by_alias, as_json=as_json).of(known.values())
    return SentFields(digest=base64.urlsafe_b64encode(hashed).decode(), defaults=defaults)


def _outline(part: Mapping[str, Any], by_alias: bool) -> str:
    """The name of a class and those of its fields."""
    names = sorted(_written_name(name, declared, by_alias) for name, declared in fields_of(part).items())
    return f"{_name(part)}({','.join(names)})"


def _objects_in(schema: Any, definitions: Definitions) -> Iterator[Mapping[str, Any]]:
    """The outermost objects in a schema."""
    waiting, seen = [schema], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, dict):
            ref = part.get("schema_ref") if part.get("type") == "definition-ref" else None
            if part.get("type") in OBJECTS and not part.get("root_model"):
                yield part
            elif ref is not None:
                waiting += [definitions[ref]] if ref in definitions and ref not in seen else []
                seen.add(ref)
            else:
                waiting += [inner for key, inner in part.items() if key not in _SKIPPED and key != "definitions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Defaults:
    by_alias: bool
    as_json: bool

    def of(self, objects: Iterable[Mapping[str, Any]]) -> Defaults:
        found: dict[str, dict[str, Any]] = {}
        for part in objects:
            own = dict(self._of_object(part))
            if found.setdefault(_name(part), own) != own:
                found[_name(part)] = {}  # two classes of one name, which a server could not distinguish
        defaults = {name: own for name, own in found.items() if own}
        return {} if len(repr(defaults)) > _LONGEST else defaults

    def _of_object(self, part: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, declared in fields_of(part).items():
            schema = declared["schema"]
            if "default" in schema:
                value = schema["default"]
            elif schema.get("default_factory") in _EMPTY:
                value = schema["default_factory"]()
            else:
                continue
            try:
                yield _written_name(name, declared, self.by_alias), self._written(schema, value)
            except (SchemaError, ValueError):
                continue  # no value of the field, or one of a recursive type

    def _written(self, schema: Any, value: Any) -> Any:
        if value is None or value == []:
            return value
        config: Any = dict(RULES)
        serializer = SchemaSerializer(schema, config)
        if self.as_json:
            written = serializer.to_json(value, by_alias=self.by_alias, round_trip=True)
            return from_json(written, allow_inf_nan=False)
        return serializer.to_python(value, by_alias=self.by_alias, round_trip=True)


def _name(part: Mapping[str, Any]) -> str:
    cls = part.get("cls")
    return cls.__name__ if isinstance(cls, type) else str(part.get("cls_name", ""))


def _written_name(name: str, declared: Mapping[str, Any], by_alias: bool) -> str:
    return str(declared.get("serialization_alias") or name) if by_alias else name
