"""The rest channel: every call is the plain HTTP request that the interface's decorators describe.

The server may be service-server-fastapi, aspyx-service, or any other server for which there is an interface.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from service_channels_http.exchange_channel import ExchangeChannel
from service_channels_http.transport.exchange import ItemReader, StreamExchange
from service_channels_http.transport.messages import NO_HEADERS, HTTPReply, HTTPRequest
from service_channels_http.transport.rejections import media_type, refused, retry_after, unexpected, unreadable
from service_core import (
    ArgumentException,
    ChannelInstances,
    ComponentDescriptor,
    Deadline,
    Invocation,
)
from service_core.arguments import Arguments
from service_core.rest import (
    EVENT_STREAM,
    NDJSON,
    PROBLEM_TYPE,
    SENT_ARGUMENTS,
    RestRequest,
    RouteCodec,
    RouteTable,
    StreamedItems,
    read_problem,
)
from service_core.wire import MalformedData, call_headers, error_from_wire, misfit

_ACCEPT: Final = f"application/json, {PROBLEM_TYPE}, text/plain;q=0.5"
_STREAMED: Final = {"accept": f"{NDJSON}, {EVENT_STREAM};q=0.9, {PROBLEM_TYPE};q=0.5"}
_STREAMING: Final = {"content-type": NDJSON, "transfer-encoding": "chunked"}


@dataclass(slots=True)
class _RestCall(StreamExchange):
    """One call, encoded."""

    route_codec: RouteCodec
    headers: dict[str, str]
    """The headers that all attempts have."""
    written: RestRequest
    accept: str

    def request(self, url: str) -> HTTPRequest:
        written, headers = self.written, self.headers
        fixed = _fixed(self.accept, written.body is not None)
        if written.headers:  # they may override the accepted types
            headers, fixed = {**fixed, **headers, **written.headers}, NO_HEADERS
        target, content = f"{url.rstrip('/')}{written.target}", written.body or b""
        return HTTPRequest(target, headers, self.call.deadline, self.caller, content, fixed, written.verb)

    def stream_request(self, url: str, deadline: Deadline, *, has_input: bool) -> HTTPRequest:
        request = self.request(url)
        fixed = {**request.fixed, **(_STREAMING if has_input else _STREAMED), **self.stream_headers()}
        return HTTPRequest(
            request.url, {**fixed, **request.headers}, deadline, self.caller, request.content, method=request.method
        )

    def first_part(self) -> bytes:
        return b""

    def write_items(self, items: list[Any]) -> bytes:
        return self.route_codec.write_input(items)

    def last_part(self) -> bytes:
        return b""

    def reader(self, request: HTTPRequest, head: HTTPReply, max_bytes: int) -> ItemReader | None:
        kind = media_type(head)
        if not 200 <= head.status <= 299 or kind not in (NDJSON, EVENT_STREAM) or self.route_codec.items is None:
            return None
        has_end = "transfer-encoding" in head.headers or "content-length" in head.headers
        return StreamedItems(
            self.route_codec, self.route_codec.items, kind, request.where, max_bytes=max_bytes, has_end=has_end
        )

    def complete(self, request: HTTPRequest, reply: HTTPReply) -> Any:
        if not 200 <= reply.status <= 299:
            return self.failure(request, reply)
        if (self.route_codec.items is not None) or media_type(reply) in (NDJSON, EVENT_STREAM):
            raise unexpected(request, reply, self.route_codec.method)
        content_type = reply.headers.get("content-type", "")
        if reply.content and not self.route_codec.can_read(content_type):
            raise unreadable(request, reply, f"answered with content type '{media_type(reply)}'")
        try:
            return self.route_codec.read_result(content_type, reply.content)
        except MalformedData as error:
            raise unreadable(request, reply, f"the answer cannot be read: {error}") from error
        except ArgumentException as error:
            result = self.route_codec.read_data(content_type, reply.content)
            raise misfit(error, self.route_codec.method, result, where=request.where) from error

    def error(self, request: HTTPRequest, reply: HTTPReply) -> Exception:
        problem = read_problem(reply.headers.get("content-type", ""), reply.content)
        if problem is None:
            return refused(request, reply, gateway_503_not_run=self.gateway_503_not_run)
        return error_from_wire(
            problem.to_error(),
            where=request.where,
            declared=self.route_codec.call.errors,
            refused="executed" in problem.model_fields_set and not problem.executed,
            retry_after=retry_after(reply),
            method=self.route_codec.method,
        )


@functools.lru_cache(100)
def _fixed(accept: str, has_body: bool) -> Mapping[str, str]:
    headers = {"accept": accept, "accept-encoding": "identity"}
    return {"content-type": "application/json", **headers} if has_body else headers


class RestChannel(ExchangeChannel):
    """Sends calls by the routes that ``service_core.rest`` derives from the decorators of methods."""

    name = "rest"

    def __init__(self) -> None:
        super().__init__()
        self.accept = _ACCEPT
        """The media types to accept, for servers that have types of their own; they must be JSON or text."""

    def setup(self, component_descriptor: ComponentDescriptor, address: ChannelInstances | None) -> None:
        """Bind the channel to a component. Raises DeclarationException if its routes are contradictory."""
        self._routes = RouteTable.of_component(component_descriptor)
        self._callers = {
            route_codec: f"{route_codec.method.where} of component '{component_descriptor.name}'"
            for route_codec in self._routes
        }
        super().setup(component_descriptor, address)

    def prepare(self, invocation: Invocation, arguments: Arguments) -> _RestCall:
        route_codec = self._routes.route_codec(invocation.descriptor)
        written = self._routes.write(route_codec, arguments)
        headers = call_headers(invocation.context, invocation.correlation_id)
        headers[SENT_ARGUMENTS] = written.arguments
        caller, not_run = self._callers[route_codec], self.gateway_503_not_run
        return _RestCall(invocation, caller, not_run, route_codec, headers, written, self.accept)
