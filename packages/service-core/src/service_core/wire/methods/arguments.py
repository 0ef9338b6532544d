"""The arguments of one method: their types, by place and by name, and whether a caller's names are those here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from typing import Annotated, Any, Final, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from service_core.arguments import NO_DEFAULT, NOT_GIVEN, Arguments, in_order, without_end
from service_core.declaring.descriptors import MethodDescriptor, ParameterDescriptor
from service_core.declaring.signatures.text import signature_text
from service_core.errors import ArgumentException, ContractMismatchException, DeclarationException
from service_core.wire.methods.sent_fields import Defaults
from service_core.wire.types.unknown_fields import UNKNOWN_FIELD
from service_core.wire.values import WireType

CHANGES_PAGE: Final = "the page 'Change an interface' of the documentation"
"""The page on changing interfaces, as messages name it."""

Names = tuple[str | None, ...]
"""The names of arguments on the wire; None where the caller gives none and only fills the place."""


class ArgumentTypes:
    """How the arguments of one method are validated. Immutable, shared by threads."""

    def __init__(self, method: MethodDescriptor) -> None:
        """Build the types. Raises DeclarationException if values of one cannot be sent."""
        self.method = method
        self._parameters = method.sent_parameters
        self.names = tuple(parameter.name for parameter in self._parameters)
        self.required = frozenset(one.name for one in self._parameters if one.default is NO_DEFAULT)
        """The names of those that every caller gives."""
        self.all_required = len(self.required) == len(self.names)
        """Whether every caller gives all of them."""
        self.fewest = max((self.names.index(name) + 1 for name in self.required), default=0)
        """How many have to be given if they are given by place."""
        self.all = self._tuple_type()
        """The type of all arguments, by place; the optional ones may be missing at the end."""
        self.where = method.where
        """``Class.method``, for messages."""
        self.max_values = self.all.max_values
        """How many values all arguments together hold at most; None if there is no limit."""
        self._by_count = {len(self.names): self.all}

    # written

    def first(self, count: int) -> WireType:
        """The type of the first ``count`` arguments, all of which are there."""
        known = self._by_count.get(count)
        return known or self._by_count.setdefault(count, self._tuple_type(count))

    def filled(self, arguments: Arguments) -> tuple[Names | None, Arguments]:
        """What is written for arguments: names, or None if they are the first ones in order, and values.

        Where one is not given and a later one is, the caller's default fills the place for servers that read by place.
        """
        if not any(value is NOT_GIVEN for value in arguments):
            return None, arguments
        pairs = list(zip(self._parameters, arguments, strict=False))
        names = tuple(None if value is NOT_GIVEN else parameter.name for parameter, value in pairs)
        return names, tuple(parameter.default if value is NOT_GIVEN else value for parameter, value in pairs)

    # read

    def placed(self, arguments: Arguments) -> Arguments:
        """What :attr:`all` has read, without those at the end that are not given."""
        return arguments if self.all_required else without_end(arguments)

    @cached_property
    def named(self) -> WireType:
        """The type of a map of arguments by name, of which each may be missing."""
        fields: dict[str, Any] = {one.name: NotRequired[one.annotation] for one in self._parameters}
        arguments: Any = TypedDict("Arguments", fields)  # type: ignore[misc]
        return WireType(arguments, self.method.where)

    def for_caller(self, defaults: Defaults) -> ArgumentTypes:
        """The types for arguments of a caller that declares other fields, see :meth:`WireType.for_caller`."""
        other = copy(self)
        other.all, other.named = self.all.for_caller(defaults), self.named.for_caller(defaults)
        return other

    @contextmanager
    def comparing_fields(self) -> Iterator[None]:
        """Raise ContractMismatchException instead of an error for a field that is not known here."""
        try:
            yield
        except ArgumentException as error:
            places = [one["loc"] for one in error.details or () if one["type"] == UNKNOWN_FIELD]
            if not places:
                raise
            field = ".".join(map(str, places[0]))
            raise self.mismatch(field, f"the field '{field[:100]}' has a value and is not known here") from None

    def in_order(self, given: Mapping[str, Any]) -> Arguments:
        """The arguments of a map that was read."""
        return in_order(self.names, given)

    def check(self, given: Collection[str]) -> None:
        """Compare the names of arguments that came with those here.

        Raises ContractMismatchException if one is not known, or one that is needed is not there.
        """
        unknown = [name for name in given if name not in self.names]
        if unknown:
            raise self.mismatch(unknown[0], f"there is no parameter {unknown[0][:100]!r} here")
        missing = [name for name in self.names if name in self.required and name not in given]
        if missing:
            raise self.mismatch(missing[0], f"the parameter '{missing[0]}' is needed here and was not given")

    def mismatch(self, parameter: str, reason: str) -> ContractMismatchException:
        """The refusal of a call because of one parameter."""
        here = signature_text(self.method)
        return ContractMismatchException(
            f"the interfaces of caller and server differ: {self.method.where}: {reason}; the server has '{here}'; "
            f"see {CHANGES_PAGE}",
            details={"parameter": parameter[:100], "signature": here},
        )

    def _tuple_type(self, count: int | None = None) -> WireType:
        """The type of the first ``count`` arguments; of all, of which the optional ones may be missing, if None."""
        parameters, where = self._parameters, self.method.where
        items = [parameter.annotation for parameter in parameters[:count]]
        if count is None:
            items = [_optional(parameter, where) for parameter in parameters]
        try:
            return WireType(tuple.__class_getitem__(tuple(items)), where, self.names)
        except DeclarationException:
            for parameter in parameters:  # one of these says which it is
                WireType(parameter.annotation, f"{where}: parameter '{parameter.name}'")
            raise


def _optional(parameter: ParameterDescriptor, where: str) -> Any:
    if parameter.default is NO_DEFAULT:
        return parameter.annotation
    where = f"{where}: parameter '{parameter.name}'"
    try:
        WireType(parameter.annotation, where).from_plain(parameter.default)
    except ArgumentException as error:
        raise DeclarationException(
            f"{where}: its default {parameter.default!r} does not fit its type, so it cannot be sent "
            f"({error.message.removeprefix(f'{where}: ')}); change the default or the type"
        ) from None
    return Annotated[parameter.annotation, Field(default=NOT_GIVEN)]
