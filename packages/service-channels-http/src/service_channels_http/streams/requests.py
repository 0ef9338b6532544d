"""Requests of calls with streams, with the items of the argument."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from service_channels_http.channel import HTTPXChannel
from service_channels_http.streams.item_queue import ItemQueue, feed
from service_channels_http.transport.errors import deadline_exceeded
from service_channels_http.transport.exchange import StreamExchange
from service_channels_http.transport.messages import HTTPRequest
from service_channels_http.transport.streams.response import NotTaken, TooLate
from service_channels_http.transport.streams.stream_async import AsyncStream
from service_channels_http.transport.streams.stream_sync import SyncStream
from service_core import LocalServiceException, blocking
from service_core.dispatch import StreamSource, ThreadPool
from service_core.resilience import StreamLimits

if TYPE_CHECKING:  # imported where it sends
    from service_channels_http.transport.httpx.streams import AsyncHTTPXStream, HTTPXStream

_WORKERS: Final = ThreadPool(64)
"""Where sync iterators of async callers advance."""


async def sent_async(
    channel: HTTPXChannel, exchange: StreamExchange, items: Any, url: str, limits: StreamLimits
) -> tuple[HTTPRequest, AsyncStream | AsyncHTTPXStream]:
    """Send a request, the items of its argument in a task of their own or, with httpx, before the response is read."""
    request = exchange.stream_request(url, limits.total, has_input=items is not None)
    if channel.headers or channel.forward_token or channel.token_provider is not None:
        request = await channel.authorized_async(request)
    until = _until(request, limits)
    leased = await channel.lease_async(request, until)
    parts = None if items is None else _parts_async(exchange, items, limits)
    if leased is None:
        from service_channels_http.transport.httpx.streams import AsyncHTTPXStream

        _refuse_both_ways(exchange)
        over_httpx = AsyncHTTPXStream(channel.get_async_client(), request, channel.connect_timeout, limits.pause)
        over_httpx.send(parts)
        return request, over_httpx
    stream = AsyncStream(until, leased)
    stream.send(parts, None if parts is None else limits.pause)
    return request, stream


def sent(
    channel: HTTPXChannel, exchange: StreamExchange, items: Any, url: str, limits: StreamLimits
) -> tuple[HTTPRequest, SyncStream | HTTPXStream]:
    """Send a request with all items of its argument."""
    request = exchange.stream_request(url, limits.total, has_input=items is not None)
    if channel.headers or channel.forward_token or channel.token_provider is not None:
        request = channel.authorized(request)
    until = _until(request, limits)
    leased = channel.lease(request, until)
    queue = None if items is None else ItemQueue()
    parts = None if queue is None else _parts(exchange, queue, limits)
    stream: SyncStream | HTTPXStream
    if leased is None:
        from service_channels_http.transport.httpx.streams import HTTPXStream

        stream = over_httpx = HTTPXStream(channel.get_client(), request, channel.connect_timeout, limits.pause)
        send = partial(over_httpx.send, parts, lambda: limits.deadline)
    else:
        stream = engine = SyncStream(until, leased)
        send = partial(engine.send, parts, limits.deadline, limits.pause)
    try:
        if items is None or queue is None:
            send()
        else:
            feed(queue, blocking(_relayed)(items) if hasattr(items, "__aiter__") else items, send, stream.close)
    except NotTaken as error:
        stream.close()
        raise limits.not_taken() from error
    except TooLate as error:
        stream.close()
        raise deadline_exceeded(request, may_have_run=True) from error
    except BaseException:
        stream.close()
        raise
    return request, stream


def _refuse_both_ways(exchange: StreamExchange) -> None:
    method = exchange.call.descriptor
    if method.stream is not None and method.input_stream is not None:
        raise LocalServiceException(
            f"{method.where}: streams both ways at once are sent by the engine, but requests to this address are sent "
            f"with httpx, which sends a request before it reads the response: the channel has a client of its own or "
            f"transport='httpx', or there is an HTTP proxy"
        )


def _until(request: HTTPRequest, limits: StreamLimits) -> HTTPRequest:
    """The request for messages and for connecting, which ends when the first item has to be there."""
    return HTTPRequest(
        request.url,
        request.headers,
        limits.deadline,
        request.caller,
        request.content,
        request.fixed,
        request.method,
    )


async def _parts_async(exchange: StreamExchange, items: Any, limits: StreamLimits) -> AsyncGenerator[bytes, None]:
    yield exchange.first_part()
    exchange.call.input_started = True
    source = StreamSource()
    source.start(_iterate(source, items))
    try:
        while came := await source.take():
            part = exchange.write_items(came)
            source.adapt(len(came), len(part))
            yield part
        if source.outcome is not None:
            raise source.outcome
        limits.input_ended(exchange.call.policy.timeout)
        yield exchange.last_part()
    finally:
        await source.aclose()


async def _iterate(source: StreamSource, items: Any) -> Exception | None:
    try:
        if hasattr(items, "__aiter__"):
            await source.iterate(aiter(items))
        else:
            await source.iterate_sync(iter(items), _WORKERS)
    except Exception as error:  # noqa: BLE001 - belongs to the caller
        return error
    return None


def _parts(exchange: StreamExchange, queue: ItemQueue, limits: StreamLimits) -> Iterator[bytes]:
    yield exchange.first_part()
    exchange.call.input_started = True
    while came := queue.take():
        part = exchange.write_items(came)
        queue.adapt(len(came), len(part))
        yield part
    limits.input_ended(exchange.call.policy.timeout)
    yield exchange.last_part()


async def _relayed(items: AsyncIterable[Any]) -> AsyncIterator[Any]:
    async for item in items:
        yield item
