"""Values on the wire: read and written by pydantic, refused with the place where they are wrong.

Messages name places and never quote values, which may be secret; for the same reason pydantic's errors, which do
quote them, are not chained to ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, ClassVar, Final, TypeVar, cast

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import SchemaSerializer, SchemaValidator, from_json

from service_core.errors import ArgumentException, DeclarationException
from service_core.wire.bounds.bounded import HashCounter, bounded, counts_hashes
from service_core.wire.bounds.garbage_collection import LARGE
from service_core.wire.bounds.infinite import may_be_infinite
from service_core.wire.methods.sent_fields import Defaults
from service_core.wire.schema import RULES, classes_in, for_checking, kinds, with_class_guards, with_rules
from service_core.wire.types.error_locations import message_of, validation_details
from service_core.wire.types.exact import UnsendableValue
from service_core.wire.types.refusals import UnsendableType, check

R = TypeVar("R")

_CLOSELY: Final = {**RULES, "revalidate_instances": "always"}
_CHECKED: Final = frozenset(
    {"none", "bool", "int", "float", "str", "bytes", "date", "time", "datetime", "timedelta", "uuid", "decimal"}
    | {"literal", "enum", "nullable", "default", "list", "tuple", "set", "frozenset", "dict"}
)
"""Kinds of schemas that validate everything that a value holds."""
_SCALARS: Final = _CHECKED - {"list", "set", "frozenset", "dict"}
_FEW_VALUES: Final = 1000
"""More than a tuple of arguments holds of which each is a simple value."""


class WireType:
    """Reads and writes the values of one type. Safe to use from several threads."""

    error: ClassVar = ArgumentException
    __slots__ = (
        "_by_name",
        "_checker",
        "_classes",
        "_counter",
        "_for_callers",
        "_names",
        "_options",
        "_pausing",
        "_serializer",
        "_validator",
        "at",
        "by_alias",
        "core_schema",
        "max_values",
        "outline",
        "trusts_objects",
        "where",
    )

    def __init__(
        self, annotation: Any, where: str, names: Sequence[str] = (), *, at: str = "", by_alias: bool = False
    ) -> None:
        """Build the schema. Raises DeclarationException if values of the type cannot be sent.

        ``where`` names the type in messages, ``names`` the items of a tuple, and ``at`` the place that all wrong ones
        are reported to be in. With ``by_alias`` fields are written and read under their aliases, as other software
        knows them, else under their names.
        """
        try:
            schema = TypeAdapter(annotation).core_schema
            check(schema, by_alias=by_alias)
            self.core_schema: Any = with_rules(schema)
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            raise DeclarationException(
                f"{where}: values of type {annotation!r} cannot be validated; use a type that pydantic knows, "
                f"such as a dataclass or a BaseModel ({str(error).splitlines()[0]})"
            ) from error
        except UnsendableType as error:
            raise DeclarationException(f"{where}: values of type {annotation!r} cannot be sent: {error}") from None
        bounded_schema = bounded(self.core_schema)
        self._validator = _validator(bounded_schema, RULES)
        self._counter: Callable[[], HashCounter] | None = HashCounter if counts_hashes(bounded_schema) else None
        self._pausing: Any = None  # made when it is needed for the first time, as the next one
        self._for_callers: Any = None
        self.outline: Any = None
        """What :mod:`service_core.wire.large_values` knows of the type, made when it is needed for the first time."""
        self._serializer = _serializer(self.core_schema)
        self.where = where
        self.max_values: int | None = _FEW_VALUES if kinds(self.core_schema) <= _SCALARS else None
        """How many values of JSON or msgpack a valid value holds at most; None if there is no limit."""
        self.trusts_objects = not kinds(self.core_schema) <= _CHECKED
        """Whether values may hold objects that are taken for what they are by their class, unseen."""
        self._checker = self._validator
        if self.trusts_objects:
            self._checker = _validator(bounded(for_checking(self.core_schema)), RULES)
        self._classes = classes_in(self.core_schema)
        self._names = tuple(names)
        self.at = at
        self.by_alias = by_alias
        # Names alone, or aliases and what a model itself allows: by both, a field could get the value of another.
        self._by_name = None if by_alias else True
        # Nothing else can be wrong in spite of validation, and the check takes as long as all the rest.
        self._options: Any = (
            {"by_alias": by_alias, "round_trip": True, "warnings": "error"} if self.trusts_objects else {}
        )

    def to_json(self, value: Any) -> bytes:
        """Write a value as JSON. Raises ArgumentException if it does not fit the type."""
        valid = self.checked(value)
        try:
            written: bytes = self._serializer.to_json(valid, **self._options)
        except ValueError as error:
            self._refuse_unsendable(error)
            written = self._write_closely(value, self._serializer.to_json)
        if self.trusts_objects and may_be_infinite(written):
            try:
                from_json(written, allow_inf_nan=False)
            except ValueError:
                self._write_closely(value, self._serializer.to_json)  # has the better message
                raise self.error(f"{self.where}: NaN and infinity cannot be sent") from None
        return written

    def to_plain(self, value: Any) -> Any:
        """The value in dicts, lists and scalars, bytes and dates as they are. Raises ArgumentException."""
        valid = self.checked(value)
        if not self.trusts_objects:
            return valid
        try:
            return self._serializer.to_python(valid, **self._options)
        except ValueError as error:
            self._refuse_unsendable(error)
            return self._write_closely(value, self._serializer.to_python)

    def checked(self, value: Any) -> Any:
        """A value that is to be written, validated; the given object is not changed. Raises ArgumentException."""
        for cls in self._classes:
            if cls.__subclasses__():
                self._serializer = _serializer(with_class_guards(self.core_schema))
                self._classes = ()
                break
        try:
            context = self._counter and self._counter()
            return self._checker.validate_python(value, context=context, by_alias=False, by_name=True)
        except Exception as error:  # noqa: BLE001 - a validator of the user's may raise any error
            raise self._refusal(error) from _cause(error)

    def from_json(self, data: bytes, counter: HashCounter | None = None) -> Any:
        """Read a value from JSON; ``counter`` is that of a value that it is part of.

        Raises ArgumentException, also if it is no JSON.
        """
        validator = self._validator if len(data) < LARGE else self._validator_with_pauses()
        try:
            context = counter or (self._counter and self._counter())
            return validator.validate_json(data, context=context, by_alias=self.by_alias, by_name=self._by_name)
        except Exception as error:  # noqa: BLE001 - a validator of the user's may raise any error
            raise self._refusal(error) from _cause(error)

    def from_plain(self, data: Any, counter: HashCounter | None = None, *, is_large: bool = False) -> Any:
        """As :meth:`from_json`, from dicts, lists and scalars, as msgpack gives them.

        Other threads run while a large one is read, if items of its lists and maps are objects.
        """
        validator = self._validator_with_pauses() if is_large else self._validator
        try:
            context = counter or (self._counter and self._counter())
            return validator.validate_python(data, context=context, by_alias=self.by_alias, by_name=self._by_name)
        except Exception as error:  # noqa: BLE001 - as above
            raise self._refusal(error) from _cause(error)

    def for_caller(self, defaults: Defaults) -> WireType:
        """The type for reading values of a caller that declares other fields, which have these defaults.

        A field that is not known here is ignored if it has its default, else refused as an ``UNKNOWN_FIELD``.
        """
        if self._for_callers is None:
            self._for_callers = _validator(bounded(self.core_schema, pauses=True, for_caller=True), RULES)
        other = copy(self)
        other._validator = other._pausing = self._for_callers
        other._counter = partial(HashCounter, defaults)
        return other

    def counter(self) -> HashCounter | None:
        """What counts the keys of one value by their hashes; None if that is not needed."""
        return self._counter and self._counter()

    def part(self, schema: Any, *, is_whole: bool = False) -> WireType:
        """The type for values of a core schema; places in errors are those in a part, or in the whole."""
        part = copy(self)
        part.core_schema, part.outline = schema, None
        inner = bounded(schema)
        part._validator, part._pausing = _validator(inner, RULES), None
        part._counter = HashCounter if counts_hashes(inner) else None
        if not is_whole:
            part._names, part.at = (), ""
        return part

    def _validator_with_pauses(self) -> Any:
        if self._pausing is None:
            self._pausing = _validator(bounded(self.core_schema, pauses=True), RULES)
        return self._pausing

    def _refuse_unsendable(self, error: ValueError) -> None:
        # pydantic keeps of an error in a serializer no more than its text.
        _, found, reason = str(error).partition(f"{UnsendableValue.__name__}: ")
        if found:
            raise self.error(f"{self.where}: {reason}") from None

    def _write_closely(self, value: Any, serialize: Callable[..., R]) -> R:
        """Write a value that is suspected of being wrong, or say why it cannot be written.

        Objects of the declared classes are trusted at first, since checking each of their fields makes writing
        several times slower, and the other side will do it anyway.
        """
        look = _validator(for_checking(with_rules(self.core_schema, _CLOSELY)), _CLOSELY)
        try:
            valid = look.validate_python(value, by_alias=False, by_name=True)
        except Exception as error:  # noqa: BLE001 - as above
            raise self._refusal(error) from _cause(error)
        try:
            return serialize(valid, **self._options)
        except ValueError:
            raise self.error(f"{self.where}: the value is not one of the declared type") from None

    def _refusal(self, error: Exception) -> ArgumentException:
        if not isinstance(error, ValidationError):
            return self.error(f"{self.where}: the value was refused with {type(error).__name__}")
        details = validation_details(error, self._names, at=self.at)
        return self.error(message_of(self.where, details, error.error_count()), details=details)


def _cause(error: Exception) -> Exception | None:
    """What an error is chained to; pydantic's quote values, which may be secret."""
    return None if isinstance(error, ValidationError) else error


def _serializer(schema: Any) -> Any:
    return SchemaSerializer(schema, cast(Any, dict(RULES)), _use_prebuilt=False)


def _validator(schema: Any, rules: Mapping[str, Any]) -> Any:
    config: Any = dict(rules)
    # Validators that pydantic has built before know nothing of the rules, so they are not used for nested types.
    return SchemaValidator(schema, config, _use_prebuilt=False)
