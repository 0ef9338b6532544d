"""A call over dispatch: what to send for it, and what the reply means."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

from service_channels_http.transport.exchange import StreamExchange
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.rejections import media_type, refused, retry_after, unexpected, unreadable
from service_core import ArgumentException, Deadline
from service_core.resilience import Raised
from service_core.wire import (
    CODECS,
    Codec,
    MalformedData,
    MethodCodec,
    WireError,
    error_from_wire,
)
from service_core.wire.streams import (
    STREAM_TYPES,
    Frame,
    FrameKind,
    FrameReader,
    read_items,
    write_call,
    write_end,
    write_items,
)


@dataclass(slots=True)
class DispatchExchange(StreamExchange):
    """One call, encoded."""

    method_codec: MethodCodec
    codec: Codec
    headers: dict[str, str]
    """The headers that all attempts have."""
    content: bytes

    def request(self, url: str) -> HTTPRequest:
        return HTTPRequest(
            _target(url), self.headers, self.call.deadline, self.caller, self.content, _FIXED[self.codec]
        )

    def stream_request(self, url: str, deadline: Deadline, *, has_input: bool) -> HTTPRequest:
        headers = {**self.headers, **self.stream_headers()}
        if has_input:
            return HTTPRequest(_target(url), {**headers, **_STREAMING[self.codec]}, deadline, self.caller)
        return HTTPRequest(_target(url), headers, deadline, self.caller, self.content, _STREAMED[self.codec])

    def first_part(self) -> bytes:
        return write_call(self.content)

    def write_items(self, items: list[Any]) -> bytes:
        return write_items(self.method_codec, self.codec, items)

    def last_part(self) -> bytes:
        return write_end()

    def reader(self, request: HTTPRequest, head: HTTPReply, max_bytes: int) -> _FramedItems | None:
        if head.status != 200 or media_type(head) != STREAM_TYPES[self.codec.content_type]:
            return None
        return _FramedItems(self.method_codec, self.codec, request, max_bytes)

    def complete(self, request: HTTPRequest, reply: HTTPReply) -> Any:
        if reply.status != 200:
            return self.failure(request, reply)
        codec = self.codec
        if reply.headers.get("content-type") != codec.content_type:
            codec = self._other_codec(request, reply)
        try:
            answer = codec.read_answer(self.method_codec, reply.content, request)
        except MalformedData as error:
            raise unreadable(request, reply, f"the answer cannot be read: {error}") from error
        if isinstance(answer, WireError):
            return Raised(error_from_wire(answer, where=request.where, declared=self.method_codec.errors))
        return answer

    def _other_codec(self, request: HTTPRequest, reply: HTTPReply) -> Codec:
        """The codec of a reply whose type is written differently than expected. Raises what is wrong with it."""
        if media_type(reply) in STREAM_TYPES.values():
            raise unexpected(request, reply, self.method_codec.method)
        codec = _codec_of(reply)
        if codec is None:
            raise unreadable(request, reply, f"answered with content type '{media_type(reply)}'")
        return codec

    def error(self, request: HTTPRequest, reply: HTTPReply) -> Exception:
        failure = self._envelope_error(reply)
        if failure is None:
            return refused(request, reply, gateway_503_not_run=self.gateway_503_not_run, without_route=_WITHOUT_INVOKE)
        return error_from_wire(
            failure,
            where=request.where,
            declared=self.method_codec.errors,
            refused=True,
            retry_after=retry_after(reply),
            method=self.method_codec.method,
        )

    def _envelope_error(self, reply: HTTPReply) -> WireError | None:
        """The error in the envelope of a refusal; None if a gateway or middleware refused without an envelope."""
        codec = _codec_of(reply)
        if codec is None:
            return None
        try:
            answer = codec.read_response(self.method_codec, reply.content)
        except (MalformedData, ArgumentException):
            return None
        return answer if isinstance(answer, WireError) else None


class _FramedItems:
    """Reads frames."""

    def __init__(self, method_codec: MethodCodec, codec: Codec, request: HTTPRequest, max_bytes: int) -> None:
        self._method_codec = method_codec
        self._codec = codec
        self._request = request
        self._reader = FrameReader(max_bytes)
        self._frames: list[Frame] = []
        self.failure: Exception | None = None

    @property
    def is_over(self) -> bool:
        return self._frames == [_END]

    def feed(self, part: bytes) -> None:
        self._frames = self._reader.feed(part)[::-1]

    def end(self) -> None:
        raise MalformedData("the answer ended before the stream did")

    def next_items(self) -> list[Any] | None:
        if not self._frames:
            return None
        try:
            return read_items(self._frames.pop(), self._method_codec, self._codec, lambda: self._request.where)
        except Exception as error:
            self.failure = error
            raise


_END: Final = Frame(FrameKind.END, 1, b"")

_FIXED: Final = {
    codec: {"content-type": codec.content_type, "accept": codec.content_type, "accept-encoding": "identity"}
    for codec in CODECS.values()
}


_WITHOUT_INVOKE: Final = frozenset({404, 405})
"""Statuses of a server that has no POST /invoke; one that has it sends an envelope with them."""


@functools.lru_cache(1000)  # instances change
def _target(url: str) -> str:
    return f"{url.rstrip('/')}/invoke"


def _codec_of(reply: HTTPReply) -> Codec | None:
    return CODECS.get(reply.headers.get("content-type", "")) or CODECS.get(media_type(reply))


_STREAMED: Final = {
    codec: {"content-type": codec.content_type, "accept": STREAM_TYPES[name], "accept-encoding": "identity"}
    for name, codec in CODECS.items()
}
_STREAMING: Final = {
    codec: {**headers, "content-type": STREAM_TYPES[codec.content_type], "transfer-encoding": "chunked"}
    for codec, headers in _STREAMED.items()
}
