"""Calls with streams: retried until the first items have come, and load until the last."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

from service_channels_http.channel import HTTPXChannel
from service_channels_http.streams.requests import sent, sent_async
from service_channels_http.streams.responses import (
    OpenedStream,
    explained,
    failure_in,
    head_of,
    in_time,
    next_async,
    next_items,
    whole,
    whole_async,
)
from service_channels_http.transport.exchange import ItemReader, StreamExchange
from service_channels_http.transport.streams.response import TooLate
from service_core import blocking
from service_core.resilience import Raised, StreamLimits

__all__ = ["lists", "lists_async", "send_input", "send_input_async"]


async def lists_async(channel: HTTPXChannel, exchange: StreamExchange, items: Any) -> AsyncGenerator[list[Any], None]:
    """The lists of items of a result; ``items`` is the argument that is a stream, None if there is none."""
    call, limits = exchange.call, StreamLimits(exchange.call)

    async def send(url: str) -> Any:
        request, stream = await sent_async(channel, exchange, items, url, limits)
        reader: ItemReader | None = None
        try:
            await in_time(stream.read_head(limits.remaining), limits)
            reader = exchange.reader(request, head_of(stream.response), channel.max_response_bytes)
            if reader is None:
                reply = await whole_async(stream, request, limits, channel.max_response_bytes)
                await stream.aclose()
                return failure_in(exchange, request, reply)
            return OpenedStream(url, stream, reader, request, await next_async(stream, reader, request, limits))
        except BaseException as error:
            await stream.aclose()
            if reader is not None and error is reader.failure:
                return Raised(error)
            raise

    opened: OpenedStream = await channel.run_hedged_async(call, send)
    with channel.balancer.loaded(opened.url):
        try:
            came = opened.first
            while came:
                yield came
                limits.item_came()
                came = await next_async(opened.stream, opened.reader, opened.request, limits)
            await opened.stream.finish()
        finally:
            await opened.stream.aclose()


def lists(channel: HTTPXChannel, exchange: StreamExchange, items: Any) -> Generator[list[Any], None, None]:
    """As :func:`lists_async`, in this thread."""
    call, limits = exchange.call, StreamLimits(exchange.call)
    if items is not None:  # a thread cannot read and send at once
        yield from blocking(lists_async)(channel, exchange, items)
        return

    def send(url: str) -> Any:
        request, stream = sent(channel, exchange, None, url, limits)
        reader: ItemReader | None = None
        try:
            stream.read_head(limits.deadline)
            reader = exchange.reader(request, head_of(stream.response), channel.max_response_bytes)
            if reader is None:
                reply = whole(stream, request, limits, channel.max_response_bytes)
                stream.close()
                return failure_in(exchange, request, reply)
            return OpenedStream(url, stream, reader, request, next_items(stream, reader, request, limits))
        except BaseException as error:
            stream.close()
            if reader is not None and error is reader.failure:
                return Raised(error)
            if isinstance(error, TooLate):
                raise limits.exceeded() from error
            raise

    opened: OpenedStream = channel.run(call, send)
    with channel.balancer.loaded(opened.url):
        try:
            came = opened.first
            while came:
                yield came
                limits.item_came()
                came = next_items(opened.stream, opened.reader, opened.request, limits)
            opened.stream.finish()
        finally:
            opened.stream.close()


async def send_input_async(channel: HTTPXChannel, exchange: StreamExchange, items: Any) -> Any:
    """The result of a call with a stream as argument."""
    limits = StreamLimits(exchange.call)

    async def send(url: str) -> Any:
        request, stream = await sent_async(channel, exchange, items, url, limits)
        try:
            reply = await whole_async(stream, request, limits, channel.max_response_bytes)
        finally:
            await stream.aclose()
        return explained(exchange.complete(request, reply), reply)

    return await channel.run_hedged_async(exchange.call, send)


def send_input(channel: HTTPXChannel, exchange: StreamExchange, items: Any) -> Any:
    """As :func:`send_input_async`, in this thread."""
    limits = StreamLimits(exchange.call)

    def send(url: str) -> Any:
        request, stream = sent(channel, exchange, items, url, limits)
        try:
            reply = whole(stream, request, limits, channel.max_response_bytes)
        except TooLate as error:
            raise limits.exceeded() from error
        finally:
            stream.close()
        return explained(exchange.complete(request, reply), reply)

    return channel.run(exchange.call, send)
