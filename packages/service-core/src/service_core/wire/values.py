"""Values on the wire: the schema that pydantic has for a type, with the wire's own rules added.

pydantic takes rules such as "bytes as base64" from each model's own configuration, so a model that says nothing
could not carry arbitrary bytes in JSON. The wire's rules therefore go into the schema of every nested type:

* bytes are base64 in JSON (url-safe alphabet, as pydantic writes it) and raw in msgpack,
* NaN and infinity are refused,
* fields travel under their own names, aliases are read too, computed fields stay at home.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, SchemaSerializer, SchemaValidator, to_json

from service_core.errors import ArgumentException, DeclarationException

__all__ = ["WireType", "validation_details"]

_RULES: Final[dict[str, Any]] = {
    "ser_json_bytes": "base64",
    "val_json_bytes": "base64",
    "allow_inf_nan": False,
}
_CONFIGURED: Final = frozenset({"model", "dataclass", "typed-dict"})
# Parts of a schema that hold classes and hints, not schemas.
_OPAQUE: Final = frozenset({"cls", "metadata", "function", "default", "expected", "members"})


class WireType:
    """Reads and writes the values of one type. Immutable and safe to use from several threads."""

    __slots__ = ("_names", "_serializer", "_validator", "where")

    def __init__(self, annotation: Any, where: str, names: Sequence[str] = ()) -> None:
        """Build the schema. Raises DeclarationException if pydantic knows none for the type.

        ``where`` names the type in messages, ``names`` the items of a tuple.
        """
        try:
            schema = _with_rules(TypeAdapter(annotation).core_schema)
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            raise DeclarationException(
                f"{where}: values of type {annotation!r} cannot be validated; use a type that pydantic knows, "
                f"such as a dataclass or a BaseModel ({str(error).splitlines()[0]})"
            ) from error
        # Validators that pydantic has built before know nothing of the rules, so they are not used for nested types.
        self._validator: Any = SchemaValidator(schema, _RULES, _use_prebuilt=False)  # type: ignore[call-arg]
        self._serializer: Any = SchemaSerializer(schema, _RULES, _use_prebuilt=False)  # type: ignore[call-arg]
        self.where = where
        self._names = tuple(names)

    def validate(self, value: Any) -> Any:
        """The value as the type wants it. Raises ValidationError."""
        return self._validator.validate_python(value, by_alias=True, by_name=True)

    def to_json(self, value: Any) -> bytes:
        """Write a value as JSON. Raises ArgumentException if it does not fit the type."""
        try:
            valid = self.validate(value)
            written: bytes = self._serializer.to_json(valid, warnings="error", round_trip=True)
        except (ValidationError, PydanticSerializationError, ValueError) as error:
            raise self.refused(error) from error
        return written

    def from_json(self, data: bytes) -> Any:
        """Read a value from JSON. Raises ValidationError, also if it is no JSON."""
        return self._validator.validate_json(data, by_alias=True, by_name=True)

    def to_plain(self, value: Any) -> Any:
        """The value in dicts, lists and scalars, bytes and dates as they are. Raises ArgumentException."""
        try:
            valid = self.validate(value)
            return self._serializer.to_python(valid, warnings="error", round_trip=True)
        except (ValidationError, PydanticSerializationError, ValueError) as error:
            raise self.refused(error) from error

    def from_plain(self, data: Any) -> Any:
        """Read a value from dicts, lists and scalars, as msgpack gives them. Raises ValidationError.

        A type that is strict takes no text for, say, a date, unless it comes from JSON; so what does not fit is
        read a second time as JSON.
        """
        try:
            return self.validate(data)
        except ValidationError as error:
            try:
                text = to_json(data, bytes_mode="base64", inf_nan_mode="constants")
            except (PydanticSerializationError, ValueError):
                raise error from None
            return self.from_json(text)

    def refused(self, error: ValidationError | PydanticSerializationError | ValueError) -> ArgumentException:
        """The error for a value that does not fit; it names the wrong places but not the values."""
        if not isinstance(error, ValidationError):
            # The text of a serialization error quotes the value.
            return ArgumentException(f"{self.where}: the value is not one of the declared type")
        details = validation_details(error, self._names)
        return ArgumentException(f"{self.where}: {summary(details)}", details=details)


def _with_rules(schema: Any) -> Any:
    """A copy of a core schema in which every configured part follows the wire's rules."""
    if isinstance(schema, dict):
        copy = {key: value if key in _OPAQUE else _with_rules(value) for key, value in schema.items()}
        if schema.get("type") in _CONFIGURED:
            copy["config"] = {**(schema.get("config") or {}), **_RULES}
        return copy
    if isinstance(schema, list):
        return [_with_rules(part) for part in schema]
    if isinstance(schema, tuple):
        return tuple(_with_rules(part) for part in schema)
    return schema


def validation_details(error: ValidationError, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The wrong places as ``{loc, msg, type}``, without the values, which may be secret.

    ``names`` are the parameters that stand at the first level, where the schema only knows positions.
    """
    details: list[dict[str, Any]] = []
    for wrong in error.errors(include_url=False, include_context=False, include_input=False):
        loc: list[Any] = list(wrong["loc"])
        if loc and isinstance(loc[0], int) and loc[0] < len(names):
            loc[0] = names[loc[0]]
        details.append({"loc": loc, "msg": wrong["msg"], "type": wrong["type"]})
    return details


def summary(details: Sequence[dict[str, Any]]) -> str:
    """One line for people: the first wrong place, and how many more there are."""
    first = details[0]
    place = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return f"{place + ': ' if place else ''}{first['msg']}{more}"
