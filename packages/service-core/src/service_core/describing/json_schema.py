"""JSON Schema of the types that travel, as the wire carries them."""

from __future__ import annotations

from typing import Any, Final

from pydantic import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, to_jsonable_python

from service_core.errors import DeclarationException
from service_core.wire import WireType

_HIDDEN: Final = "writeOnly"
"""The keyword that pydantic sets on secrets."""


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # a title repeats the name of the field
        return False

    def encode_default(self, dft: Any) -> Any:
        # As the wire writes bytes, where pydantic takes them for text.
        return to_jsonable_python(dft, bytes_mode="base64", by_alias=False)


def schema_of(wire: WireType) -> dict[str, Any]:
    """The schema of one value, fields under their own names. Raises DeclarationException if there is none."""
    schema: CoreSchema = wire.core_schema
    try:
        generated = _Generator(by_alias=False).generate(schema, mode="validation")
    except PydanticInvalidForJsonSchema as error:
        raise DeclarationException(f"{wire.where}: the type cannot be described as JSON: {error}") from error
    return {key: _without_secrets(part) for key, part in generated.items()}


def is_secret(schema: Any) -> bool:
    """Whether a value may hold a secret, which no document shows."""
    if isinstance(schema, dict):
        return schema.get(_HIDDEN) is True or any(is_secret(part) for part in schema.values())
    return isinstance(schema, list) and any(is_secret(part) for part in schema)


def _without_secrets(schema: Any) -> Any:
    """The schema without the defaults of what may hold secrets."""
    if isinstance(schema, list):
        return [_without_secrets(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    hides = "default" in schema and is_secret(schema)
    return {key: _without_secrets(part) for key, part in schema.items() if not (hides and key == "default")}
