"""Requests of calls with streams: sent on a connection of their own, with the items of the argument."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from service_channels_http.channel import HTTPXChannel
from service_channels_http.transport.engine.reader import write_beginning, write_head
from service_channels_http.transport.errors import deadline_exceeded
from service_channels_http.transport.exchange import StreamExchange
from service_channels_http.transport.messages import HTTPRequest
from service_channels_http.transport.streams.response import TooLate
from service_channels_http.transport.streams.stream_async import AsyncStream
from service_channels_http.transport.streams.stream_sync import SyncStream
from service_core.dispatch import StreamSource
from service_core.resilience.stream_limits import StreamLimits

__all__ = ["sent", "sent_async"]


async def sent_async(
    channel: HTTPXChannel, exchange: StreamExchange, items: Any, url: str, limits: StreamLimits
) -> tuple[HTTPRequest, AsyncStream]:
    request = await channel.authorized_async(exchange.stream_request(url, limits.total, has_input=items is not None))
    origin, target = channel.stream_origin(request, is_async=True)
    head = write_head(request, write_beginning(request, target, origin.authority))
    stream = await AsyncStream.open(origin, _until(request, limits), channel.connect_timeout)
    stream.send(head, None if items is None else _parts_async(exchange, items, limits))
    return request, stream


def sent(
    channel: HTTPXChannel, exchange: StreamExchange, items: Any, url: str, limits: StreamLimits
) -> tuple[HTTPRequest, SyncStream]:
    request = channel.authorized(exchange.stream_request(url, limits.total, has_input=items is not None))
    origin, target = channel.stream_origin(request, is_async=False)
    head = write_head(request, write_beginning(request, target, origin.authority))
    stream = SyncStream.open(origin, _until(request, limits), channel.connect_timeout)
    try:
        stream.send(head, None if items is None else _parts(exchange, items), limits.deadline)
    except TooLate as error:
        stream.close()
        raise deadline_exceeded(request, may_have_run=True) from error
    except BaseException:
        stream.close()
        raise
    return request, stream


def _until(request: HTTPRequest, limits: StreamLimits) -> HTTPRequest:
    """The request for messages and for connecting, which ends when the first item has to be there."""
    return HTTPRequest(request.url, request.headers, limits.deadline, request.caller, request.content)


async def _parts_async(exchange: StreamExchange, items: Any, limits: StreamLimits) -> AsyncIterator[bytes]:
    yield exchange.first_part()
    exchange.call.input_started = True
    source = StreamSource()
    source.start(_iterate(source, items))
    try:
        while came := await source.take():
            yield exchange.write_items(came)
        if source.outcome is not None:
            raise source.outcome
        limits.input_ended(exchange.call.policy.timeout)
        yield exchange.last_part()
    finally:
        await source.aclose()


async def _iterate(source: StreamSource, items: Any) -> Exception | None:
    try:
        await source.iterate(aiter(items))
    except Exception as error:  # noqa: BLE001 - belongs to the caller
        return error
    return None


def _parts(exchange: StreamExchange, items: Any) -> Iterator[bytes]:
    yield exchange.first_part()
    exchange.call.input_started = True
    for item in items:
        yield exchange.write_items([item])
    yield exchange.last_part()
