"""The dispatch channels: every call is a POST to ``/invoke`` that names the method and lists the arguments."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from service_channels_http.channel import HTTPXChannel
from service_channels_http.transport.exchange import Exchange
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.rejections import media_type, refused, retry_after, unreadable
from service_core import ArgumentException, Invocation, MethodDescriptor, ServiceCommunicationException
from service_core.resilience.retrying import Raised
from service_core.wire import (
    CODECS,
    JSON,
    MSGPACK,
    Codec,
    MalformedData,
    MethodCodec,
    WireError,
    call_headers,
    error_from_wire,
)

__all__ = ["DispatchChannel", "DispatchJSONChannel", "DispatchMSGPackChannel"]


@dataclass(slots=True)
class _Dispatch(Exchange):
    """One call, encoded."""

    plan: MethodCodec
    codec: Codec
    headers: dict[str, str]
    """The headers that all attempts have."""
    content: bytes

    def request(self, url: str) -> HTTPRequest:
        return HTTPRequest(
            _target(url), self.headers, self.call.deadline, self.caller, self.content, _FIXED[self.codec]
        )

    def complete(self, request: HTTPRequest, reply: HTTPReply) -> Any:
        if reply.status != 200:
            return self._failure(request, reply)
        codec: Codec | None = self.codec
        if reply.headers.get("content-type") != self.codec.content_type:
            codec = _codec_of(reply)
        if codec is None:
            raise unreadable(request, reply, f"answered with content type '{media_type(reply)}'")
        try:
            answer = codec.read_answer(self.plan, reply.content, where=lambda: request.where)
        except MalformedData as error:
            raise unreadable(request, reply, f"the answer cannot be read: {error}") from error
        if isinstance(answer, WireError):
            return Raised(error_from_wire(answer, where=request.where, declared=self.plan.errors))
        return answer

    def _failure(self, request: HTTPRequest, reply: HTTPReply) -> Raised:
        """The error in a reply that is not an answer of the method. Raises ServiceCommunicationException."""
        if reply.status < 400:
            raise unreadable(request, reply, f"answered with HTTP {reply.status}, where only 200 is an answer")
        error = self._refusal(request, reply)
        if isinstance(error, ServiceCommunicationException):
            raise error
        return Raised(error)

    def _refusal(self, request: HTTPRequest, reply: HTTPReply) -> Exception:
        told = self._envelope_error(reply)
        if told is None:
            return refused(request, reply, gateway_503_not_run=self.gateway_503_not_run)
        return error_from_wire(
            told,
            where=request.where,
            declared=self.plan.errors,
            refused=True,
            retry_after=retry_after(reply),
            method=self.plan.method,
        )

    def _envelope_error(self, reply: HTTPReply) -> WireError | None:
        """The error in the envelope of a refusal; None if a gateway or middleware refused without an envelope."""
        codec = _codec_of(reply)
        if codec is None:
            return None
        try:
            answer = codec.read_response(self.plan, reply.content)
        except (MalformedData, ArgumentException):
            return None
        return answer if isinstance(answer, WireError) else None


_FIXED: Final = {
    codec: {"content-type": codec.content_type, "accept": codec.content_type, "accept-encoding": "identity"}
    for codec in CODECS.values()
}


@functools.lru_cache(1000)  # instances change
def _target(url: str) -> str:
    return f"{url.rstrip('/')}/invoke"


def _codec_of(reply: HTTPReply) -> Codec | None:
    return CODECS.get(reply.headers.get("content-type", "")) or CODECS.get(media_type(reply))


class DispatchChannel(HTTPXChannel):
    """Sends calls in the format of :attr:`codec`."""

    codec: ClassVar[Codec]

    def __init__(self) -> None:
        super().__init__()
        self._plans: dict[MethodDescriptor, tuple[MethodCodec, str]] = {}

    def invoke(self, invocation: Invocation) -> Any:
        """Execute the call of a ``def`` method and return its result."""
        return self.exchange(self._prepare(invocation))

    async def invoke_async(self, invocation: Invocation) -> Any:
        """Execute the call of an ``async def`` method and return its result."""
        return await self.exchange_async(self._prepare(invocation))

    def _prepare(self, invocation: Invocation) -> _Dispatch:
        plan, caller = self._plans.get(invocation.descriptor) or self._plan(invocation)
        codec = self.codec
        content = codec.write_request(plan, invocation.arguments())
        headers = call_headers(invocation.context, invocation.correlation_id)
        return _Dispatch(invocation, caller, self.gateway_503_not_run, plan, codec, headers, content)

    def _plan(self, invocation: Invocation) -> tuple[MethodCodec, str]:
        """The plan of a method that is called for the first time, and its name for messages."""
        component, method = self.component_descriptor, invocation.descriptor
        built = MethodCodec(component, invocation.service, method)
        # Two threads may build it at once; both then use the same.
        return self._plans.setdefault(method, (built, f"{method.where} of component '{component.name}'"))


class DispatchJSONChannel(DispatchChannel):
    """Sends calls as JSON."""

    name = "dispatch-json"
    codec = JSON


class DispatchMSGPackChannel(DispatchChannel):
    """Sends calls as msgpack: smaller and faster than JSON where there are bytes and numbers."""

    name = "dispatch-msgpack"
    codec = MSGPACK
