"""The dispatch channels: every call is a POST to ``/invoke`` that names the method and lists the arguments."""

from __future__ import annotations

from typing import ClassVar

from service_channels_http.dispatch_exchange import DispatchExchange
from service_channels_http.exchange_channel import ExchangeChannel
from service_core import Invocation, MethodDescriptor
from service_core.arguments import Arguments
from service_core.wire import (
    JSON,
    MSGPACK,
    Codec,
    MethodCodec,
    call_headers,
)


class DispatchChannel(ExchangeChannel):
    """Sends calls in the format of :attr:`codec`."""

    codec: ClassVar[Codec]

    def __init__(self) -> None:
        super().__init__()
        self._method_codecs: dict[MethodDescriptor, tuple[MethodCodec, str]] = {}

    def prepare(self, invocation: Invocation, arguments: Arguments) -> DispatchExchange:
        method_codec, caller = self._method_codecs.get(invocation.descriptor) or self._method_codec(invocation)
        codec = self.codec
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
