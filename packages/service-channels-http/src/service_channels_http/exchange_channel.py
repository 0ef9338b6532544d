"""The base of channels whose calls are exchanges of one request and one reply."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from service_channels_http.channel import HTTPXChannel
from service_channels_http.transport.exchange import StreamExchange
from service_core import Invocation
from service_core.arguments import Arguments


class ExchangeChannel(HTTPXChannel):
    """Sends what :meth:`prepare` makes of a call, as a whole or with streams."""

    @abstractmethod
    def prepare(self, invocation: Invocation, arguments: Arguments) -> StreamExchange:
        """The call, encoded; ``arguments`` are those that are sent as a whole."""

    def invoke(self, invocation: Invocation) -> Any:
        if invocation.descriptor.input_stream is not None:
            from service_channels_http.streams import send_input  # most programs have no streams

            arguments, items = invocation.arguments_and_stream()
            return send_input(self, self.prepare(invocation, arguments), items)
        arguments = invocation.descriptor.bind(invocation.args, invocation.kwargs)
        return self.exchange(self.prepare(invocation, arguments))

    async def invoke_async(self, invocation: Invocation) -> Any:
        if invocation.descriptor.input_stream is not None:
            from service_channels_http.streams import send_input_async

            arguments, items = invocation.arguments_and_stream()
            return await send_input_async(self, self.prepare(invocation, arguments), items)
        arguments = invocation.descriptor.bind(invocation.args, invocation.kwargs)
        return await self.exchange_async(self.prepare(invocation, arguments))

    def invoke_stream(self, invocation: Invocation) -> Any:
        from service_channels_http.streams import AsyncLists, lists

        arguments, items = invocation.arguments_and_stream()
        exchange = self.prepare(invocation, arguments)
        return (AsyncLists if invocation.descriptor.is_async else lists)(self, exchange, items)
