"""The codec of a method: everything about its calls that does not depend on the arguments, built once."""

from __future__ import annotations

from service_core.declaring.descriptors import ComponentDescriptor, MethodDescriptor, ServiceDescriptor
from service_core.declaring.signatures.streams import StreamDescriptor
from service_core.errors import DeclarationException, ResultException
from service_core.wire.failures.declared_errors import DeclaredError
from service_core.wire.methods.arguments import ArgumentTypes
from service_core.wire.methods.sent_fields import SentFields, sent_fields
from service_core.wire.methods.written_names import WrittenNames
from service_core.wire.values import WireType


class ResultType(WireType):
    """The type of what an implementation returns or yields."""

    __slots__ = ()
    error = ResultException


class MethodCodec:
    """How one method of a component's service is written and read. Immutable, shared by threads."""

    __slots__ = ("_digest", "arguments", "errors", "input_items", "items", "method", "name", "result", "written_names")

    def __init__(self, component: ComponentDescriptor, service: ServiceDescriptor, method: MethodDescriptor) -> None:
        """Prepare the types. Raises DeclarationException if a type cannot be validated."""
        self.name = f"{component.name}:{service.name}:{method.name}"
        """The name of the method on the wire."""
        self.method = method
        self.arguments = ArgumentTypes(method)
        self.written_names: dict[str, WrittenNames] = {}
        """The names of arguments as they are written, by content type; each codec adds its own."""
        self.result = ResultType(method.result if method.stream is None else None, f"{method.where}: result")
        """The type of a result that comes as a whole; None of one that is a stream."""
        self.items = _items(method.stream, method.where)
        """The type of a list of items of the result, None if that is no stream."""
        self.input_items = _items(method.input_stream, method.where)
        """The type of a list of items of the parameter that is a stream, None if there is none."""
        self.errors = _declared_errors(method)
        self._digest: str | None = None  # made when it is needed for the first time

    @property
    def digest(self) -> str:
        """That of the fields of the objects in the arguments and in the items of one that is a stream."""
        if self._digest is None:
            sent = self.sent_fields(as_json=True)
            self._digest = "" if sent is None else sent.digest
        return self._digest

    def sent_fields(self, *, as_json: bool) -> SentFields | None:
        """The fields of these objects, None if there are none; written as JSON or as msgpack."""
        items = [] if self.input_items is None else [self.input_items.core_schema]
        return sent_fields([self.arguments.all.core_schema, *items], as_json=as_json)


def _items(stream: StreamDescriptor | None, where: str) -> WireType | None:
    if stream is None:
        return None
    what = f"parameter '{stream.parameter}'" if stream.parameter else "result"
    kind = WireType if stream.parameter else ResultType
    return kind(list.__class_getitem__(stream.item), f"{where}: items of {what}")


def _declared_errors(method: MethodDescriptor) -> dict[str, DeclaredError]:
    errors: dict[str, DeclaredError] = {}
    for cls in method.raises:
        if cls.__name__ in errors:
            raise DeclarationException(
                f"{method.where}: two errors of @raises are named {cls.__name__}; rename one, they travel by name"
            )
        errors[cls.__name__] = DeclaredError(cls, method.where)
    return errors
