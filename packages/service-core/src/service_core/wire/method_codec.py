"""The plan of a method: everything about its calls that does not depend on the arguments, built once."""

from __future__ import annotations

from service_core.declaring.descriptors import ComponentDescriptor, MethodDescriptor, ServiceDescriptor
from service_core.errors import DeclarationException
from service_core.wire.arguments import ArgumentTypes
from service_core.wire.declared_errors import DeclaredError
from service_core.wire.heads import Heads
from service_core.wire.values import WireType

__all__ = ["MethodCodec"]


class MethodCodec:
    """How one method of a component's service is written and read. Immutable, shared by threads."""

    __slots__ = ("arguments", "errors", "heads", "method", "name", "result")

    def __init__(self, component: ComponentDescriptor, service: ServiceDescriptor, method: MethodDescriptor) -> None:
        """Build the plan. Raises DeclarationException if a type cannot be validated."""
        self.name = f"{component.name}:{service.name}:{method.name}"
        """The name of the method on the wire."""
        self.method = method
        self.arguments = ArgumentTypes(method)
        self.heads: dict[str, Heads] = {}
        """The beginnings of requests, by content type; each codec adds its own."""
        self.result = WireType(method.result, f"{method.where}: result")
        self.errors = _declared_errors(method)


def _declared_errors(method: MethodDescriptor) -> dict[str, DeclaredError]:
    errors: dict[str, DeclaredError] = {}
    for cls in method.raises:
        if cls.__name__ in errors:
            raise DeclarationException(
                f"{method.where}: two errors of @raises are named {cls.__name__}; rename one, they travel by name"
            )
        errors[cls.__name__] = DeclaredError(cls, method.where)
    return errors
