"""The dispatch channels: every call is a POST to ``/invoke`` that names the method and lists the arguments."""

from __future__ import annotations

from typing import Any, ClassVar

from service_channels_http.channel import HTTPXChannel
from service_channels_http.dispatch_exchange import DispatchExchange
from service_core import Invocation, MethodDescriptor
from service_core.arguments import Arguments
from service_core.wire import (
    JSON,
    MSGPACK,
    Codec,
    MethodCodec,
    call_headers,
)

__all__ = ["DispatchChannel", "DispatchJSONChannel", "DispatchMSGPackChannel"]


class DispatchChannel(HTTPXChannel):
    """Sends calls in the format of :attr:`codec`."""

    codec: ClassVar[Codec]

    def __init__(self) -> None:
        super().__init__()
        self._method_codecs: dict[MethodDescriptor, tuple[MethodCodec, str]] = {}

    def invoke(self, invocation: Invocation) -> Any:
        """Execute the call of a ``def`` method and return its result."""
        if invocation.descriptor.input_stream is not None:
            from service_channels_http.streams import send_input  # most programs have no streams

            arguments, items = invocation.arguments_and_stream()
            return send_input(self, self._prepare(invocation, arguments), items)
        return self.exchange(self._prepare(invocation))

    async def invoke_async(self, invocation: Invocation) -> Any:
        """Execute the call of an ``async def`` method and return its result."""
        if invocation.descriptor.input_stream is not None:
            from service_channels_http.streams import send_input_async

            arguments, items = invocation.arguments_and_stream()
            return await send_input_async(self, self._prepare(invocation, arguments), items)
        return await self.exchange_async(self._prepare(invocation))

    def invoke_stream(self, invocation: Invocation) -> Any:
        """Execute the call of a method whose result is a stream."""
        from service_channels_http.streams import AsyncLists, lists

        arguments, items = invocation.arguments_and_stream()
        exchange = self._prepare(invocation, arguments)
        return (AsyncLists if invocation.descriptor.is_async else lists)(self, exchange, items)

    def _prepare(self, invocation: Invocation, arguments: Arguments | None = None) -> DispatchExchange:
        method_codec, caller = self._method_codecs.get(invocation.descriptor) or self._method_codec(invocation)
        codec = self.codec
        if arguments is None:
            arguments = invocation.descriptor.bind(invocation.args, invocation.kwargs)
        content = codec.write_request(method_codec, arguments)
        headers = call_headers(invocation.context, invocation.correlation_id)
        return DispatchExchange(invocation, caller, self.gateway_503_not_run, method_codec, codec, headers, content)

    def _method_codec(self, invocation: Invocation) -> tuple[MethodCodec, str]:
        """The codec of a method that is called for the first time, and its name for messages."""
        component, method = self.component_descriptor, invocation.descriptor
        built = MethodCodec(component, invocation.service, method)
        # Two threads may build it at once; both then use the same.
        return self._method_codecs.setdefault(method, (built, f"{method.where} of component '{component.name}'"))


class DispatchJSONChannel(DispatchChannel):
    """Sends calls as JSON."""

    name = "dispatch-json"
    codec = JSON


class DispatchMSGPackChannel(DispatchChannel):
    """Sends calls as msgpack: smaller and faster than JSON where there are bytes and numbers."""

    name = "dispatch-msgpack"
    codec = MSGPACK
