"""The plan of a method: everything about its calls that does not depend on the arguments, built once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from service_core.declaring.descriptors import (
    NO_DEFAULT,
    ComponentDescriptor,
    MethodDescriptor,
    ParameterDescriptor,
    ServiceDescriptor,
)
from service_core.errors import ArgumentException, DeclarationException
from service_core.wire.declared_errors import DeclaredError
from service_core.wire.values import WireType

__all__ = ["MethodCodec"]


class MethodCodec:
    """How one method of a component's service is written and read. Immutable, shared by threads."""

    __slots__ = ("arguments", "errors", "method", "name", "result")

    def __init__(self, component: ComponentDescriptor, service: ServiceDescriptor, method: MethodDescriptor) -> None:
        """Build the plan. Raises DeclarationException if a type cannot be validated."""
        self.name = f"{component.name}:{service.name}:{method.name}"
        """The name of the method on the wire."""
        self.method = method
        self.arguments = _arguments(method)
        """All arguments as one tuple; trailing ones that have a default may be missing."""
        self.result = WireType(method.result, f"{method.where}: result")
        self.errors = _declared_errors(method)


def _arguments(method: MethodDescriptor) -> WireType:
    items: list[Any] = []
    for parameter in method.parameters:
        if parameter.default is NO_DEFAULT:
            items.append(parameter.annotation)
        else:
            default = _valid_default(parameter, method.where)
            items.append(Annotated[parameter.annotation, Field(default=default)])
    names = [parameter.name for parameter in method.parameters]
    try:
        return WireType(tuple.__class_getitem__(tuple(items)), method.where, names)
    except DeclarationException:
        for parameter in method.parameters:  # one of these says which it is
            WireType(parameter.annotation, f"{method.where}: parameter '{parameter.name}'")
        raise


def _valid_default(parameter: ParameterDescriptor, where: str) -> Any:
    where = f"{where}: parameter '{parameter.name}'"
    try:
        return WireType(parameter.annotation, where).from_plain(parameter.default)
    except ArgumentException as error:
        raise DeclarationException(
            f"{error.message}: so its default {parameter.default!r} can never be sent; give it another, or another type"
        ) from None


def _declared_errors(method: MethodDescriptor) -> dict[str, DeclaredError]:
    errors: dict[str, DeclaredError] = {}
    for cls in method.raises:
        if cls.__name__ in errors:
            raise DeclarationException(
                f"{method.where}: two errors of @raises are named {cls.__name__}; rename one, they travel by name"
            )
        errors[cls.__name__] = DeclaredError(cls, method.where)
    return errors
