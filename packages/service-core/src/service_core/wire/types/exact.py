"""Serializers of single values: what pydantic would write inexactly, or hide, is written as it is or refused."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticCustomError, PydanticSerializationUnexpectedValue, to_json, to_jsonable_python

Handler = Callable[[Any], Any]

_SCALARS: Final = (str, int, float, type(None))


class UnsendableValue(ValueError):
    """A value that fits its type and would not arrive as it is; says why, without quoting it."""


def plain(value: Any) -> Any:
    """A value of type Any. Raises UnsendableValue if it is more than JSON can hold, since its type would be lost."""
    kind = type(value)
    if kind is list:
        for item in value:
            plain(item)
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise UnsendableValue(f"a key of type {type(key).__name__} in a value of type Any would arrive as text")
            plain(item)
    elif not isinstance(value, _SCALARS) or isinstance(value, enum.Enum):
        raise UnsendableValue(
            f"an object of type {kind.__name__} in a value of type Any would not arrive as such; "
            f"declare its type, or convert it to numbers, texts, lists and dicts"
        )
    return value


def reveal(secret: Any, _info: object) -> Any:
    """What a secret of pydantic holds."""
    return secret.get_secret_value()


def whole_minutes(moment: Any) -> Any:
    """A moment whose zone can be written; one in a zone whose offset has seconds is the same moment in UTC.

    Raises UnsendableValue for a time of day in such a zone.
    """
    offset = moment.utcoffset()
    if offset is None or not (offset.seconds % 60 or offset.microseconds):
        return moment
    if isinstance(moment, datetime):
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            pass
    raise UnsendableValue("the offset of its time zone has seconds, which ISO 8601 cannot express")


def portable(value: Any) -> Any:
    """A value for which msgpack has no form of its own, as JSON has it. Raises ValueError if there is none."""
    if isinstance(value, datetime | time):
        value = whole_minutes(value)
    return to_jsonable_python(value, fallback=str)


def set_as_list(values: Any, handler: Handler) -> Any:
    """A set as a list, since its items may be objects, whose dicts no set can hold."""
    if not isinstance(values, set | frozenset):
        raise PydanticSerializationUnexpectedValue("a set is expected")
    return handler(list(values))


def sequence_as_list(values: Any, handler: Handler) -> Any:
    """A sequence as a list, since its type does not travel."""
    if not isinstance(values, Sequence) or isinstance(values, str | bytes | bytearray):
        raise PydanticSerializationUnexpectedValue("a sequence is expected")
    return handler(list(values))


def only_known_keys(keys: Iterable[str]) -> Callable[[Any, Handler], Any]:
    """A serializer of a TypedDict that refuses keys which the type does not declare."""
    known = frozenset(keys)

    def serialize(value: Any, handler: Handler) -> Any:
        if isinstance(value, dict) and not known.issuperset(value):
            unknown = ", ".join(sorted(str(key)[:40] for key in value if key not in known)[:5])
            raise UnsendableValue(f"keys that the TypedDict does not declare would be lost: {unknown}")
        return handler(value)

    return serialize


def no_text(value: Any) -> Any:
    """What is read as a sequence of any items, of which pydantic takes texts for some. Raises ValueError for a text."""
    if isinstance(value, str | bytes | bytearray):
        raise PydanticCustomError("sequence_type", "Input should be a valid sequence")
    return value


def exact_class(cls: type, *, in_union: bool) -> Callable[[Any, Handler], Any]:
    """A serializer that refuses objects of subclasses with further fields, which would be lost."""
    accepted: set[type] = {cls}

    def serialize(value: Any, handler: Handler) -> Any:
        kind = type(value)
        if kind not in accepted and isinstance(value, cls):
            further = sorted(field_names(kind) - field_names(cls))
            if further:
                reason = (
                    f"an object of class {kind.__name__} has fields that the declared class {cls.__name__} does not "
                    f"have and that would be lost: {', '.join(further[:5])}; declare {kind.__name__}, or a union of "
                    f"the classes with a discriminator"
                )
                raise PydanticSerializationUnexpectedValue(reason) if in_union else UnsendableValue(reason)
            accepted.add(kind)
        return handler(value)

    return serialize


def field_names(cls: type) -> frozenset[str]:
    """The names of the fields of a model or dataclass."""
    if issubclass(cls, BaseModel):
        return frozenset(cls.model_fields)
    return frozenset(field.name for field in fields(cls)) if is_dataclass(cls) else frozenset()


def json_forms(members: Iterable[enum.Enum]) -> Mapping[bytes, enum.Enum]:
    """The members of an enum by the JSON of their values.

    Raises UnsendableValue if one has no JSON, or two have the same.
    """
    found: dict[bytes, enum.Enum] = {}
    for member in members:
        try:
            form = to_json(member.value, inf_nan_mode="constants")
        except ValueError:
            raise UnsendableValue(f"the value of its member {member.name} has no form in JSON") from None
        other = found.setdefault(form, member)
        if other is not member:
            raise UnsendableValue(f"the values of its members {other.name} and {member.name} look alike in JSON")
    return found


def member_value(member: Any) -> Any:
    """The value of an enum's member in the types that JSON has."""
    return to_jsonable_python(member.value)


def member_reader(members: Iterable[enum.Enum]) -> Callable[[Any], Any]:
    """A validator that gives the member whose value has the JSON that was read."""
    by_form = json_forms(members)

    def read(data: Any) -> Any:
        if isinstance(data, enum.Enum):
            return data
        try:
            return by_form.get(to_json(data), data)
        except ValueError:
            return data

    return read
