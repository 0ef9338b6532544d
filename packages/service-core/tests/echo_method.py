"""A method that takes a value and gives it back, as the wire carries it."""

from __future__ import annotations

from typing import Any

from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.wire import Codec, MethodCodec


def method_codec(annotation: Any) -> MethodCodec:
    """The plan of a method that takes a value of the type and gives it back."""

    def echo(self: Service, value: Any) -> Any: ...

    echo.__annotations__ = {"value": annotation, "return": annotation}
    service = describe_service(type("Echo", (Service,), {"echo": echo}), "echo", "")
    component = ComponentDescriptor(name="test", type=object, description="", services=(service,))
    return MethodCodec(component, service, service.methods["echo"])


def travel(codec: Codec, method: MethodCodec, value: Any) -> list[Any]:
    """What arrives as the argument, and what arrives as the result."""
    request = codec.read_request(codec.write_request(method, (value,)))
    assert request.method == "test:echo:echo"
    (argument,) = codec.read_arguments(method, request)
    return [argument, codec.read_response(method, codec.write_result(method, value))]
