"""Calls with streams: retried until the first items have come, and load until the last."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, aclosing
from functools import partial
from typing import Any, Self

from service_channels_http.channel import HTTPXChannel
from service_channels_http.streams.requests import sent, sent_async
from service_channels_http.streams.responses import (
    OpenedStream,
    explained,
    failure_in,
    feed,
    head_of,
    next_async,
    next_items,
    too_late,
    whole,
    whole_async,
)
from service_channels_http.transport.exchange import ItemReader, StreamExchange
from service_channels_http.transport.streams.response import TooLate
from service_core import blocking
from service_core.resilience import Raised, StreamLimits


class AsyncLists:
    """The lists of items of a result; ``items`` is the argument that is a stream, None if there is none.

    No generator, which the event loop would keep account of. Its holder closes it. Used by one task.
    """

    __slots__ = ("_channel", "_exchange", "_items", "_limits", "_load", "_opened")

    def __init__(self, channel: HTTPXChannel, exchange: StreamExchange, items: Any) -> None:
        self._channel = channel
        self._exchange = exchange
        self._items = items
        self._limits: StreamLimits | None = None
        self._opened: OpenedStream | None = None
        self._load: AbstractContextManager[None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Any]:
        if self._limits is None:
            came = await self._open()
        elif self._opened is not None:
            came = await self._next(self._opened, self._limits)
        else:
            raise StopAsyncIteration
        if not came:
            await self.aclose()
            raise StopAsyncIteration
        return came

    async def _open(self) -> list[Any]:
        channel = self._channel
        self._limits = StreamLimits(self._exchange.call)  # the call begins now
        opened: OpenedStream = await channel.run_hedged_async(self._exchange.call, self._send)
        if not opened.is_over:
            self._opened = opened
            self._load = channel.balancer.loaded(opened.url)
            self._load.__enter__()
        return opened.first

    async def _send(self, url: str) -> Any:
        channel, exchange, limits = self._channel, self._exchange, self._limits
        if limits is None:
            raise AssertionError("the call has not begun")
        request, stream = await sent_async(channel, exchange, self._items, url, limits)
        reader: ItemReader | None = None
        try:
            part = await stream.read_head(limits.remaining)
            reader = exchange.reader(request, head_of(stream.response), channel.max_response_bytes)
            if reader is None:
                reply = await whole_async(stream, part, request, limits, channel.max_response_bytes)
                await stream.aclose()
                return failure_in(exchange, request, reply)
            feed(reader, part, request)
            opened = OpenedStream(url, stream, reader, request, await next_async(stream, reader, request, limits))
            if opened.is_over:
                await stream.aclose()
            return opened
        except BaseException as error:
            await stream.aclose()
            if reader is not None and error is reader.failure:
                return Raised(error)
            if isinstance(error, TooLate):
                raise too_late(error, limits) from error
            raise

    async def _next(self, opened: OpenedStream, limits: StreamLimits) -> list[Any]:
        limits.item_came()
        try:
            came = await next_async(opened.stream, opened.reader, opened.request, limits)
        except TooLate as error:
            raise too_late(error, limits) from error
        if not came:
            await opened.stream.finish()
        return came

    async def aclose(self) -> None:
        """End the call. Safe to call twice."""
        opened, self._opened = self._opened, None
        if opened is not None and self._load is not None:
            self._load.__exit__(None, None, None)
            await opened.stream.aclose()


def lists(channel: HTTPXChannel, exchange: StreamExchange, items: Any) -> Generator[list[Any], None, None]:
    """As :class:`AsyncLists`, in this thread."""
    if items is not None:  # a thread cannot read and send at once
        yield from blocking(_both_ways)(channel, exchange, items)
        return
    limits = StreamLimits(exchange.call)
    opened: OpenedStream = channel.run(exchange.call, partial(_send, channel, exchange, limits))
    if opened.is_over:
        yield opened.first
        return
    with channel.balancer.loaded(opened.url):
        try:
            came = opened.first
            while came:
                yield came
                limits.item_came()
                came = next_items(opened.stream, opened.reader, opened.request, limits)
            opened.stream.finish()
        except TooLate as error:
            raise too_late(error, limits) from error
        finally:
            opened.stream.close()


def _send(channel: HTTPXChannel, exchange: StreamExchange, limits: StreamLimits, url: str) -> Any:
    request, stream = sent(channel, exchange, None, url, limits)
    reader: ItemReader | None = None
    try:
        part = stream.read_head(limits.deadline)
        reader = exchange.reader(request, head_of(stream.response), channel.max_response_bytes)
        if reader is None:
            reply = whole(stream, part, request, limits, channel.max_response_bytes)
            stream.close()
            return failure_in(exchange, request, reply)
        feed(reader, part, request)
        opened = OpenedStream(url, stream, reader, request, next_items(stream, reader, request, limits))
        if opened.is_over:
            stream.close()
        return opened
    except BaseException as error:
        stream.close()
        if reader is not None and error is reader.failure:
            return Raised(error)
        if isinstance(error, TooLate):
            raise too_late(error, limits) from error
        raise


async def _both_ways(channel: HTTPXChannel, exchange: StreamExchange, items: Any) -> AsyncGenerator[list[Any], None]:
    async with aclosing(AsyncLists(channel, exchange, items)) as both:
        async for each in both:
            yield each


async def send_input_async(channel: HTTPXChannel, exchange: StreamExchange, items: Any) -> Any:
    """The result of a call with a stream as argument."""
    limits = StreamLimits(exchange.call)

    async def send(url: str) -> Any:
        request, stream = await sent_async(channel, exchange, items, url, limits)
        try:
            part = await stream.read_head(limits.remaining)
            reply = await whole_async(stream, part, request, limits, channel.max_response_bytes)
        except TooLate as error:
            raise too_late(error, limits) from error
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
            part = stream.read_head(limits.deadline)
            reply = whole(stream, part, request, limits, channel.max_response_bytes)
        except TooLate as error:
            raise too_late(error, limits) from error
        finally:
            stream.close()
        return explained(exchange.complete(request, reply), reply)

    return channel.run(exchange.call, send)
